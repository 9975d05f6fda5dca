"""After `forget` and a cleanup a dump holds nothing of the visitor but the empty revoked row."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import psycopg
import pytest
from dump import dump_of
from encrypted import KEY

from streamlit_pgstate import State, connect
from streamlit_pgstate.postgres.chunks import IN_ONE_STATEMENT

WORD = "Quetzalcoatlus"


@pytest.fixture
def url(new_database: Callable[..., str], template: str) -> str:
    return new_database(template)


def live(state: State) -> None:
    """A visit with every way to write, all of it with a word that is found again."""
    frame = pd.DataFrame({WORD: [WORD] * 5000})
    state.update({WORD: [WORD], "table": frame, f"{WORD} huge": WORD.encode() * 2**19})
    state.set("soon", WORD, ttl=60)
    state[WORD] = [WORD, WORD]
    state["table"] = frame.assign(more=WORD)
    state.modify(WORD, lambda held: [*held, WORD])
    state.delete("soon")
    state.undo()
    state.undo()
    state.redo()
    state.restore(WORD, state.history(WORD)[-1].version)


@pytest.mark.parametrize("keys", [None, (KEY,)], ids=["plain", "encrypted"])
def test_a_forgotten_visitor_is_in_no_dump(url: str, keys: tuple[str, ...] | None) -> None:
    assert len(WORD) * 2**19 > IN_ONE_STATEMENT
    store = connect(url, history=10, encryption_key=keys)
    state, stays = store.state(store.new_token()), store.state(store.new_token())
    live(state)
    stays["other"] = "stays"
    before = dump_of(url)
    assert WORD in before
    assert str(state.id) in before
    state.forget()
    store.gc()
    after = dump_of(url)
    assert WORD not in after
    assert WORD.encode().hex() not in after
    assert after.count(str(state.id)) == 1, "the empty revoked row"
    with psycopg.connect(url) as sql:
        found = sql.execute(
            """SELECT keys, bytes, history_bytes, revoked_at IS NOT NULL FROM pgstate.session
            WHERE id = %s""",
            (state.id,),
        ).fetchone()
    assert found == (0, 0, 0, True)
    assert "other" in after
    store.close()


def test_so_is_one_whose_session_has_expired(url: str) -> None:
    store = connect(url, history=10)
    state = store.state(store.new_token())
    live(state)
    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute("UPDATE pgstate.session SET expires_at = now() - interval '1 second'")
    store.gc()
    after = dump_of(url)
    assert WORD not in after
    assert after.count(str(state.id)) == 1
    store.close()
