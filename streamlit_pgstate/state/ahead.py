"""Ahead: by how much the server's clock is ahead of ours."""

from __future__ import annotations

from typing import NamedTuple

from streamlit_pgstate.postgres.rows import ClockReading


class Ahead(NamedTuple):
    """Seconds that must be added to a moment of `time.monotonic`, between two bounds."""

    least: float
    """The lower bound. Counted by it, values expire late rather than early."""
    most: float
    """The upper bound."""

    @classmethod
    def of(cls, reading: ClockReading) -> Ahead:
        """What one reading says. The bounds are as far apart as the answer took."""
        return cls(reading.server_time - reading.received, reading.server_time - reading.asked)

    def learns_nothing_from(self, reading: ClockReading) -> bool:
        """Whether a reading is less exact than these bounds, as most are after the first few."""
        return (
            reading.server_time - reading.received <= self.least
            and self.most <= reading.server_time - reading.asked
        )

    def within(self, other: Ahead) -> Ahead | None:
        """What both say, so that a slow answer makes nothing worse.

        None if they contradict each other. Then one of the clocks was set, or ours stood still
        while the machine was suspended.
        """
        least, most = max(self.least, other.least), min(self.most, other.most)
        return Ahead(least, most) if least <= most else None
