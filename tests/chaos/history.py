"""The history of a run: all journals as changes, appends and reads."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chaos import journal
from chaos.plan import begun_by

ACKNOWLEDGED = "acknowledged"
"""The call has returned."""
REFUSED = "refused"
"""Its error says that nothing was stored."""
UNKNOWN = "unknown"
"""Its error does not say that."""
KILLED = "killed"
"""Its process was killed meanwhile."""
IDLE = "idle"
"""It has found nothing to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A value that was set, or deleted: all of the key is another from here on.

    Two of the same name have set the same value, one right after the other. Nobody appends to it.

    Attributes:
        end: when the call returned. If its process was killed: when it can take effect no more.
        ttl: seconds, or None.
        has_found: what a `delete` has answered; None where it has not, and for a value.
    """

    name: str
    session: str
    key: str
    is_deletion: bool = False
    begin: float
    end: float
    outcome: str = ACKNOWLEDGED
    ttl: float | None = None
    has_found: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """A `modify`, which appends its name to a value.

    Attributes:
        base: the change that had set the value; None where that is not known.
        place: how many names the value holds with this one.
    """

    name: str
    session: str
    key: str
    begin: float
    end: float
    outcome: str = ACKNOWLEDGED
    base: str | None = None
    place: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a reader has seen under a key. `base` is None for nothing."""

    session: str
    key: str
    begin: float
    end: float
    base: str | None
    count: int = 0
    last: str | None = None


@dataclass(slots=True)
class History:
    """All that happened in a run."""

    changes: list[Change] = field(default_factory=list)
    appends: list[Append] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)
    """Calls of other verbs: what was noted at their begin and at their end."""
    broken: list[tuple[str, str]] = field(default_factory=list)
    """Promises that a process itself has seen broken: which, and how."""

    def add(self, lines: Iterable[dict[str, Any]], *, settled_after: float) -> None:
        """Add the journal of one process.

        Args:
            lines: of the journal.
            settled_after: seconds after a process was killed until nothing it had sent can take
                effect any more.
        """
        begun: dict[str, dict[str, Any]] = {}
        at = -math.inf
        for line in lines:
            at = line["at"]
            if line["line"] == journal.BEGINS:
                begun[line["name"]] = {**line, "begin": at}
            elif line["line"] == journal.ENDS:
                self._add_call({**begun.pop(line["name"]), **line, "end": at})
            elif line["line"] == journal.READS:
                self.reads += [_read(line, each) for each in line["seen"]]
            elif line["line"] == journal.BREAKS:
                self.broken.append((line["promise"], line["how"]))
        for call in begun.values():  # the last line says when the process was killed
            self._add_call({**call, "end": at + settled_after, "outcome": KILLED})

    def _add_call(self, call: dict[str, Any]) -> None:
        common = {name: call[name] for name in ("name", "session", "begin", "end", "outcome")}
        match call["verb"]:
            case "set" | "update":
                common["name"] = call["base"]
                self.changes += [
                    Change(**common, key=key, ttl=call.get("ttl")) for key in call["keys"]
                ]
            case "delete":
                (key,) = call["keys"]
                found = call.get("found")
                self.changes.append(Change(**common, key=key, is_deletion=True, has_found=found))
            case "modify":
                (key,) = call["keys"]
                base, place = call.get("base"), call.get("place", 0)
                self.appends.append(Append(**common, key=key, base=base, place=place))
                began = begun_by(call["name"])
                if call["begins"] and base in {None, began} and call["outcome"] != IDLE:
                    self.changes.append(Change(**common | {"name": began}, key=key))
            case _:
                self.others.append(call)


def _read(line: dict[str, Any], seen: list[Any]) -> Read:
    key, base, count, last = seen
    return Read(
        session=line["session"],
        key=key,
        begin=line["begin"],
        end=line["at"],
        base=base,
        count=count,
        last=last,
    )
