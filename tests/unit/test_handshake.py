"""The handshake, by the conversations that `frontend/src/handshake.test.ts` runs too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamlit_pgstate.component.handshake import Action, Answer, Handshake, Question, Standing

TABLE = json.loads((Path(__file__).parents[1] / "handshake.json").read_text(encoding="utf-8"))
CONVERSATIONS = TABLE["conversations"]


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda it: it["name"])
def test_the_server_keeps_to_the_conversation(conversation: dict[str, Any]) -> None:
    handshake = opened(conversation)
    for turn in conversation["rounds"]:
        handshake = happened(handshake, turn.get("before", {}))
        assert handshake.question == asked(turn["asks"])
        said = turn.get("late") or turn["says"]
        if said is not None:
            answer = Answer(**{"to": turn["asks"]["have"], **said})
            action = handshake.action_for(answer)
            assert action is Action(turn["does"])
            if "former state" in turn:
                assert handshake.drops_its_state(answer) is (turn["former state"] == "dropped")
            handshake = done(handshake, action, answer, turn.get("given", {}))
        assert handshake.have == turn["works with"]
        assert handshake.standing is Standing(turn["standing"])
        assert handshake.durable is turn["durable"]


def opened(conversation: dict[str, Any]) -> Handshake:
    page = conversation["page"]
    if page["token"] is not None and page.get("is", "good") == "good":
        return Handshake.of_known(page["token"])
    minted = conversation["rounds"][0]["asks"]["have"]
    return Handshake.of_candidate(minted, refused=page["token"])


def happened(handshake: Handshake, before: dict[str, Any]) -> Handshake:
    """What has happened on the server's side; on the browser's: see the twin of this test."""
    if "restarted" in before:
        handshake = Handshake.of_candidate(before["restarted"])
    if before.get("waits"):
        handshake = handshake.waiting()
    if before.get("in vain"):
        handshake = handshake.going_on()
    if before.get("forgets"):
        handshake = handshake.forgetting()
    if "rotated" in before:
        handshake = handshake.succeeded(before["rotated"])
    if "ended" in before:
        handshake = handshake.ended(before["ended"])
    return handshake


def asked(asks: dict[str, Any]) -> Question:
    return Question(
        have=asks["have"],
        offers=asks.get("offers", False),
        replaces=asks.get("replaces"),
        ask=asks.get("ask", False),
        forgets=asks.get("forgets", False),
    )


def done(handshake: Handshake, action: Action, answer: Answer, given: dict[str, str]) -> Handshake:
    """As `visit` carries it out: what the database says of a token stands in the table."""
    token = answer.token or ""
    is_bad = given.get("the token is") == "bad"
    match action:
        case Action.CONFIRM:
            return handshake.confirmed()
        case Action.GO_WITHOUT:
            return handshake.going_without()
        case Action.BEGIN:
            return handshake.begun(given["mints"])
        case Action.CHECK if not is_bad:
            return handshake.adopted(token)
        case Action.COPY if not is_bad:
            return handshake.copied(given["mints"], token)
        case Action.CHECK | Action.COPY | Action.REFUSE | Action.FORGET:
            return handshake.refusing(token)
    return handshake


def test_the_table_holds_each_action_and_each_standing() -> None:
    turns = [turn for conversation in CONVERSATIONS for turn in conversation["rounds"]]
    assert {turn["does"] for turn in turns if "does" in turn} == {it.value for it in Action}
    assert {turn["standing"] for turn in turns} == {it.value for it in Standing}


def test_a_browser_that_sends_ever_new_tokens_does_not_fill_the_servers_memory() -> None:
    handshake = Handshake.of_known("A")
    for number in range(1000):
        handshake = handshake.refusing(str(number))
    assert len(handshake.refused) == 16
    assert handshake.replaces == "999"
