"""The verdict: which promises a history breaks. Pure functions.

The order of two calls is known only where one had ended before the other began.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from chaos.history import (
    ACKNOWLEDGED,
    IDLE,
    KILLED,
    REFUSED,
    UNKNOWN,
    Append,
    Change,
    History,
    Read,
)

LOST = "acknowledged writes lost"
HALF = "half-written values"
DOUBLED = "doubled modify"
LOST_MODIFY = "acknowledged modify lost"
MIXED = "sessions mixed"
TORN = "updates torn"
NOWHERE = "values from nowhere"
LATE = "refused writes stored"
EXPIRED = "expired values seen"
UNTRUE = "untrue answers of delete"
STRANDED = "browsers stranded by rotate"
REVIVED = "forgotten sessions revived"
SPLIT = "sessions split by take_over"
LEFT = "rows left by forget"
MISCOUNTED = "sessions that count wrong"
STRANGE = "errors that are no outage"
STUCK = "no progress after a fault"

PROMISES = (
    *(LOST, HALF, DOUBLED, LOST_MODIFY, MIXED, TORN, NOWHERE, LATE, EXPIRED, UNTRUE),
    *(STRANDED, REVIVED, SPLIT, LEFT, MISCOUNTED, STRANGE, STUCK),
)
"""What must be 0 at the end of a run."""

_SLACK = 0.5
"""Seconds by which the clocks of database and processes may differ. All run on one machine."""


def broken(history: History) -> list[tuple[str, str]]:
    """Every promise that the history breaks, with what broke it."""
    found = list(history.broken)
    changes = _by_key(history.changes)
    appends = _by_key(history.appends)
    reads = _by_key(history.reads)
    for place in {*changes, *appends, *reads}:
        of_key = _Key(changes.get(place, []), appends.get(place, []))
        found += of_key.of_reads(reads.get(place, []))
        found += of_key.of_appends(reads.get(place, []))
        found += of_key.of_deletions()
    return found


_LIKELY = (ACKNOWLEDGED, KILLED, UNKNOWN, REFUSED)
"""Of calls that have set one value: how the one ended that says most of whether it is there."""


def _merged(changes: Iterable[Change]) -> list[Change]:
    """The calls that have set one value, as one that may have taken effect during any of them."""
    found: dict[str, Change] = {}
    for change in sorted(changes, key=lambda each: each.begin):
        first = found.get(change.name, change)
        outcome = min((first.outcome, change.outcome), key=_LIKELY.index)
        end = max(first.end, change.end)
        found[change.name] = replace(change, begin=first.begin, end=end, outcome=outcome)
    return list(found.values())


def _by_key(each: Iterable[Change | Append | Read]) -> dict[tuple[str, str], list]:
    grouped = defaultdict(list)
    for one in each:
        grouped[one.session, one.key].append(one)
    return grouped


@dataclass(frozen=True, slots=True)
class _Latest:
    """Of calls sorted by one time, the greatest other time up to each."""

    keys: list[float]
    greatest: list[float]

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> _Latest:
        keys, greatest = [], []
        for key, other in sorted(pairs):
            keys.append(key)
            greatest.append(max(other, greatest[-1] if greatest else -math.inf))
        return cls(keys, greatest)

    def before(self, time: float) -> float:
        """The greatest of those whose key is before `time`."""
        index = bisect_left(self.keys, time)
        return self.greatest[index - 1] if index else -math.inf


class _Key:
    """All that was changed of one key of one session."""

    def __init__(self, changes: list[Change], appends: list[Append]) -> None:
        changes = _merged(changes)
        self._changes = {change.name: change for change in changes}
        self._appends = {append.name: append for append in appends}
        acknowledged = [
            (change.end, change.begin) for change in changes if change.outcome == ACKNOWLEDGED
        ]
        # An acknowledged modify has seen its base, and is committed after it.
        witnessed = [
            (append.end, self._changes[append.base].begin)
            for append in appends
            if append.outcome == ACKNOWLEDGED and append.base in self._changes
        ]
        self._replaced = _Latest.of(acknowledged + witnessed)
        """When the last change began that is acknowledged before a time: what had ended before
        that is replaced."""
        absences = [(change.begin, change.end) for change in changes if change.is_deletion]
        expiries = [
            (change.begin + change.ttl, change.end) for change in changes if change.ttl is not None
        ]
        self._absent = _Latest.of(absences + expiries)
        """Of the absences that may be seen before a time: when the last of their calls ended."""

    def of_reads(self, reads: list[Read]) -> Iterator[tuple[str, str]]:
        """What is wrong with what was read: each wrong value once, by its first read."""
        told = set()
        for read in sorted(reads, key=lambda read: read.begin):
            if (promise := self._promise_broken_by(read)) and (promise, read.base) not in told:
                told.add((promise, read.base))
                yield promise, f"{read}; it is the value of {self._changes.get(read.base or '')}"

    def _promise_broken_by(self, read: Read) -> str | None:
        replaced_before = self._replaced.before(read.begin)
        if read.base is None:
            is_late = self._absent.before(math.nextafter(read.end, math.inf)) < replaced_before
            return LOST if is_late else None
        change = self._changes.get(read.base)
        if change is None or change.is_deletion or change.begin > read.end:
            return NOWHERE
        if change.outcome == REFUSED:
            return LATE
        if change.end < replaced_before:
            return LOST
        if change.ttl is not None and change.outcome == ACKNOWLEDGED:
            return EXPIRED if read.begin > change.end + change.ttl + _SLACK else None
        return None

    def of_appends(self, reads: list[Read]) -> Iterator[tuple[str, str]]:
        """Between two changes the names only grow, so each acknowledged one keeps its place.

        One that is not acknowledged may be seen, and be gone after a failover: PostgreSQL shows
        what it has committed and the standby has not.
        """
        places: dict[tuple[str | None, int], Append] = {}
        done = [each for each in self._appends.values() if each.outcome == ACKNOWLEDGED]
        for append in done:
            other = places.setdefault((append.base, append.place), append)
            if other is not append:
                yield LOST_MODIFY, f"{append} and {other} have one place"
        of_base = defaultdict(list)
        for append in done:
            of_base[append.base].append((append.end, append.place))
        greatest = {base: _Latest.of(pairs) for base, pairs in of_base.items()}
        told = set()
        for read in sorted(reads, key=lambda read: read.begin):
            if read.base is None or (read.base, read.count, read.last) in told:
                continue
            before = greatest[read.base].before(read.begin) if read.base in greatest else 0
            for promise, how in self._of_names(read, before, places):
                told.add((read.base, read.count, read.last))
                yield promise, f"{read} {how}"

    def _of_names(
        self, read: Read, acknowledged: float, places: dict[tuple[str | None, int], Append]
    ) -> Iterator[tuple[str, str]]:
        """What is wrong with the names that a read has seen.

        Args:
            read: which has seen a value.
            acknowledged: how many names were acknowledged before it.
            places: who has which place.
        """
        if acknowledged > read.count:
            yield LOST_MODIFY, "has fewer names than were acknowledged before"
        if not read.count or read.last is None:
            return
        owner = places.get((read.base, read.count))
        if owner and owner.name != read.last and owner.end < read.begin:
            yield LOST_MODIFY, f"has another name in the place of {owner}"
        append = self._appends.get(read.last)
        if append is None or append.begin > read.end:
            yield NOWHERE, f"is of {append}"
        elif append.outcome in {REFUSED, IDLE}:
            yield LATE, f"is of {append}"

    def of_deletions(self) -> Iterator[tuple[str, str]]:
        """What a delete has found is known where one process changes the key, and knows what of."""
        is_there: bool | None = False
        open_until = -math.inf
        for change in sorted(self._changes.values(), key=lambda each: each.begin):
            if change.outcome == REFUSED:
                continue
            is_certain = change.outcome == ACKNOWLEDGED and open_until < change.begin
            if (
                change.has_found is not None
                and is_certain
                and is_there
                not in {
                    None,
                    change.has_found,
                }
            ):
                yield UNTRUE, f"{change}, and there {'was' if is_there else 'was not'} one"
            if change.outcome in {KILLED, UNKNOWN}:
                is_there, open_until = None, max(open_until, change.end)
            elif not is_certain or change.ttl is not None:
                is_there = None
            else:
                is_there = not change.is_deletion
