"""What opens a state: its token or its id, and nothing else."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import psycopg
import pytest
from noise import noise

from state.state_rows import count, one
from streamlit_pgstate import State, Store, UnknownToken, connect

SQL = psycopg.Connection[Any]


def test_a_job_works_on_the_state_by_its_id_whatever_its_app(
    state: State, store: Store, token: str, url: str
) -> None:
    state["k"] = 1
    other = connect(url, app="another")
    for given in (state.id, str(state.id), state.id.hex):
        job = other.state_of(given)
        assert job.id == state.id
        job.modify("k", lambda n: n + 1)
    job["result"] = noise(100_000, "x")
    state.refresh()
    assert dict(state) == {"k": 4, "result": noise(100_000, "x")}
    assert job.session().app == "app"
    job.forget()
    with pytest.raises(UnknownToken):
        store.state(token)


def test_there_is_no_state_of_an_unknown_id(store: Store, sql: SQL) -> None:
    with pytest.raises(UnknownToken):
        store.state_of(uuid.uuid4())
    with pytest.raises(UnknownToken, match="a UUID"):
        store.state_of("not an id")
    assert count(sql, "session") == 0


def test_the_token_of_another_app_or_key_opens_nothing(url: str, store: Store, token: str) -> None:
    with pytest.raises(UnknownToken):
        connect(url, app="another").state(token)
    with pytest.raises(UnknownToken):
        connect(url, signing_key="x" * 32).state(token)


def test_a_hash_from_the_database_opens_nothing(state: State, store: Store, sql: SQL) -> None:
    state["k"] = 1
    token_hash = one(sql, "SELECT token_hash FROM pgstate.session")
    for stolen in (token_hash, token_hash.hex(), str(state.id)):
        with pytest.raises(UnknownToken):
            store.state(stolen)


def test_the_database_does_not_hold_the_token(state: State, token: str, sql: SQL) -> None:
    state["k"] = 1
    stored = one(sql, "SELECT string_agg(s::text, ' ') FROM pgstate.session s")
    secret = base64.urlsafe_b64decode(token[:64])[16:]
    assert secret.hex() not in stored
    assert token[:64] not in stored


def test_two_replicas_with_one_signing_key_read_each_others_tokens(url: str) -> None:
    one_, two = (connect(url, signing_key="s" * 32) for _ in range(2))
    token = one_.new_token()
    one_.state(token)["k"] = 1
    assert two.state(token)["k"] == 1
