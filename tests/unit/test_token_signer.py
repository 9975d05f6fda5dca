"""The token: what is accepted, what is refused, and that it shows nowhere."""

from __future__ import annotations

import base64
import copy
import hashlib
import logging
import pickle
import string
import time
import traceback
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlit_pgstate import UnknownToken
from streamlit_pgstate.postgres.token import Token, TokenSigner, session_of_app

KEY = "k" * 32
DAY = 86400.0


def signer(key: str = KEY, app: str = "app", days: float = 400) -> TokenSigner:
    return TokenSigner(key, app=app, max_age=timedelta(days=days))


@pytest.fixture
def minted_at(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Mint a token as if the clock were `seconds` ahead of now."""

    def mint(seconds: float) -> str:
        now = time.time()
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: now + seconds)
            return signer().mint().text

    return mint


def refused(text: object, by: TokenSigner | None = None) -> str:
    with pytest.raises(UnknownToken) as caught:
        (by or signer()).check(text)
    assert caught.value.__context__ is None  # itsdangerous' error holds the token's payload
    assert caught.value.__cause__ is None
    if isinstance(text, str) and len(text) > 8:
        shown = "".join(traceback.format_exception(caught.value))
        assert text not in shown
        assert text[:64] not in shown
    return str(caught.value)


def test_a_minted_token_is_accepted_and_names_its_session() -> None:
    session = uuid.uuid4()
    minted = signer().mint(session)
    checked = signer().check(minted.text)
    assert checked.session_id == minted.session_id == session
    assert checked.secret_hash == minted.secret_hash
    assert checked.fingerprint == minted.fingerprint
    assert checked.age < timedelta(seconds=5)


def test_each_token_has_its_own_session_and_secret() -> None:
    tokens = [signer().mint() for _ in range(50)]
    assert len({token.session_id for token in tokens}) == 50
    assert len({token.secret_hash for token in tokens}) == 50


def test_a_new_token_of_the_same_session_has_another_secret() -> None:
    first = signer().mint()
    second = signer().mint(first.session_id)
    assert second.session_id == first.session_id
    assert second.secret_hash != first.secret_hash


def test_the_database_gets_nothing_but_the_hash_of_32_random_bytes() -> None:
    token = signer().mint()
    raw = base64.urlsafe_b64decode(token.text[:64])
    assert raw[:16] == token.session_id.bytes
    assert len(raw[16:]) == 32
    assert token.secret_hash == hashlib.sha256(raw[16:]).digest()


def test_no_bare_session_id_shows_in_a_token() -> None:
    token = signer().mint()
    assert str(token.session_id) not in token.text
    assert token.session_id.hex not in token.text


@pytest.mark.parametrize("place", range(115))
def test_a_token_with_any_one_character_changed_is_refused(place: int) -> None:
    text = signer().mint().text
    if place >= len(text):
        place = len(text) - 1
    for other in string.ascii_letters + string.digits + "-_. \n=":
        if other != text[place]:
            refused(text[:place] + other + text[place + 1 :])


def test_a_token_that_was_cut_or_grew_is_refused() -> None:
    text = signer().mint().text
    for end in range(len(text)):
        refused(text[:end])
    for changed in (text + "A", text + "\n", " " + text, text[1:], text * 2, text + "." + text):
        refused(changed)


def test_the_parts_of_two_good_tokens_do_not_make_a_third() -> None:
    one, two = (signer().mint().text.split(".") for _ in range(2))
    refused(".".join([one[0], two[1], two[2]]))
    refused(".".join([two[0], one[1], one[2]]))


@pytest.mark.parametrize(
    "text", ["a" * 10**6, "a." * 10**6, "A" * 64 + "." + "A" * 10**6], ids=range(3)
)
def test_a_huge_text_is_refused_before_any_work_is_done_on_it(text: str) -> None:
    start = time.process_time()
    assert "not a token" in refused(text)
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize(
    "value", [None, 5, b"bytes", 1.5, True, [], {}, object(), ("a",), uuid.uuid4()]
)
def test_what_is_not_text_is_not_a_token(value: object) -> None:
    assert "not a token" in refused(value)


def test_the_bytes_of_a_good_token_are_not_a_token() -> None:
    assert "not a token" in refused(signer().mint().text.encode())


@pytest.mark.parametrize(
    "odd", ["\0", "é", "\ud800", "🌍", "\u0661", "Ａ", "\x1b[31m", "'", '"', "%"]
)
def test_nul_and_unicode_in_a_token_are_refused(odd: str) -> None:
    text = signer().mint().text
    assert "not a token" in refused(odd)
    assert "not a token" in refused(text[:20] + odd + text[21:])
    assert "not a token" in refused(text + odd)


@given(st.text(max_size=200))
def test_no_text_at_all_does_more_than_be_refused(text: str) -> None:
    refused(text)


def test_a_token_of_another_app_is_refused() -> None:
    text = signer(app="shop").mint().text
    assert "not issued by this app" in refused(text)
    assert signer(app="shop").check(text)


def test_a_token_under_another_key_is_refused() -> None:
    text = signer("x" * 32).mint().text
    assert "signing key" in refused(text)


def test_a_hash_of_the_database_is_not_a_token() -> None:
    token = signer().mint()
    refused(token.secret_hash)
    refused(token.secret_hash.hex())
    refused(base64.urlsafe_b64encode(token.secret_hash).decode())
    refused(base64.urlsafe_b64encode(token.session_id.bytes + token.secret_hash).decode())
    refused(str(token.session_id))
    refused(token.fingerprint)


def test_a_token_is_good_until_session_max_age_and_not_after(minted_at) -> None:  # type: ignore[no-untyped-def]
    young = signer(days=1).check(minted_at(-DAY + 60))
    assert timedelta(hours=23) < young.age < timedelta(days=1)
    assert "older than session_max_age" in refused(minted_at(-DAY - 60), signer(days=1))


def test_clocks_of_replicas_may_differ_by_hours(minted_at) -> None:  # type: ignore[no-untyped-def]
    for seconds in (2, 280, 7200):
        assert signer().check(minted_at(seconds)).age == timedelta(0)


def test_a_token_from_the_future_is_refused(minted_at) -> None:  # type: ignore[no-untyped-def]
    message = refused(minted_at(2 * DAY))
    assert "in the future" in message
    assert "clocks" in message


def test_the_fingerprint_is_that_of_the_browser_and_not_the_secret() -> None:
    token = signer().mint()
    assert token.fingerprint == token.text.split(".")[2][:16]
    assert token.fingerprint not in token.text[:64]
    assert len({signer().mint().fingerprint for _ in range(50)}) == 50


def shown(token: Token) -> Iterator[str]:
    yield repr(token)
    yield str(token)
    yield f"{token}"
    yield f"{token!r:>500}"
    yield "%s %r" % (token, token)  # noqa: UP031
    yield repr([token]) + repr({"token": token})


def test_neither_repr_nor_str_holds_token_id_or_hash() -> None:
    token = signer().mint()
    for text in shown(token):
        assert token.text not in text
        assert token.text[:64] not in text
        assert str(token.session_id) not in text
        assert token.session_id.hex not in text
        assert repr(token.secret_hash) not in text


def test_a_log_does_not_hold_the_token(caplog: pytest.LogCaptureFixture) -> None:
    token = signer().mint()
    caplog.set_level(logging.DEBUG)
    try:
        signer("x" * 32).check(token.text)
    except UnknownToken:
        logging.getLogger("app").exception("refused %s %r", token, token)
    assert "refused <token>" in caplog.text
    assert token.text[:64] not in caplog.text


def test_a_signer_shows_neither_key_nor_app() -> None:
    assert KEY not in repr(signer()) + str(signer())


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_token_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(signer().mint(), protocol)
    with pytest.raises(TypeError, match="cannot be pickled"):
        copy.deepcopy({"token": signer().mint()})


def test_the_ids_of_apps_and_users_never_change() -> None:
    """Others would lose all that is stored under them."""
    assert str(session_of_app("app")) == "386a2ade-f76b-5be6-86bc-da0412985f6e"
    user = signer().session_of_user("https://idp.example", "248289761001")
    assert str(user) == "aa3fa7b4-938e-bc45-1391-fa295c8b1cff"


def test_a_users_id_depends_on_key_app_issuer_and_subject_and_where_one_ends() -> None:
    ids = {
        signer().session_of_user("https://idp.example", "1"),
        signer(key="l" * 32).session_of_user("https://idp.example", "1"),
        signer(app="other").session_of_user("https://idp.example", "1"),
        signer().session_of_user("https://idp.example/", "1"),
        signer().session_of_user("https://idp.example", "2"),
        signer().session_of_user("https://idp.example1", ""),
    }
    assert len(ids) == 6
