"""`history` and `restore`: an operator brings yesterday's value back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pandas as pd
import psycopg
import pytest

from streamlit_pgstate import State, Store, connect

from .conftest import Pgstate

SQL: TypeAlias = psycopg.Connection


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = connect(url, history=3)
    yield store
    store.close()


@pytest.fixture
def visitor(store: Store) -> State:
    state = store.state(store.new_token())
    for cart in (["bread"], ["bread", "milk"], []):
        state["cart"] = cart
    return state


def versions(pgstate: Pgstate, state: State, key: str = "cart") -> list[int]:
    result = pgstate("history", str(state.id), key, "--json")
    assert result.exit_code == 0, result.output
    return [each["version"] for each in json.loads(result.output)]


def test_the_versions_are_a_table_the_present_one_first(pgstate: Pgstate, visitor: State) -> None:
    del visitor["cart"]
    result = pgstate("history", str(visitor.id)[:8], "cart")
    head, first, *others = result.output.splitlines()
    assert head.split() == ["VERSION", "CHANGED", "BY", "KIND", "SIZE"]
    assert first.split()[0] == "4"
    assert "delete" in first
    assert [line.split()[0] for line in others] == ["3", "2"]
    assert versions(pgstate, visitor) == [4, 3, 2]
    assert len(pgstate("history", str(visitor.id), "cart", "--limit", "1").output.splitlines()) == 2


def test_a_former_version_becomes_the_present_one(pgstate: Pgstate, visitor: State) -> None:
    result = pgstate("restore", str(visitor.id)[:8], "cart", "2")
    assert result.exit_code == 0, result.output
    assert result.output == f"Restored cart of session {visitor.id} to version 2.\n"
    visitor.refresh()
    assert visitor["cart"] == ["bread", "milk"]
    assert visitor.history("cart")[0].operation == "restore"


def test_looking_at_versions_changes_nothing(pgstate: Pgstate, visitor: State) -> None:
    before = visitor.session()
    versions(pgstate, visitor)
    assert visitor.session() == before


def test_what_is_not_there_says_what_to_do(pgstate: Pgstate, visitor: State) -> None:
    result = pgstate("history", str(visitor.id), "nothing")
    assert result.exit_code == 1
    assert f"pgstate show {visitor.id}" in result.stderr
    result = pgstate("restore", str(visitor.id), "cart", "77")
    assert result.exit_code == 1
    assert "3, 2, 1" in result.stderr
    assert result.stderr.count("\n") == 1
    visitor.forget()
    result = pgstate("restore", str(visitor.id), "cart", "1")
    assert result.exit_code == 2
    assert "is forgotten" in result.stderr


def test_an_export_of_another_shape_goes_into_a_new_session_only(
    pgstate: Pgstate, url: str, visitor: State
) -> None:
    store = connect(url, shape=2)
    upgraded = store.state(store.new_token())
    upgraded["cart"] = {"bread": 1}
    assert pgstate("export", str(upgraded.id), "--to", "there").exit_code == 0
    result = pgstate("import", "there", "--session", str(visitor.id))
    assert result.exit_code == 2
    assert "values of shape 2" in result.stderr
    result = pgstate("import", "there")
    assert result.exit_code == 0, result.output
    found = store.state_of(result.output.split()[-1].rstrip("."))
    assert dict(found) == {"cart": {"bread": 1}}
    store.close()


def test_an_export_has_former_versions_and_deleted_values(
    pgstate: Pgstate, store: Store, visitor: State, sql: SQL
) -> None:
    table = pd.DataFrame({"a": [1, 2]})
    visitor["table"] = table
    visitor["table"] = table * 2
    del visitor["table"]
    visitor.set("code", "4711", ttl=60)
    for holds in ("entry", "revision"):
        sql.execute(f"UPDATE pgstate.{holds} SET expires_at = now() WHERE key = 'code'")

    result = pgstate("export", str(visitor.id), "--to", "out")

    assert result.exit_code == 0, result.output
    assert "1 value" in result.output
    assert "former version" in result.output
    manifest = json.loads(Path("out/manifest.json").read_text())
    former = {(each["key"], each["version"]): each for each in manifest["former"]}
    assert [(key, each["operation"]) for (key, _), each in former.items()] == [
        *[("cart", "set")] * 2,
        ("code", "set"),
        ("table", "delete"),
        *[("table", "set")] * 2,
    ]
    carts = [each for each in manifest["former"] if each["key"] == "cart"]
    assert [json.loads(Path("out", each["file"]).read_text()) for each in carts] == [
        ["bread", "milk"],
        ["bread"],
    ]
    oldest = manifest["former"][-1]
    assert pd.read_parquet(Path("out", oldest["file"])).equals(table)
    assert manifest["former"][2]["file"] is None  # its ttl is over
    named = {each[which] for each in manifest["former"] for which in ("file", "body")} - {None}
    found = {os.path.relpath(path, "out") for path in Path("out/former").rglob("*.*")}
    assert found == named
    again = store.state_of(pgstate("import", "out").stdout.split()[-1].rstrip("."))
    assert dict(again) == {"cart": []}


def test_an_export_leaves_the_history_out_if_asked(pgstate: Pgstate, visitor: State) -> None:
    assert pgstate("export", str(visitor.id), "--to", "out", "--without-history").exit_code == 0
    assert json.loads(Path("out/manifest.json").read_text())["former"] == []
    assert not Path("out/former").exists()
