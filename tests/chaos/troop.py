"""The troop: the processes that write and read during a run. A killed one gets a successor."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from chaos import journal
from chaos.journal import Journal
from chaos.plan import Plan

WITHIN = 120.0
"""Seconds within which each process must have had an acknowledged write after a fault, on a busy
machine."""
_HERE = Path(__file__).parent


class Troop:
    """Writers, readers and pages as processes.

    Args:
        plan: of the run.
        path: of the file with the plan.
        members: of each process that writes, its module and the names of its threads.
        readers: how many processes read.
    """

    def __init__(
        self, plan: Plan, path: Path, *, members: list[tuple[str, tuple[str, ...]]], readers: int
    ) -> None:
        self._plan = plan
        self._path = path
        self._random = random.Random(f"{plan.seed} troop")
        self._members = members
        self._incarnations = [0] * len(members)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._readers = readers
        self._reading: list[subprocess.Popen[bytes]] = []
        self._counts: dict[Path, tuple[int, int]] = {}

    def begin(self) -> None:
        self._processes = [self._started(number) for number in range(len(self._members))]
        self._reading = [self._run("chaos.reader", str(number)) for number in range(self._readers)]

    def end(self) -> None:
        """Let each end what it is doing."""
        for process in (*self._processes, *self._reading):
            process.terminate()
        for process in (*self._processes, *self._reading):
            try:
                process.wait(WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise

    def kill(self) -> None:
        """All, whatever they do."""
        for process in (*self._processes, *self._reading):
            process.kill()
            process.wait()

    def kill_a_member(self) -> None:
        """At any instruction; another process goes on with its keys and its tokens."""
        number = self._random.randrange(len(self._members))
        process = self._processes[number]
        process.kill()
        process.wait()
        Journal(self._journal_of(number)).write(journal.NOTES, killed=True)
        self._incarnations[number] += 1
        self._processes[number] = self._started(number)

    def check(self) -> None:
        """Nobody has ended by itself."""
        for process in (*self._processes, *self._reading):
            assert process.poll() is None, f"{process.args} ended with {process.returncode}"

    def acknowledged(self) -> list[int]:
        """How many calls of each process have returned so far."""
        return [self._acknowledged_by(names[0]) for _, names in self._members]

    def _acknowledged_by(self, name: str) -> int:
        total = 0
        for path in Path(self._plan.folder).glob(f"{name}.*.journal"):
            at, count = self._counts.get(path, (0, 0))
            with path.open("rb") as file:
                file.seek(at)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            count += whole.count(b'"outcome": "acknowledged"')
            self._counts[path] = at + len(whole), count
            total += count
        return total

    def await_progress(self) -> bool:
        """Whether each process has an acknowledged call from now on, within some time."""
        before = self.acknowledged()
        until = time.monotonic() + WITHIN
        while time.monotonic() < until:
            self.check()
            now = self.acknowledged()
            if all(count > former for count, former in zip(now, before, strict=True)):
                return True
            time.sleep(0.1)  # other processes write the files that are read here
        return False

    def _journal_of(self, number: int) -> Path:
        _, (name, *_) = self._members[number]
        return Path(self._plan.folder) / f"{name}.{self._incarnations[number]}.journal"

    def _started(self, number: int) -> subprocess.Popen[bytes]:
        module, names = self._members[number]
        return self._run(module, str(self._incarnations[number]), *names)

    def _run(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(_HERE.parent), os.environ.get("PYTHONPATH", "")])
        log = (Path(self._plan.folder) / "processes.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", module, str(self._path), *arguments],
                env={**os.environ, "PYTHONPATH": path},
                stdout=log,
                stderr=log,
            )
