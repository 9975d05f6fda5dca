"""An app's shape of state: what an older deploy has stored is upgraded once, or stays as it is."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

import psycopg
import pytest
from encrypted import KEY
from gate import Gate
from noise import noise

from streamlit_pgstate import ShapeError, State, Store, connect
from streamlit_pgstate.postgres.chunks import IN_ONE_STATEMENT
from streamlit_pgstate.postgres.rows import SMALL
from streamlit_pgstate.state import upgraded_session
from streamlit_pgstate.state.kept_values import OF_PROCESS

SQL = psycopg.Connection[Any]
Values = MutableMapping[str, Any]
Function = Callable[[Values, int], Mapping[str, Any] | None]
Deploy = Callable[..., Store]


@pytest.fixture
def url(keyed_url: str) -> str:
    """Replaces the fixture of the same name: no test of this file leaves other tables."""
    return keyed_url


@pytest.fixture
def deploy(url: str) -> Iterator[Deploy]:
    """Start a deploy of the app: a store of its own."""
    stores: list[Store] = []

    def start(shape: int | None = None, upgrade: Function | None = None, **more: Any) -> Store:
        stores.append(connect(more.pop("url", url), shape=shape, upgrade=upgrade, **more))
        return stores[-1]

    yield start
    for store in stores:
        store.close()


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on what another one has logged."""
    monkeypatch.setattr(upgraded_session, "_told", set())


def in_list(values: Values, from_shape: int) -> None:
    """The upgrade of most tests: one item becomes a list of items, under another name."""
    assert from_shape == 1
    values["cart"] = [values.pop("item")]


@pytest.fixture
def old(deploy: Deploy) -> tuple[State, str]:
    """What the first deploy has stored, and its token."""
    store = deploy()
    token = store.new_token()
    state = store.state(token)
    state.update({"item": "milk", "kept": 1})
    return state, token


def shape_of(sql: SQL) -> Any:
    [(shape,)] = sql.execute("SELECT shape FROM pgstate.session").fetchall()
    return shape


def rows(sql: SQL) -> dict[str, str]:
    found = sql.execute("SELECT key, xmin::text || value::text FROM pgstate.entry WHERE kind > ''")
    return dict(found.fetchall())


def test_what_an_older_deploy_has_stored_is_upgraded_once(
    old: tuple[State, str], deploy: Deploy, sql: SQL
) -> None:
    calls = []

    def upgrade(values: Values, from_shape: int) -> None:
        calls.append(from_shape)
        in_list(values, from_shape)

    before = rows(sql)
    store = deploy(2, upgrade)
    assert dict(store.state(old[1])) == {"cart": ["milk"], "kept": 1}
    assert rows(sql)["kept"] == before["kept"], "what has not changed was not written"
    assert shape_of(sql) == 2
    assert dict(store.state(old[1])) == {"cart": ["milk"], "kept": 1}
    assert dict(deploy(2, upgrade).state_of(old[0].id)) == {"cart": ["milk"], "kept": 1}
    assert calls == [1]


def test_it_may_return_the_new_values(old: tuple[State, str], deploy: Deploy) -> None:
    store = deploy(2, lambda values, from_shape: {"cart": [values["item"]]})
    assert dict(store.state(old[1])) == {"cart": ["milk"]}


def test_it_may_change_a_value_in_place(old: tuple[State, str], deploy: Deploy) -> None:
    old[0]["lines"] = [{"item": "milk"}]
    store = deploy(2, lambda values, from_shape: values["lines"][0].update(number=1))
    assert store.state(old[1])["lines"] == [{"item": "milk", "number": 1}]


def test_it_is_told_from_which_shape(deploy: Deploy) -> None:
    token = (store := deploy(2)).new_token()
    store.state(token)["n"] = 1
    later = deploy(5, lambda values, from_shape: values.update(came_from=from_shape))
    assert later.state(token)["came_from"] == 2


def test_where_nothing_changes_the_shape_is_noted_alone(
    old: tuple[State, str], deploy: Deploy, sql: SQL
) -> None:
    before = rows(sql)
    deploy(2, lambda values, from_shape: None).state(old[1])
    assert (rows(sql), shape_of(sql)) == (before, 2)


def test_a_state_without_values_needs_no_function(
    old: tuple[State, str], deploy: Deploy, sql: SQL
) -> None:
    old[0].clear()
    store = deploy(2)
    assert dict(store.state(old[1])) == {}
    assert shape_of(sql) == 2


