"""No secret stands in a log, whatever logs and however much: the whole life of an app, at DEBUG.

The secrets are the tokens, their random parts, the password of the database and the signing key,
each in the forms in which a log could show them. What the component adds in a real server is in
tests/browser/test_page.py.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import textwrap
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy.engine import make_url
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import PgStateError, Store, connect
from streamlit_pgstate.postgres.token import TokenSigner

PASSWORD = "hunter2 is/the:pass@word%41"
OWN_KEY = "a signing key that the operator has set"
SCRIPT = """
    import streamlit as st
    import streamlit_pgstate as pgstate

    pgstate.persist("text")
    st.text_input("Text", key="text")
    pgstate.set("large", b"x" * 100_000)
    pgstate.modify("n", lambda n: n + 1, default=0)
    pgstate.scope("app")["visits"] = 1
    pgstate.scope("tab")["draft"] = 1
    if st.button("rotate"):
        pgstate.rotate()
    if st.button("forget"):
        pgstate.forget()
    if st.button("fail"):
        pgstate.set("", 1)
"""


@dataclass
class Log:
    """All that anybody has logged, with tracebacks, and all that errors have shown."""

    text: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def take(self, record: logging.LogRecord) -> None:
        self.names.add(record.name.partition(".")[0])
        self.text.append(record.getMessage())
        self.text.append(repr(record.args))
        if record.exc_info and record.exc_info[1] is not None:
            self.take_error(record.exc_info[1])

    def take_error(self, error: BaseException) -> None:
        self.text += traceback.format_exception(error)
        if isinstance(error, PgStateError):
            self.text += [error.in_full, repr(error), str(error.detail)]

    @property
    def whole(self) -> str:
        return "\n".join(self.text)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """Takes what every logger is given, at every level, those that are made later, too."""
    log = Log()
    monkeypatch.setattr(logging.Logger, "isEnabledFor", lambda *_: True)
    monkeypatch.setattr(logging.Logger, "handle", lambda _, record: log.take(record))
    return log


@pytest.fixture
def life(empty_url: str, log: Log) -> Callable[..., list[str]]:
    """Lives the life of an app; returns its tokens."""
    url = make_url(empty_url).set(password=PASSWORD).render_as_string(hide_password=False)

    def live(**settings: str) -> list[str]:
        store = connect(url, **settings)  # type: ignore[arg-type]
        store.migrate()
        tokens = [store.new_token()]
        app = AppTest.from_string(textwrap.dedent(SCRIPT), default_timeout=60)
        app.secrets["connections"] = {"pgstate": {"url": url, **settings}}
        tokens.append(pgstate.testing.visit(app, store, tokens[0]))
        for button in (None, "rotate", "fail", "forget"):
            if button is not None:
                next(it for it in app.button if it.label == button).click()
            app.run()
            for error in app.exception:
                log.text += [error.message, *error.stack_trace]
        state = store.state(store.new_token())
        state["k"] = 1
        tokens.append(state.rotate() or "")
        for token in (tokens[-1][:-1], tokens[-1].swapcase(), tokens[0]):
            with noted(log):
                store.state(token)
        with noted(log):
            state.set("k", lambda: None)
        state.forget()
        with noted(log):
            state["k"] = 2
        log.text += [repr(store), repr(state), repr(store._tables), repr(store.settings)]
        store.close()
        for broken in (url.replace("/pgstate_test", "/no_such"), f"{url}&sslmode=require"):
            with noted(log):
                connect(broken, **settings).migrate()  # type: ignore[arg-type]
        return tokens

    return live


@contextlib.contextmanager
def noted(log: Log) -> Iterator[None]:
    try:
        yield
    except PgStateError as error:
        log.take_error(error)


def secrets_of(token: str) -> list[str]:
    """A token, its random part and its body, as text and as a log shows bytes."""
    body = token.split(".")[0]
    random_part = base64.urlsafe_b64decode(body)[16:]
    return [token, body, random_part.hex(), repr(random_part)[2:-1], body[-42:]]


@pytest.mark.parametrize("settings", [{}, {"signing_key": OWN_KEY}], ids=["stored key", "own key"])
def test_no_log_at_debug_and_no_error_holds_a_secret(
    life: Callable[..., list[str]], log: Log, empty_url: str, settings: dict[str, str]
) -> None:
    tokens = life(**settings)
    with psycopg.connect(empty_url) as connection:
        row = connection.execute("SELECT value FROM pgstate.setting WHERE name = 'signing_key'")
        found = row.fetchone()
    assert found is not None
    assert {"sqlalchemy", "alembic", "streamlit", "streamlit_pgstate"} <= log.names
    assert "INSERT INTO" in log.whole, "the engine of the migration does log its statements"
    needles = [
        PASSWORD,
        quote(PASSWORD, safe=" "),
        quote(PASSWORD, safe=""),
        str(found[0]),
        OWN_KEY,
    ]
    needles += [secret for token in tokens if token for secret in secrets_of(token)]
    lines = log.whole.splitlines()
    assert [line for line in lines if any(needle in line for needle in needles)] == []


def test_what_the_signer_and_the_token_show_is_no_secret(store: Store) -> None:
    token = store.new_token()
    signer = store._tables.signer
    shown = f"{signer!r} {signer.check(token)!r} {signer.check(token)} {vars(TokenSigner).keys()}"
    assert [secret for secret in secrets_of(token) if secret in shown] == []
