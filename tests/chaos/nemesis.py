"""The nemesis: breaks the cluster and kills processes, one after the other, by a seed."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psycopg

from chaos.cluster import Cluster
from chaos.troop import Troop

_CLIENTS = """
SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'
    AND application_name = 'streamlit-pgstate' ORDER BY pid"""


class Nemesis:
    """Breaks one thing at a time, and mends it.

    Args:
        cluster: of servers.
        troop: of processes that use it.
        seed: decides what is broken, and for how long.
        timeout: of the processes, in seconds: some faults are shorter, some longer.
    """

    def __init__(self, cluster: Cluster, troop: Troop, *, seed: int, timeout: float) -> None:
        self._cluster = cluster
        self._random = random.Random(f"{seed} nemesis")
        self._timeout = timeout
        self.done: Counter[str] = Counter()
        self._faults: dict[str, tuple[int, Callable[[], None]]] = {
            "app killed": (5, troop.kill_a_member),
            "all backends' connections cut": (4, self._cut),
            "connections frozen": (3, self._freeze_connections),
            "answers lost": (3, self._lose_answers),
            "some answers lost": (6, self._lose_some_answers),
            "present connections held back": (5, self._hold_present_ones_back),
            "answers held back": (3, self._hold_answers_back),
            "connections dropped silently": (3, self._drop_silently),
            "backends frozen": (5, self._freeze_backends),
            "backend killed": (3, self._kill_a_backend),
            "PostgreSQL killed": (3, self._cluster.restart_primary),
            "primary lost, standby promoted": (4, self._cluster.fail_over),
            "standby away": (2, self._lose_standby),
            "standby away, then primary lost": (3, self._fail_over_behind),
            "no connection left": (2, self._take_all_connections),
            "tables locked": (2, self._lock),
            "read-only": (2, self._refuse_writes),
        }

    def choices(self) -> Iterator[str]:
        """Every fault once, then each as often as its weight says, for ever."""
        names = list(self._faults)
        self._random.shuffle(names)
        yield from names
        weights = [weight for weight, _ in self._faults.values()]
        while True:
            yield self._random.choices(list(self._faults), weights)[0]

    def strike(self, name: str) -> None:
        """Break one thing, and mend it before this returns."""
        self._faults[name][1]()
        self.done[name] += 1

    def _for_a_while(self) -> None:
        """How long a fault lasts: half of the times shorter than the processes' timeout."""
        time.sleep(self._timeout * self._random.choice((0.3, 0.6, 1.3, 2.5)))

    def _cut(self) -> None:
        self._cluster.gate.shut()
        time.sleep(self._random.choice((0, 0, 1)))  # how long the server is away
        self._cluster.gate.open()

    def _freeze_connections(self) -> None:
        with self._cluster.gate.frozen():
            self._for_a_while()

    def _hold_answers_back(self) -> None:
        with self._cluster.gate.muted():
            self._for_a_while()

    def _lose_answers(self) -> None:
        for _ in range(self._random.choice((1, 3))):
            with self._cluster.gate.losing_answers():
                self._await_a_break()

    def _lose_some_answers(self) -> None:
        """A write is sent again after others have gone on."""
        chance = self._random.choice((0.05, 0.2))
        by = random.Random(self._random.random())
        with self._cluster.gate.losing_some_answers(chance, by=by, opens_after=0.7):
            self._for_a_while()

    def _hold_present_ones_back(self) -> None:
        """What was given up arrives late, after others have gone on."""
        with self._cluster.gate.holding_present_ones():
            self._for_a_while()

    def _await_a_break(self) -> None:
        until = time.monotonic() + 10
        while self._cluster.gate.is_open and time.monotonic() < until:
            time.sleep(0.01)  # the gate tells nobody that it has shut

    def _drop_silently(self) -> None:
        self._cluster.gate.drop_silently()

    def _freeze_backends(self) -> None:
        clients = self._clients()
        frozen = self._random.sample(clients, max(1, len(clients) // 2)) if clients else []
        for pid in frozen:
            _signal(pid, signal.SIGSTOP)
        self._for_a_while()
        for pid in frozen:
            _signal(pid, signal.SIGCONT)

    def _kill_a_backend(self) -> None:
        """PostgreSQL then ends all others, and recovers as after a crash."""
        if clients := self._clients():
            _signal(self._random.choice(clients), signal.SIGKILL)
        self._cluster.await_standby()

    def _clients(self) -> list[int]:
        with self._cluster.sql() as sql:
            return [pid for (pid,) in sql.execute(_CLIENTS).fetchall()]

    def _lose_standby(self) -> None:
        self._cluster.standby.kill()
        self._for_a_while()
        self._cluster.standby.start()
        self._cluster.await_standby()

    def _fail_over_behind(self) -> None:
        """Long enough for the processes to give up what waits for the standby, and to go on."""
        self._cluster.fail_over_behind(self._timeout * self._random.choice((1.3, 2.5)))

    def _take_all_connections(self) -> None:
        with contextlib.ExitStack() as taken:
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    taken.enter_context(self._cluster.primary.sql())
            self._cluster.gate.shut()  # so that the others need new ones
            self._cluster.gate.open()
            self._for_a_while()

    def _lock(self) -> None:
        with self._cluster.sql() as sql, sql.transaction():
            sql.execute("LOCK pgstate.entry")
            self._for_a_while()

    def _refuse_writes(self) -> None:
        with self._cluster.sql() as sql:
            sql.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            sql.execute("SELECT pg_reload_conf()")
            self._for_a_while()
            sql.execute("ALTER SYSTEM RESET default_transaction_read_only")
            sql.execute("SELECT pg_reload_conf()")


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