def test_a_new_state_has_the_shape_of_who_stores_it(deploy: Deploy, sql: SQL) -> None:
    store = deploy(2, in_list)
    store.state(store.new_token())["cart"] = []
    assert shape_of(sql) == 2


def test_without_the_setting_no_shape_is_stored_and_nothing_more_is_sent(
    old: tuple[State, str],
    deploy: Deploy,
    sql: SQL,
    round_trips: Callable[[], Any],
) -> None:
    store = deploy()
    store.new_token()
    assert shape_of(sql) is None
    with round_trips() as trips:
        state = store.state(old[1])
        state["kept"] = 2
        state.refresh()
    assert len(trips) == 3


def test_with_the_setting_a_load_is_one_round_trip_and_the_upgrade_one_more(
    old: tuple[State, str], deploy: Deploy, round_trips: Callable[[], Any]
) -> None:
    store = deploy(2, in_list)
    store.new_token()
    with round_trips() as trips:
        store.state(old[1])
    assert len(trips) == 2
    with round_trips() as trips:
        store.state(old[1])
    assert len(trips) == 1


def test_a_value_keeps_its_ttl(old: tuple[State, str], deploy: Deploy, sql: SQL) -> None:
    old[0].set("code", "4711", ttl=600)

    def upgrade(values: Values, from_shape: int) -> None:
        values["code"] = int(values["code"])

    assert deploy(2, upgrade).state(old[1])["code"] == 4711
    assert sql.execute("SELECT ttl FROM pgstate.entry WHERE key = 'code'").fetchall() == [(600,)]


def test_large_values_are_read_if_they_are_touched(
    old: tuple[State, str],
    deploy: Deploy,
    monkeypatch: pytest.MonkeyPatch,
    round_trips: Callable[[], Any],
) -> None:
    old[0].update({"one": noise(SMALL + 1, "1"), "two": noise(SMALL + 1, "2")})

    def upgrade(values: Values, from_shape: int) -> None:
        values["length"] = len(values["one"])

    store = deploy(2, upgrade)
    store.new_token()
    OF_PROCESS.clear()
    with round_trips() as trips:
        state = store.state(old[1])
    assert len(trips) == 3  # the load, one large value, and the upgrade
    assert state["length"] == SMALL + 1


@pytest.mark.parametrize("size", [SMALL + 2, IN_ONE_STATEMENT + 2])
@pytest.mark.parametrize("key", [None, KEY])
def test_large_values_are_stored(size: int, key: str | None, deploy: Deploy, sql: SQL) -> None:
    token = (store := deploy(encryption_key=key)).new_token()
    store.state(token).update({"old": noise(size, "old"), "same": noise(size, "same")})

    def upgrade(values: Values, from_shape: int) -> None:
        values["new"] = values.pop("old")[:-1]
        values["copy"] = values["same"]

    found = dict(deploy(2, upgrade, encryption_key=key).state(token))
    same = noise(size, "same")
    assert found == {"new": noise(size, "old")[:-1], "same": same, "copy": same}
    assert shape_of(sql) == 2
    store.gc()
    assert dict(deploy(2, upgrade, encryption_key=key).state(token)) == found
    digests = sql.execute("SELECT count(DISTINCT digest) FROM pgstate.body").fetchone()
    assert digests == (2,)


def test_encrypted_values_are_upgraded(deploy: Deploy, sql: SQL) -> None:
    token = (store := deploy(encryption_key=KEY)).new_token()
    store.state(token)["item"] = "a secret"
    state = deploy(2, in_list, encryption_key=KEY).state(token)
    assert state["cart"] == ["a secret"]
    assert sql.execute("SELECT FROM pgstate.entry WHERE value IS NOT NULL").fetchall() == []


# Where it fails


def failing(values: Values, from_shape: int) -> None:
    values["cart"] = [values.pop("item")]
    values["basket"]  # there is none


