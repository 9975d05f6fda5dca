"""At a login the token is replaced at once, and no browser is left without one.

`tests/browser/test_login_rotation.py` shows the same in a browser.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from gate import Gate

from streamlit_pgstate import State, Store, StoreUnavailable, UnknownToken, connect
from streamlit_pgstate.errors import Refusal
from streamlit_pgstate.postgres.rows import SessionRef
from streamlit_pgstate.postgres.token import TokenSigner

SQL = psycopg.Connection[Any]
Who = tuple[str, str, str]
ANN, BOB = ("https://idp.example", "ann", "10"), ("https://idp.example", "bob", "10")
ANN_LATER = (*ANN[:2], "20")


def page(store: Store, token: str, who: Who | None = None) -> State:
    """A page that comes with this token, of which this user is logged in."""
    signer = store._tables.signer
    ref = SessionRef.of(signer.check(token))
    if who is not None:
        logins = signer.login_hashes(ref.id, *who)
        users = signer.user_hashes(ref.id, *who[:2])
        ref = dataclasses.replace(ref, logins=logins, users=users)
    return store._opened(ref, cache=True)


def log_in(store: Store, token: str, who: Who = ANN) -> str:
    """What a page does when it finds another login: the token that its browser gets."""
    signer = store._tables.signer
    [new] = signer.successors(signer.check(token), *who)
    assert page(store, token, who)._session.replace_at_login(new)
    return new.text


def opens(store: Store, token: str, who: Who | None = None) -> bool:
    try:
        return bool(page(store, token, who).get("k") == 1)
    except UnknownToken:
        return False


def test_the_former_token_is_dead_at_once_and_not_after_a_grace(
    state: State, store: Store, token: str
) -> None:
    planted = store.state(token)
    new = log_in(store, token)
    assert opens(store, new)
    assert not opens(store, token)
    with pytest.raises(UnknownToken):
        planted.refresh()
    with pytest.raises(UnknownToken):
        planted["k"] = 2
    assert not opens(store, token, BOB)


def test_who_has_the_former_token_can_neither_forget_nor_rotate(
    state: State, store: Store, token: str
) -> None:
    planted = store.state(token)
    new = log_in(store, token)
    with pytest.raises(UnknownToken):
        planted.forget()
    with pytest.raises(UnknownToken):
        planted.rotate()
    assert opens(store, new)


@pytest.mark.parametrize("used", [False, True])
def test_a_token_that_the_planter_has_rotated_to_is_dead_too(
    used: bool, state: State, store: Store, token: str
) -> None:
    theirs = store.state(token).rotate()
    assert theirs is not None
    if used:
        token, theirs = theirs, token
        assert opens(store, token)
    new = log_in(store, token)
    assert not opens(store, theirs)
    assert opens(store, new)


def test_a_token_that_the_planter_has_rotated_away_does_not_bring_them_what_is_written_later(
    state: State, store: Store, token: str
) -> None:
    """The planter has the present token, and the visitor the one before it, in its grace."""
    theirs = store.state(token).rotate()
    assert theirs is not None
    before = page(store, token)
    assert opens(store, theirs), "as a browser has presented it"
    assert opens(store, token), "for a page of nobody"
    with pytest.raises(UnknownToken) as raised:
        page(store, token, ANN)
    assert raised.value.refusal is Refusal.DATABASE, (
        "so the browser gets another token in its place"
    )
    with pytest.raises(UnknownToken):
        log_in(store, token)
    assert before["k"] == 1


def test_a_page_of_the_login_that_is_noted_has_the_grace(
    state: State, store: Store, token: str
) -> None:
    first = log_in(store, token)
    second = page(store, first, ANN)._session.rotate()
    assert second is not None
    assert opens(store, second.text, ANN)
    assert opens(store, first, ANN)
    assert not opens(store, first, BOB)
    assert not opens(store, first, ANN_LATER)


def test_a_token_under_which_nothing_was_written_is_dead_too(
    store: Store, token: str, sql: SQL
) -> None:
    planted = store.state(token)
    new = log_in(store, token)
    page(store, new, ANN)["k"] = 1
    assert opens(store, new)
    with pytest.raises(UnknownToken):
        planted["k"] = 2
    assert not opens(store, token)


def test_a_browser_that_has_not_got_the_new_token_gets_it_while_it_is_logged_in(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    new = log_in(store, token)
    sql.execute("UPDATE pgstate.session SET rotated_at = rotated_at - interval '20 days'")
    again = page(store, token, ANN)
    assert again["k"] == 1
    assert again._session.is_replaced
    again._session.catch_up(
        store._tables.signer.successors(store._tables.signer.check(token), *ANN)
    )
    again["other"] = 2
    assert page(store, new)["other"] == 2


def test_all_tabs_and_replicas_make_the_same_token(
    state: State, store: Store, token: str, url: str
) -> None:
    replica = connect(url)
    stores = [store, replica] * 4
    signer = store._tables.signer
    checked = signer.check(token)
    pages = [page(each, token, ANN) for each in stores]

    def act(state: State) -> str:
        [new] = signer.successors(checked, *ANN)
        state._session.replace_at_login(new)
        return new.text

    with ThreadPoolExecutor(8) as threads:
        [new] = set(threads.map(act, pages))
    assert opens(store, new)
    assert not opens(store, token)
    replica.close()


def test_the_new_token_cannot_be_made_from_the_former_one_by_another_login(
    store: Store, token: str
) -> None:
    signer = store._tables.signer
    checked = signer.check(token)
    [new] = signer.successors(checked, *ANN)
    assert signer.check(new.text) == new
    assert signer.successors(checked, *ANN) == [new]
    assert new.secret_hash != checked.secret_hash
    others = [
        signer.successors(checked, *BOB),
        signer.successors(checked, ANN[0] + "a", "nn", "10"),
    ]
    others.append(signer.successors(checked, *ANN_LATER))
    others.append(signer.successors(signer.mint(checked.session_id), *ANN))
    another_key = TokenSigner("k" * 32, app="app", max_age=store.settings.session_max_age)
    others.append(another_key.successors(checked, *ANN))
    assert len({new.secret_hash, *(each.secret_hash for [each] in others)}) == 6


def test_two_sessions_of_one_user_cannot_be_told_to_be_of_one(store: Store) -> None:
    signer = store._tables.signer
    ids = [signer.mint().session_id for _ in range(2)]
    assert len({signer.login_hashes(id_, *ANN) for id_ in ids}) == 2


def test_an_open_page_of_before_the_login_is_told_to_wait_for_the_new_token(
    state: State, store: Store, token: str, sql: SQL
) -> None:
    """Were the browser's token replaced there, it would be lost before the new one comes."""
    open_page = store.state(token)
    log_in(store, token)
    with pytest.raises(UnknownToken) as raised:
        open_page.refresh()
    assert raised.value.refusal is Refusal.LOGIN
    sql.execute("UPDATE pgstate.session SET rotated_at = rotated_at - interval '2 minutes'")
    with pytest.raises(UnknownToken) as raised:
        open_page.refresh()
    assert raised.value.refusal is Refusal.DATABASE


