"""The plan of a run: which processes use which sessions and keys of which database."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

PAIR = ("pair-left", "pair-right")
"""Keys that are only ever changed together."""
COUNTS = ("count-0", "count-1")
"""Keys that everybody appends to, and that are set anew now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The same for all processes of a run.

    Attributes:
        folder: where the journals are.
        url: of the database: through the gates, so it names several hosts.
        timeout: seconds, as the setting of that name.
        sessions: the tokens of the sessions that all processes share, by name.
        hands: the names of the threads that write. Each has keys that it alone sets and deletes.
        seed: of all that is decided by chance.
    """

    folder: str
    url: str
    timeout: float
    sessions: dict[str, str]
    hands: tuple[str, ...]
    seed: int

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def read(cls, path: Path) -> Plan:
        return cls(**json.loads(path.read_text()))


def begun_by(name: str) -> str:
    """The name of the change by which a `modify` begins a value, where there was none."""
    return f"begun by {name}"


def own_keys(hand: str) -> dict[str, str]:
    """The keys of a hand, by what they are for."""
    return {
        "small": f"small-{hand}",
        "large": f"large-{hand}",
        "mixed": f"mixed-{hand}",
        "passing": f"passing-{hand}",
    }


def keys(hands: tuple[str, ...]) -> list[str]:
    """All keys of a shared session."""
    return [*PAIR, *COUNTS, *(key for hand in hands for key in own_keys(hand).values())]
