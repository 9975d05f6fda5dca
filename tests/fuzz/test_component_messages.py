"""What a browser sends is read without an error, whatever it is: see also test_lying_browsers."""

from __future__ import annotations

import json

import pytest
from lies import Lies, rounds, seeds

from streamlit_pgstate.component.bridge import ShownState, Tick, TokenReply
from streamlit_pgstate.component.handshake import Action, Handshake
from streamlit_pgstate.postgres.token import has_shape
from streamlit_pgstate.widgets.edits import Edits

HAVE = "A" * 16


def told(lies: Lies) -> object:
    """A component's state, as Streamlit would read it from the browser."""
    return json.loads(json.dumps(state(lies)))


def state(lies: Lies) -> object:
    veil = bytes(128)
    answer = {
        "to": lambda: HAVE,
        "token": lambda: lies.veiled(lies.token([]), veil),
        "blocked": lambda: True,
        "kept": lambda: True,
        "copied": lambda: True,
        "shown": lambda: True,
    }
    report = {
        "have": lambda: HAVE,
        "version": lambda: 5,
        "serverSession": lambda: "0" * 8,
        "at": lambda: 5,
    }
    tick = {"number": lambda: 5, "typing": lambda: "st-key-text", "dialog": lambda: True}
    fields = {
        "answer": lambda: lies.mapping(answer),
        "reconnect": lambda: lies.mapping(report),
        "tick": lambda: lies.mapping(tick),
    }
    return lies.mapping(fields)


def test_a_reply_is_one_or_none_at_all() -> None:
    actions: set[Action] = set()
    for seed in seeds():
        lies = Lies(seed)
        for _ in range(rounds(3000)):
            reply = TokenReply.read(told(lies), bytes(128))
            if reply is None:
                continue
            assert reply.token is None or has_shape(reply.token)
            assert {type(part) for part in (reply.answer.copied, reply.answer.kept)} == {bool}
            actions.add(Handshake.of_known(HAVE).action_for(reply.answer))
    assert actions >= {Action.CHECK, Action.COPY, Action.BEGIN, Action.IGNORE, Action.GO_WITHOUT}


def test_what_a_page_says_that_it_has_shown_is_a_version_or_nothing() -> None:
    found = 0
    for seed in seeds():
        lies = Lies(seed)
        for _ in range(rounds(3000)):
            report = ShownState.read(told(lies))
            if report is not None:
                found += 1
                assert type(report.version) is int
                assert 0 <= report.version < 2**63, "PostgreSQL counts no further"
    assert found


def test_a_tick_is_a_number_and_perhaps_a_field_and_a_dialog() -> None:
    for seed in seeds():
        lies = Lies(seed)
        for _ in range(rounds(3000)):
            tick = Tick.read(told(lies))
            assert type(tick.number) is int
            assert tick.typing is None or type(tick.typing) is str
            assert type(tick.has_dialog) is bool


@pytest.mark.parametrize("row", ["1", "x", "-1", "1e9", "\0", "99999999999999999999"])
def test_edits_of_any_row(row: str) -> None:
    Edits.from_state({"edited_rows": {row: {"a": 1}}})


def test_edits_are_edits_or_none() -> None:
    for seed in seeds():
        lies = Lies(seed)
        for _ in range(rounds(3000)):
            edits = Edits.from_state(json.loads(json.dumps(edits_told(lies))))
            before = Edits({0: {"a": 1}}, [{"a": 2}], [1])
            after = before.then(edits, [0, 2, ~0])
            assert Edits.from_state(after.as_state()) == after


def edits_told(lies: Lies) -> object:
    cells = {"a": lambda: 5, "b": lambda: "x", "_index": lambda: 3}
    rows = {
        "edited_rows": lambda: lies.mapping({"0": lambda: lies.mapping(cells), "x": lies.value}),
        "added_rows": lambda: [lies.mapping(cells) for _ in range(lies.randrange(3))],
        "deleted_rows": lambda: [lies.choice([0, 1, 2, lies.scalar()])],
    }
    return lies.mapping(rows)