def test_if_it_fails_nothing_changes_and_the_error_says_where(
    old: tuple[State, str], deploy: Deploy, sql: SQL, caplog: pytest.LogCaptureFixture
) -> None:
    before, store = rows(sql), deploy(2, failing)
    for _ in range(2):
        with pytest.raises(ShapeError) as caught:
            store.state(old[1])
    said = str(caught.value)
    assert said.startswith("failing() could not upgrade the stored values from shape 1 to 2")
    assert "KeyError. The key that it used last is 'basket'. Nothing was changed." in said
    assert (caught.value.stored, caught.value.known) == (1, 2)
    assert (rows(sql), shape_of(sql)) == (before, None)
    [told] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert told.exc_info is not None
    assert dict(deploy(2, in_list).state(old[1])) == {"cart": ["milk"], "kept": 1}


BAD: list[tuple[str, Function | None, str]] = [
    ("none", None, "There is no function to upgrade it"),
    ("a value that cannot be kept", lambda values, _: values.update(f=print), "'f'"),
    ("a key that is none", lambda values, _: values.update({"": 1}), "1 to 255"),
    ("no mapping", lambda values, _: 5, "TypeError"),  # type: ignore[dict-item, return-value]
    ("no such signature", lambda: None, "TypeError"),  # type: ignore[dict-item, misc]
]


@pytest.mark.parametrize(("why", "upgrade", "said"), BAD, ids=[why for why, _, _ in BAD])
def test_what_it_must_not_do(
    why: str, upgrade: Function | None, said: str, old: tuple[State, str], deploy: Deploy, sql: SQL
) -> None:
    before = rows(sql)
    with pytest.raises(ShapeError) as caught:
        deploy(2, upgrade).state(old[1])
    assert said in str(caught.value)
    assert "milk" not in str(caught.value)
    assert (rows(sql), shape_of(sql)) == (before, None)


def test_it_must_not_come_over_a_limit(old: tuple[State, str], deploy: Deploy, sql: SQL) -> None:
    before = rows(sql)
    store = deploy(2, lambda values, _: values.update(a=1, b=2), max_keys=3)
    with pytest.raises(ShapeError, match="max_keys allows 3"):
        store.state(old[1])
    assert (rows(sql), shape_of(sql)) == (before, None)


def test_an_open_state_whose_upgrade_has_failed_reads_and_writes_nothing(
    deploy: Deploy, sql: SQL
) -> None:
    """It was opened before its row was there. An older deploy that still runs has made that."""
    newer, older = deploy(2, failing), deploy()
    token = newer.new_token()
    state = newer.state(token)
    older.state(token)["item"] = "milk"
    before = rows(sql)
    verbs: list[Callable[[], object]] = [
        state.refresh,
        lambda: state.get("item"),
        lambda: state.set("item", "tea"),
        lambda: state.modify("item", str.upper),
        lambda: state.delete("item"),
        lambda: dict(state),
    ]
    for verb in verbs:
        with pytest.raises(ShapeError):
            verb()
    assert rows(sql) == before


# Other deploys, at the same time


def test_what_a_newer_deploy_has_stored_is_refused_and_stays(
    old: tuple[State, str], deploy: Deploy, sql: SQL
) -> None:
    first, second = deploy(1, history=5), deploy(2, in_list)
    state = first.state(old[1])
    second.state(old[1])
    before = rows(sql)
    with pytest.raises(ShapeError, match="has shape 2, and this process knows shape 1"):
        first.state(old[1])
    verbs: list[Callable[[], object]] = [
        lambda: state.set("item", "tea"),
        lambda: state.update({"item": "tea", "kept": 2}),
        lambda: state.set("kept", noise(SMALL + 1)),
        lambda: state.modify("kept", lambda n: n + 1),
        lambda: state.setdefault("other", 1),
        lambda: state.delete("kept"),
        state.clear,
        lambda: state.restore("item", 1),
        state.undo,
        state.redo,
        state.refresh,
    ]
    for verb in verbs:
        with pytest.raises(ShapeError):
            verb()
    assert rows(sql) == before
    assert dict(second.state(old[1])) == {"cart": ["milk"], "kept": 1}


def test_a_job_that_sets_no_shape_reads_and_writes_any(
    old: tuple[State, str], deploy: Deploy, sql: SQL
) -> None:
    deploy(2, in_list).state(old[1])
    old[0].refresh()
    old[0]["job"] = "done"
    assert (old[0]["cart"], shape_of(sql)) == (["milk"], 2)