def test_the_login_of_another_ends_the_token_of_the_first(
    state: State, store: Store, token: str
) -> None:
    anns = log_in(store, token)
    bobs = log_in(store, anns, BOB)
    assert opens(store, bobs)
    assert not opens(store, anns)
    assert not opens(store, token, ANN)
    assert opens(store, anns, BOB), "Bob's browser, which has not got the new one yet"


def test_the_next_login_of_the_same_user_is_another_one(
    state: State, store: Store, token: str
) -> None:
    """Also where the page of the logged-out visitor has called no verb."""
    copied = log_in(store, token)
    new = log_in(store, copied, ANN_LATER)
    assert opens(store, new)
    assert not opens(store, copied)
    assert opens(store, copied, ANN_LATER), "her browser, which has not got the new one yet"
    assert opens(store, copied, ANN), "and a page of hers that was opened before"


def test_a_browser_that_has_missed_a_login_and_comes_with_the_next_one_gets_a_token(
    state: State, store: Store, token: str
) -> None:
    missed = log_in(store, token)
    for _ in range(2):
        again = page(store, token, ANN_LATER)
        assert again["k"] == 1
        assert again._session.is_replaced
        [new] = store._tables.signer.successors(store._tables.signer.check(token), *ANN_LATER)
        if again._session.login not in again._session._ref.logins:
            assert again._session.replace_at_login(new)
        else:
            again._session.catch_up([new])
        assert again["k"] == 1
        assert not opens(store, missed), "which somebody may have copied"
        assert not opens(store, token)
        assert opens(store, new.text)


