"""The inspection: what the database holds when all is over, beside what was promised of it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from counters import wrong_counters

from chaos import verdict
from chaos.gaps import Gap, met
from chaos.history import ACKNOWLEDGED, REFUSED, History, Read
from chaos.plan import Plan, keys
from chaos.stored import Spoilt, seen
from streamlit_pgstate import PgStateError, Store, UnknownToken

_PARTS = {"part-0", "part-1", "part-2"}
_LEFT = """
SELECT (SELECT count(*) FROM pgstate.entry e JOIN pgstate.session s ON s.id = e.session_id
        WHERE s.revoked_at IS NOT NULL),
    (SELECT count(*) FROM pgstate.body b JOIN pgstate.session s ON s.id = b.session_id
        WHERE s.revoked_at IS NOT NULL)"""


def inspect(
    history: History, plan: Plan, store: Store, sql: psycopg.Connection[Any], lost: list[Gap]
) -> None:
    """Add to the history what is found: a last read of all keys, and promises that are broken.

    Args:
        history: of the run.
        plan: of the run.
        store: that has time.
        sql: a connection to the primary.
        lost: gaps. A session that was filled in one may be gone, or as it was before.
    """
    filled = {call["session"]: call["begin"] for call in history.others if call["verb"] == "fill"}
    for name, token in plan.sessions.items():
        history.reads += _last_reads(history, store, plan, name, token)
    for call in history.others:
        if call["verb"] not in {"forget", "take_over"}:
            continue
        session = call["session"]
        began = min(filled[session], filled.get(f"{session} target", math.inf))
        may_be_undone = met(lost, began, call["end"])
        if call["verb"] == "forget":
            history.broken += _of_forgotten(call, store, may_be_undone=may_be_undone)
        elif may_be_undone:
            history.broken += _of_undone(call, store)
        else:
            history.broken += _of_taken_over(call, store)
    (left,) = sql.execute(_LEFT).fetchall()
    if any(left):
        history.broken.append((verdict.LEFT, f"{left[0]} entries, {left[1]} chunks"))
    history.broken += [(verdict.MISCOUNTED, str(row)) for row in wrong_counters(sql)]


def _last_reads(
    history: History, store: Store, plan: Plan, session: str, token: str
) -> Iterator[Read]:
    begin = time.monotonic()
    state = store.state(token)
    for key in keys(plan.hands):
        value = state.get(key)
        facts: dict[str, Any] = {"session": session, "key": key, "begin": begin}
        if value is None:
            yield Read(**facts, end=time.monotonic(), base=None)
            continue
        found = seen(value, session, key)
        count, last = len(found.appended), (found.appended or [None])[-1]
        yield Read(**facts, end=time.monotonic(), base=found.base, count=count, last=last)


def _of_forgotten(
    call: dict[str, Any], store: Store, *, may_be_undone: bool
) -> Iterator[tuple[str, str]]:
    try:
        found = set(store.state(call["token"]).keys())
    except UnknownToken:
        if call["outcome"] == REFUSED:
            yield verdict.LATE, f"{call} forgot"
        return
    if may_be_undone and found in (set(), _PARTS):
        return
    if call["outcome"] == ACKNOWLEDGED:
        yield verdict.REVIVED, f"{call} and it holds {found}"
    elif found != _PARTS:
        yield verdict.LOST, f"{call} left {found}"


def _of_undone(call: dict[str, Any], store: Store) -> Iterator[tuple[str, str]]:
    """Whatever is left of two sessions is whole, and of these two."""
    both = {call["session"], f"{call['session']} target"}
    for name in ("source", "target"):
        try:
            state = store.state(call[name])
            for key in state:
                value = state[key]
                seen(value, value["session"], key)
                if value["session"] not in both:
                    yield verdict.MIXED, f"{call}: {value['session']}"
        except UnknownToken:
            continue
        except (PgStateError, Spoilt) as error:
            yield verdict.SPLIT, f"{call}: {error!r}"


def _of_taken_over(call: dict[str, Any], store: Store) -> Iterator[tuple[str, str]]:
    session, moved = call["session"], set(call["keys"])
    try:
        source, target = (store.state(call[name]) for name in ("source", "target"))
        here, there = set(source.keys()), set(target.keys())
        for state in (source, target):
            for key in moved & set(state.keys()):
                seen(state[key], session, key)
    except (PgStateError, Spoilt) as error:
        yield verdict.SPLIT, f"{call}: {error!r}"
        return
    is_moved, is_kept = (here, there) == (_PARTS - moved, _PARTS), moved <= here
    if is_kept and there == _PARTS - moved and call["outcome"] != ACKNOWLEDGED:
        return
    if not is_moved or call["outcome"] == REFUSED:
        yield verdict.SPLIT, f"{call}: {here} beside {there}"
