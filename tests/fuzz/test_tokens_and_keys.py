"""Tokens and keys that somebody makes up: refused by an error of ours, before any statement."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest
from lies import Lies, rounds, seeds

from streamlit_pgstate import InvalidKey, Store, UnknownToken

Counted = Callable[[], contextlib.AbstractContextManager[list[str]]]


@pytest.fixture
def good(store: Store) -> list[str]:
    """Tokens of this app, some of them with rows."""
    tokens = [store.new_token() for _ in range(20)]
    for token in tokens[:10]:
        store.state(token)["k"] = "a secret"
    return tokens


def test_no_made_up_token_opens_anything_or_reaches_the_database(
    store: Store, good: list[str], round_trips: Counted, sql: psycopg.Connection
) -> None:
    before = sql.execute("SELECT * FROM pgstate.session ORDER BY id").fetchall()
    with round_trips() as sent:
        for seed in seeds():
            lies = Lies(seed)
            for _ in range(rounds(2500)):
                token = lies.token(good)
                if token in good:
                    continue
                with pytest.raises(UnknownToken) as caught:
                    store.state(token)
                assert len(token) < 8 or token not in str(caught.value)
    assert sent == []
    assert sql.execute("SELECT * FROM pgstate.session ORDER BY id").fetchall() == before


def test_each_text_is_a_key_that_comes_back_as_it_was_or_is_refused_unsent(
    store: Store, token: str, round_trips: Counted
) -> None:
    state = store.state(token, cache=False)
    for seed in seeds():
        for keys in batches(Lies(seed), rounds(1000)):
            good = {key: number for number, key in enumerate(keys) if is_key(key)}
            with round_trips() as sent:
                for key in keys:
                    if key not in good:
                        refuses(state.set, key, 1)
                        refuses(state.get, key)
                        refuses(state.delete, key)
                        refuses(state.update, {key: 1})
                        refuses(state.modify, key, lambda _: 1)
            assert sent == []
            state.update(good)
            assert dict(state) == good
            assert state.clear() == len(good)


def batches(lies: Lies, number: int) -> Iterator[list[str]]:
    for start in range(0, number, 500):
        yield [lies.text() for _ in range(min(500, number - start))]


def is_key(text: str) -> bool:
    """The rule, in other words than those of the code."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return 0 < len(text) < 256 and "\0" not in text


def refuses(verb: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(InvalidKey):
        verb(*arguments)
