"""The handshake, by the conversations that `frontend/src/handshake.test.ts` runs too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streamlit_pgstate.component.handshake import Action, Answer, Handshake, Question, Standing
from streamlit_pgstate.errors import Refusal

TABLE = json.loads((Path(__file__).parents[1] / "handshake.json").read_text(encoding="utf-8"))
CONVERSATIONS = TABLE["conversations"]


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda it: it["name"])
def test_the_server_keeps_to_the_conversation(conversation: dict[str, Any]) -> None:
    handshake = opened(conversation["page"], conversation["rounds"][0])
    for turn in conversation["rounds"]:
        if "page" in turn.get("before", {}):
            handshake = opened(turn["before"]["page"], turn)
        handshake = after_events(handshake, turn.get("before", {}))
        assert handshake.question == question_of(turn["question"])
        given = turn.get("late answer") or turn["answer"]
        if given is not None:
            answer = Answer(**{"to": turn["question"]["have"], **given})
            action = handshake.action_for(answer)
            assert action is Action(turn["action"])
            if "former state" in turn:
                assert handshake.drops_its_state(answer) is (turn["former state"] == "dropped")
            handshake = after_action(handshake, action, answer, turn.get("given", {}))
        assert handshake.have == turn["works with"]
        assert handshake.standing is Standing(turn["standing"])
        assert handshake.durable is turn["durable"]


def opened(page: dict[str, Any], turn: dict[str, Any]) -> Handshake:
    """The handshake that a page load begins, before its first round `turn`."""
    if page["token"] is not None and page.get("is", "good") == "good":
        return Handshake.of_known(page["token"])
    minted, because = turn["question"]["have"], Refusal(page.get("because", "final"))
    return Handshake.of_candidate(minted, refused=page["token"], because=because)


def after_events(handshake: Handshake, before: dict[str, Any]) -> Handshake:
    """The handshake after the server's events. `handshake.test.ts` applies the browser's."""
    if "restarted" in before:
        handshake = Handshake.of_candidate(before["restarted"])
    if before.get("waits"):
        handshake = handshake.waiting()
    if before.get("timed out"):
        handshake = handshake.going_on()
    if before.get("forgets"):
        handshake = handshake.forgetting()
    if "rotated" in before:
        handshake = handshake.succeeded(before["rotated"])
    if "ended" in before:
        handshake = handshake.ended(before["ended"])
    if "left behind" in before:
        handshake = handshake.left_behind(before["left behind"])
    if "forgotten" in before:
        handshake = handshake.forgotten(before["forgotten"])
    return handshake


def question_of(question: dict[str, Any]) -> Question:
    return Question(
        have=question["have"],
        offers=question.get("offers", False),
        replaces=question.get("replaces"),
        ask=question.get("ask", False),
        forgets=question.get("forgets", False),
        because=Refusal(question.get("because", "final")),
        clears=question.get("clears", False),
    )


def after_action(
    handshake: Handshake, action: Action, answer: Answer, given: dict[str, str]
) -> Handshake:
    """The handshake after an action, as `replies` carries it out.

    The table gives what the database says about the token.
    """
    token = answer.token or ""
    is_bad = given.get("the token is") == "bad"
    match action:
        case Action.CONFIRM:
            return handshake.confirmed()
        case Action.GO_WITHOUT:
            return handshake.going_without()
        case Action.BEGIN:
            return handshake.begun(given["mints"])
        case Action.CHECK if given.get("the token is") == "replaced at a login":
            return handshake.going_without()
        case Action.CHECK if not is_bad:
            return handshake.adopted(token)
        case Action.COPY if not is_bad:
            return handshake.copied(given["mints"], token)
        case Action.REFUSE:
            return handshake.refusing_again(token)
        case Action.CHECK | Action.COPY | Action.FORGET:
            return handshake.refusing(token, Refusal(given.get("because", "final")))
    return handshake


def test_the_table_holds_each_action_and_each_standing() -> None:
    turns = [turn for conversation in CONVERSATIONS for turn in conversation["rounds"]]
    actions = {it.value for it in Action} - {Action.SETTLE.value}  # under pgstate.App alone
    assert {turn["action"] for turn in turns if "action" in turn} == actions
    assert {turn["standing"] for turn in turns} == {it.value for it in Standing}


def test_a_browser_that_sends_ever_new_tokens_does_not_fill_the_servers_memory() -> None:
    handshake = Handshake.of_known("A")
    for number in range(1000):
        handshake = handshake.refusing(str(number), Refusal.FINAL)
    assert len(handshake.refused) == 16
    assert handshake.replaces == "999"


def test_a_tab_has_its_state_copied_once_and_the_browsers_state_never() -> None:
    copied = Answer(to="A", token="A", copied=True)
    assert Handshake.of_known("A").action_for(copied) is Action.COPY
    assert Handshake.of_known("A", may_copy=False).action_for(copied) is Action.CONFIRM
    copy = Handshake.of_known("A").copied("M", "A")
    assert copy.action_for(Answer(to="M", token="A", copied=True)) is Action.CHECK
    for later in (
        copy.adopted("A"),
        copy.ended("N"),
        copy.begun("N"),
        copy.refusing("A", Refusal.FINAL),
    ):
        again = Answer(to=later.have, token="B", copied=True)
        assert later.action_for(again) is Action.CHECK


@pytest.mark.parametrize(
    ("handshake", "action"),
    [
        (Handshake.of_first_visit("ours"), Action.CHECK),
        (Handshake.of_known("ours").with_cookie_alone(), Action.IGNORE),
        (Handshake.of_candidate("ours", refused="x").with_cookie_alone(), Action.IGNORE),
        (Handshake.of_first_visit("x").taken_over("ours"), Action.IGNORE),
        (Handshake.of_first_visit("x").forgotten("ours").with_cookie_alone(), Action.IGNORE),
    ],
    ids=["first visit", "known", "candidate", "taken over", "forgotten"],
)
def test_with_an_http_only_cookie_another_token_counts_on_a_first_visit_alone(
    handshake: Handshake, action: Action
) -> None:
    for copied in (False, True):  # nothing is copied but a tab's own state
        answer = Answer(to="ours", token="theirs", copied=copied)
        assert handshake.action_for(answer) is action
    assert handshake.action_for(Answer(to="ours", token="ours")) is Action.CONFIRM


@pytest.mark.parametrize(
    ("handshake", "action"),
    [
        (Handshake.of_first_visit("ours"), Action.SETTLE),
        (Handshake.of_first_visit("ours").with_cookie_alone(), Action.IGNORE),
        (Handshake.of_known("ours").with_cookie_alone(), Action.IGNORE),
        (Handshake.of_known("ours"), Action.BEGIN),
    ],
    ids=["first visit", "first visit, answered", "known", "without pgstate.App"],
)
def test_with_an_http_only_cookie_an_answer_without_a_token_ends_the_taking_over(
    handshake: Handshake, action: Action
) -> None:
    assert handshake.action_for(Answer(to="ours", token=None)) is action


def test_the_taking_over_is_asked_for_until_the_first_answer() -> None:
    first = Handshake.of_first_visit("ours")
    assert first.question.takes_over
    for later in (first.with_cookie_alone(), first.taken_over("theirs")):
        assert not later.question.takes_over


def test_a_token_that_is_taken_over_is_moved_into_the_cookie() -> None:
    handshake = Handshake.of_first_visit("ours").taken_over("theirs")
    assert handshake.question == Question("theirs", offers=True, replaces="ours", ask=False)
    assert handshake.durable is True


def test_a_token_that_lay_aside_replaces_its_stand_in() -> None:
    handshake = Handshake.of_known("found").brought_back("stand-in", Refusal.DATABASE)
    question = handshake.question
    assert (question.have, question.replaces) == ("found", "stand-in")
    assert question.because is Refusal.DATABASE