def test_a_logout_is_noted_where_another_rotation_waits(
    state: State, store: Store, token: str
) -> None:
    new = log_in(store, token)
    waiting = page(store, new, ANN)._session.rotate()
    assert waiting is not None
    logged_out = page(store, new)
    logged_out._session.rotate_at_logout()
    assert logged_out._session.login is None
    assert page(store, new)._session.login is None
    assert opens(store, waiting.text)
    assert opens(store, log_in(store, waiting.text))
    assert not opens(store, waiting.text)


def test_after_a_logout_the_token_is_rotated_once(state: State, store: Store, token: str) -> None:
    new = log_in(store, token)
    first, second = page(store, new), page(store, new)
    found: list[str] = []
    for each in (first, second):
        each._session.on_rotate = lambda token: found.append(token.text)
        each._session.rotate_at_logout()
    [rotated] = found
    assert first._session.login is None
    second.refresh()
    assert second._session.login is None, "so its page does nothing"
    assert opens(store, new), "until the browser has the other one"
    assert opens(store, rotated)
    assert not opens(store, token)


def test_a_first_write_notes_the_login_of_a_token_that_nobody_can_have_planted(
    store: Store,
) -> None:
    signer = store._tables.signer
    minted = signer.mint()
    logins = signer.login_hashes(minted.session_id, *ANN)
    state = page(store, minted.text)
    state._session.log_in(logins, signer.user_hashes(minted.session_id, *ANN[:2]))
    state["k"] = 1
    assert page(store, minted.text, ANN)._session.login == logins[0]
    brought = store.new_token()
    page(store, brought, ANN)["k"] = 1
    assert page(store, brought, ANN)._session.login is None


@pytest.mark.parametrize("fault", [Gate.losing_answers, Gate.muted, Gate.frozen])
@pytest.mark.parametrize("has_row", [True, False])
def test_a_login_whose_answer_is_lost_costs_no_browser_its_state(
    fault: Callable[[Gate], Any], has_row: bool, store: Store, behind: Store, gate: Gate
) -> None:
    token = store.new_token()
    if has_row:
        store.state(token)["k"] = 1
    signer = behind._tables.signer
    checked = signer.check(token)
    [new] = signer.successors(checked, *ANN)
    tab = page(behind, token, ANN)
    with fault(gate), pytest.raises(StoreUnavailable):
        tab._session.replace_at_login(new)
    again = page(behind, token, ANN)  # the page tries again, or is loaded anew
    if again._session.is_replaced:
        again._session.catch_up([new])
    else:
        assert again._session.replace_at_login(new)
    again["k"] = 1
    assert opens(store, new.text)
    assert not opens(store, token)


def test_it_is_one_round_trip_and_none_where_the_login_is_the_same(
    state: State, store: Store, token: str, round_trips: Callable[[], Any]
) -> None:
    signer = store._tables.signer
    checked = signer.check(token)
    [new] = signer.successors(checked, *ANN)
    with round_trips() as trips:
        tab = page(store, token, ANN)
    assert len(trips) == 1
    with round_trips() as trips:
        tab._session.replace_at_login(new)
    assert len(trips) == 1
    with round_trips() as trips:
        page(store, new.text, ANN)
    assert len(trips) == 1
