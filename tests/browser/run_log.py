"""The log of script runs that the apps under test write, and that their tests read all the time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One script run, full or of a fragment, as the app's own log has it."""

    visitor: str
    tab: str | None
    is_fragment: bool
    seen: dict[str, Any]
    is_over: bool = False
    is_followed: bool = False
    """Whether another one took its place, by `st.rerun` or by what the visitor did next."""
    process: int = 0
    """Of the server."""
    session: str = ""
    """Streamlit's, by its first letters."""
    changed: dict[str, str] = field(default_factory=dict)
    """What the page sent, by widget, that it had not sent before in this session."""


class RunLog:
    """What the log of one server holds so far; each line is read once.

    A test looks some 20 times a second, and hundreds of tests share a server.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0
        self._runs: dict[str, dict[str, Run]] = {}
        """By visitor, then by the run's own id, in the order of their starts."""

    def of(self, visitor: str) -> list[Run]:
        """The runs of one visitor, in the order of their starts."""
        self._read_on()
        return list(self._runs.get(visitor, {}).values())

    def _read_on(self) -> None:
        """To the last whole line.

        An append is atomic among writers, not for readers: they see it up to a page's end first.
        """
        if not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._read_bytes)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        runs = self._runs.setdefault(line["visitor"], {})
        if line["event"] == "start":
            cause = {name: line[name] for name in ("process", "session", "changed")}
            runs[line["run"]] = Run(line["visitor"], line["tab"], line["fragment"], {}, **cause)
        else:
            runs[line["run"]] = replace(
                runs[line["run"]],
                seen=line["seen"],
                is_over=True,
                is_followed=line.get("followed", False),
            )