def test_what_others_write_meanwhile_is_upgraded_too(
    old: tuple[State, str], deploy: Deploy
) -> None:
    seen = []

    def upgrade(values: Values, from_shape: int) -> None:
        seen.append(values["item"])
        if len(seen) == 1:
            old[0]["item"] = "tea"
        in_list(values, from_shape)

    assert dict(deploy(2, upgrade).state(old[1])) == {"cart": ["tea"], "kept": 1}
    assert seen == ["milk", "tea"]


def test_a_large_value_that_is_deleted_meanwhile_is_no_failure(
    old: tuple[State, str], deploy: Deploy
) -> None:
    old[0]["large"] = noise(SMALL + 1)
    tries = []

    def upgrade(values: Values, from_shape: int) -> None:
        tries.append("large" in values)
        if len(tries) == 1:
            del old[0]["large"]
        if "large" in values:
            values["large"]
        in_list(values, from_shape)

    assert dict(deploy(2, upgrade).state(old[1])) == {"cart": ["milk"], "kept": 1}
    assert tries == [True, False]


def count_up(values: Values, from_shape: int) -> None:
    values["n"] += 1


def load(url: str, token: str, start: Any, found: Any) -> None:
    store = connect(url, shape=2, upgrade=count_up)
    store.new_token()
    start.wait()
    found.put(store.state(token)["n"])
    store.close()


def test_of_two_processes_that_load_at_once_one_upgrades(
    url: str, old: tuple[State, str], sql: SQL
) -> None:
    context = multiprocessing.get_context("fork")
    for round_ in range(1, 6):
        old[0].update({"n": 10 * round_})
        sql.execute("UPDATE pgstate.session SET shape = NULL")
        start, found = context.Barrier(2), context.Queue()
        both = [context.Process(target=load, args=(url, old[1], start, found)) for _ in range(2)]
        for process in both:
            process.start()
        assert [found.get(timeout=60) for _ in both] == [10 * round_ + 1] * 2
        for process in both:
            process.join()


@pytest.mark.faults
@pytest.mark.parametrize(("cut", "runs"), [("answer", 1), ("question", 2)])
def test_where_the_answer_is_lost_it_is_upgraded_once(
    cut: str, runs: int, old: tuple[State, str], deploy: Deploy, gate: Gate, sql: SQL
) -> None:
    """A statement that was lost on its way is ruled out, which counts as another write."""
    old[0]["n"] = 1

    def upgrade(values: Values, from_shape: int) -> None:
        values["n"] += 1
        if len(calls) == 0:
            gate.cut(cut)
        calls.append(from_shape)

    calls: list[int] = []
    state = deploy(2, upgrade, url=gate.url).state(old[1])
    assert state["n"] == 2
    state.refresh()
    assert (state["n"], shape_of(sql), calls) == (2, 2, [1] * runs)


def test_a_copy_of_a_state_has_its_shape(deploy: Deploy, sql: SQL) -> None:
    store = deploy(2, in_list)
    token = store.new_token()
    state = store.state(token)
    state["cart"] = []
    tables = store._tables
    copy = tables.signer.mint()
    tables.moves.copy(state._session._ref, copy)
    assert sql.execute("SELECT DISTINCT shape FROM pgstate.session").fetchall() == [(2,)]
    assert store.state(copy.text)["cart"] == []


def test_what_is_taken_over_has_one_shape(old: tuple[State, str], deploy: Deploy) -> None:
    store = deploy(2, in_list)
    target = store.state(store.new_token())
    target["theirs"] = 1
    assert target.take_over(store.state(old[1])) == ["cart", "kept"]
    assert dict(target) == {"cart": ["milk"], "kept": 1, "theirs": 1}


def test_the_history_begins_anew_with_an_upgrade(deploy: Deploy, sql: SQL) -> None:
    """Former versions have the old shape, which nobody could read any more."""
    first = deploy(history=5)
    token = first.new_token()
    state = first.state(token)
    state["item"] = "tea"
    state["item"] = "milk"
    second = deploy(2, in_list, history=5).state(token)
    assert second["cart"] == ["milk"]
    assert sql.execute("SELECT count(*) FROM pgstate.revision").fetchone() == (0,)
    assert second.history("item") == [] or second.history("item")[0].kind is None
    assert second.undo() == []
    second["cart"] = ["milk", "tea"]
    assert [each.operation for each in second.history("cart")] == ["set", "set"]
    assert second.undo() == ["cart"]
    assert second["cart"] == ["milk"]
