"""`export` and `import`: a session as a folder, and back, exactly."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import psycopg
import pyarrow as pa
import pytest
from click.testing import Result
from PIL import Image

from streamlit_pgstate import State, Store, StoredFile, codecs, connect

from .conftest import Pgstate

Made = Callable[..., State]


def values() -> dict[str, Any]:
    """A value of each family, and keys that no file could be named after."""
    table = pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=pd.Index(["p", "q"], name="i"))
    table.attrs = {"unit": "kg"}
    return {
        "number": 42,
        "text": "grüße\u2028\x7f",
        "nested": {"a": [1, (2, 3), {4}], "when": dt.datetime(2026, 1, 2, tzinfo=dt.UTC)},
        "nothing": None,
        "long text": "word " * 40_000,
        "emoji": "é😀" + "x" * 70_000,
        "big number": 2**200,
        "float": 0.1 + 0.2,
        "bytes": b"\x00\xff",
        "many bytes": b"abc" * 100_000,
        "table": table,
        "table of objects": pd.DataFrame({"a": [1, "x"]}),
        "large table": pd.DataFrame({"a": np.arange(50_000)}),
        "polars": pl.DataFrame({"a": [1, 2]}),
        "arrow": pa.table({"a": [1, 2]}),
        "series": pd.Series([1.5], name="s"),
        "array": np.arange(6).reshape(2, 3),
        "image": Image.new("RGB", (8, 6), "red"),
        "file": StoredFile(b"a,b\n1,2\n", name="../table.CSV", type="text/csv"),
        "file without a name": StoredFile(b"", name="", type=""),
        "buffer": io.StringIO("text"),
        "bundle": {"table": table, "n": 1},
        "../../etc/passwd": 1,
        "con": 1,
        "CON": 2,
        "ключ / key?*:\n": 3,
        "k" * 255: 4,
    }


@pytest.fixture
def full(store: Store) -> State:
    state = store.state(store.new_token())
    state.update(values())
    state.set("with a lifetime", 5, ttl=3600)
    return state


def exported(pgstate: Pgstate, state: State, to: str = "out") -> tuple[Path, dict[str, Any]]:
    result = pgstate("export", str(state.id), "--to", to)
    assert result.exit_code == 0, result.output
    return Path(to), json.loads((Path(to) / "manifest.json").read_text("utf-8"))


def imported(result: Result, store: Store) -> State:
    assert result.exit_code == 0, result.output
    return store.state_of(result.stdout.split()[-1].rstrip("."))


def payloads(state: State) -> dict[str, codecs.Payload]:
    return {key: codecs.encode(value, key=key) for key, value in state.items()}


def test_every_kind_comes_back_exactly(pgstate: Pgstate, store: Store, full: State) -> None:
    exported(pgstate, full)
    copy = imported(pgstate("import", "out"), store)
    assert copy.id != full.id
    assert payloads(copy) == payloads(full)
    rows = {row["key"]: row for row in store.rows(full.id)}
    for row in store.rows(copy.id):
        for column in ("kind", "size", "value"):
            assert row[column] == rows[row["key"]][column], (row["key"], column)
        assert (row["expires_at"] is None) == (rows[row["key"]]["expires_at"] is None)


BODIES = Path(__file__).parents[2] / "bodies"


def test_every_body_that_was_ever_stored_comes_back_as_it_is(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection
) -> None:
    """Also those of classes and libraries that this process does not know."""
    manifest = json.loads((BODIES / "manifest.json").read_text())
    stored = {
        one["file"]: codecs.Payload(one["kind"], (BODIES / one["file"]).read_bytes())
        for one in manifest
    }
    state = store.state(store.new_token())
    state._session.bring({name: (payload, None) for name, payload in stored.items()})
    result = pgstate("export", str(state.id), "--to", "out")
    assert result.exit_code == 0, result.output
    copy = imported(pgstate("import", "out"), store)

    def rows(session: State) -> list[Any]:
        return sql.execute(
            """SELECT key, kind, size, value::text, body, digest FROM pgstate.entry
            WHERE session_id = %s ORDER BY key""",
            (session.id,),
        ).fetchall()

    assert rows(copy) == rows(state)


def test_people_can_read_the_files(pgstate: Pgstate, full: State) -> None:
    folder, manifest = exported(pgstate, full)
    by_key = {value["key"]: value for value in manifest["values"]}

    def file(key: str) -> Path:
        return folder / by_key[key]["file"]

    assert json.loads(file("text").read_text("utf-8")) == "grüße\u2028\x7f"
    assert "\n" in file("nested").read_text("utf-8")
    assert file("bytes").read_bytes() == b"\x00\xff"
    assert file("file").read_bytes() == b"a,b\n1,2\n"
    assert file("file").suffix == ".CSV"
    assert by_key["file"]["name"] == "../table.CSV"
    pd.testing.assert_frame_equal(pd.read_parquet(file("table")), values()["table"])
    assert len(pd.read_parquet(file("large table"))) == 50_000
    assert pl.read_parquet(file("polars")).equals(pl.DataFrame({"a": [1, 2]}))
    assert by_key["table of objects"]["file"] is None
    for key in ("table", "table of objects", "image", "bundle"):
        assert (folder / by_key[key]["body"]).is_file()
    assert manifest["session"]["id"] == str(full.id)
    assert manifest["faults"] == []


def test_the_folder_holds_what_the_manifest_names_and_nothing_else(
    pgstate: Pgstate, full: State, folder: Path
) -> None:
    made, manifest = exported(pgstate, full)
    named = {one[which] for one in manifest["values"] for which in ("file", "body")} - {None}
    found = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    assert found == named | {"manifest.json"}
    assert len({name.lower() for name in named}) == len(named)
    assert all(len(name) < 90 and name.isascii() for name in named)
    assert [path.name for path in folder.iterdir()] == ["out"]
    assert made.stat().st_mode & 0o077 == 0


def test_values_can_be_imported_into_a_session_that_is_there(
    pgstate: Pgstate, store: Store
) -> None:
    source, target = (store.state(store.new_token()) for _ in range(2))
    source.update({"a": 1, "b": 2})
    target.update({"b": "other", "c": 3})
    exported(pgstate, source)
    result = pgstate("import", "out", "--session", str(target.id)[:8])
    assert result.exit_code == 0, result.output
    target.refresh()
    assert dict(target) == {"a": 1, "b": 2, "c": 3}


def test_an_import_belongs_to_the_app_of_the_export(pgstate: Pgstate, url: str) -> None:
    shop = connect(url, app="shop")
    state = shop.state(shop.new_token())
    state["a"] = 1
    exported(pgstate, state)
    copy = imported(pgstate("import", "out"), shop)
    assert copy.session().app == "shop"
    shop.close()


def test_encrypted_values_are_exported_plain_and_encrypted_again(
    pgstate: Pgstate, keyed_url: str, sql: psycopg.Connection
) -> None:
    key = "A" * 43
    store = connect(keyed_url, encryption_key=key)
    state = store.state(store.new_token())
    state.update({"secret": "word", "table": pd.DataFrame({"a": np.arange(20_000)})})
    without = pgstate("export", str(state.id), "--to", "without")
    assert without.exit_code == 1
    assert without.stderr.startswith("Error: Nothing was exported")
    assert "Set `encryption_key`" in without.stderr
    assert not Path("without").exists()
    within = pgstate("export", str(state.id), "--to", "out", PGSTATE_ENCRYPTION_KEY=key)
    assert within.exit_code == 0, within.output
    assert json.loads((Path("out") / "values" / "0001-secret.json").read_text()) == "word"
    copy = imported(pgstate("import", "out", PGSTATE_ENCRYPTION_KEY=key), store)
    assert payloads(copy) == payloads(state)
    stored = sql.execute("SELECT value FROM pgstate.entry WHERE session_id = %s", (copy.id,))
    assert {row[0] for row in stored} == {None}
    store.close()


def test_a_damaged_value_is_named_and_does_not_stop_the_others(
    pgstate: Pgstate, store: Store, sql: psycopg.Connection
) -> None:
    state = store.state(store.new_token())
    state.update({"a": 1, "broken": os.urandom(100_000), "z": 2})
    sql.execute("DELETE FROM pgstate.body WHERE session_id = %s", (state.id,))
    result = pgstate("export", str(state.id), "--to", "out")
    assert result.exit_code == 1
    assert "Not exported: 'broken' (kind 'bytes') is damaged" in result.stderr
    manifest = json.loads(Path("out/manifest.json").read_text())
    assert [value["key"] for value in manifest["values"]] == ["a", "z"]
    assert "'broken'" in manifest["faults"][0]
    again = pgstate("import", "out")
    assert dict(imported(again, store)) == {"a": 1, "z": 2}
    assert "The export lacked a value" in again.stderr


# Folders that are wrong


def test_a_folder_that_is_not_empty_or_a_file_is_refused(pgstate: Pgstate, full: State) -> None:
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    Path("file").write_text("mine")
    for name in ("full", "file", "file/below"):
        result = pgstate("export", str(full.id), "--to", name)
        assert result.exit_code == 2, result.output
        assert "--to" in result.stderr
        assert result.stderr.count("\n") == 1
    assert Path("full/mine.txt").read_text() == "mine"
    Path("empty").mkdir()
    exported(pgstate, full, "empty")
    exported(pgstate, full, "new/below")


def test_a_full_disk_leaves_nothing(
    pgstate: Pgstate, full: State, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes
    written: list[Path] = []

    def full_after_five(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) > 5:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full_after_five)
    result = pgstate("export", str(full.id), "--to", "out")
    assert result.exit_code == 2
    assert "cannot be written (No space left on device)" in result.stderr
    assert list(folder.iterdir()) == []


def test_a_failure_leaves_no_folder_above_either(
    pgstate: Pgstate, full: State, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "there").mkdir()

    def fail(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    for name in ("there/a/b/out", "there"):
        assert pgstate("export", str(full.id), "--to", name).exit_code == 2
        assert list(folder.rglob("*")) == [folder / "there"]


def test_an_export_into_an_empty_folder_keeps_that_folder(pgstate: Pgstate, full: State) -> None:
    """A shell that stands in it would stand in a folder that is gone."""
    Path("empty").mkdir()
    os.chdir("empty")
    before = Path.cwd().stat().st_ino
    folder, manifest = exported(pgstate, full, ".")
    assert Path.cwd().stat().st_ino == before
    assert {path.name for path in folder.iterdir()} == {"bodies", "manifest.json", "values"}
    assert len(manifest["values"]) == len(full)
    assert folder.stat().st_mode & 0o077 == 0


def test_a_database_that_goes_away_is_told_as_such(
    pgstate: Pgstate, url: str, full: State, folder: Path
) -> None:
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE pgstate.body IN ACCESS EXCLUSIVE MODE")
        result = pgstate("export", str(full.id), "--to", "out", PGSTATE_TIMEOUT="1s")
    assert result.exit_code == 3, result.output
    assert "cannot be written" not in result.stderr
    assert list(folder.iterdir()) == []


def test_a_session_that_has_ended_is_not_exported(
    pgstate: Pgstate, full: State, sql: psycopg.Connection
) -> None:
    sql.execute("UPDATE pgstate.session SET expires_at = now()")
    result = pgstate("export", str(full.id), "--to", "out")
    assert result.exit_code == 2
    assert "is expired" in result.stderr
    assert not Path("out").exists()


def _with_body(manifest: dict[str, Any]) -> dict[str, Any]:
    return next(value for value in manifest["values"] if value["body"])


def _changed(change: Callable[[dict[str, Any]], object]) -> None:
    path = Path("out/manifest.json")
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it.clear(), 'has no "format"'),
        (lambda it: it.update(version=2), "pip install --upgrade"),
        (lambda it: it.update(values={}), "lacks its session or its values"),
        (lambda it: it["values"].append(it["values"][0]), "names a key twice"),
        (lambda it: it["values"][0].update(file="../../etc/passwd"), "names the file"),
        (lambda it: it["values"][0].update(file="/etc/passwd"), "names the file"),
        (lambda it: it["values"][0].update(file="values/.."), "names the file"),
        (lambda it: it["values"][0].update(file=None, body=None), "names no file"),
        (lambda it: it["values"][0].update(ttl="soon"), "no valid 'ttl'"),
        (lambda it: it["values"][0].update(size=True), "no valid 'size'"),
        (lambda it: it["values"][0].update(form="odd"), "unknown form 'odd'"),
        (lambda it: it["values"][0].update(key=""), "A key must have 1 to 255"),
        (lambda it: it["values"].insert(0, 7), "no object"),
        (lambda it: it.update(version=True), "has version True"),
        (lambda it: it.update(faults=7), 'has "faults" that are no list'),
        (lambda it: it.update(faults=[7]), 'has "faults" that are no list'),
        (lambda it: it["session"].update(shape=True), "no valid shape"),
        (lambda it: it["session"].update(app="\ud800"), "1 to 255 printable"),
        (lambda it: it["session"].update(app=""), "1 to 255 printable"),
        (lambda it: _with_body(it).update(kind="\ud800"), "unknown kind"),
        (lambda it: _with_body(it).update(kind="odd"), "unknown kind 'odd'"),
        (lambda it: it["values"][0].update(ttl=0), "no valid 'ttl'"),
        (lambda it: it["values"][0].update(ttl=-1.5), "no valid 'ttl'"),
        (lambda it: it["values"][0].update(ttl=1e10), "no valid 'ttl'"),
        (lambda it: it["values"][0].update(ttl=10**400), "no valid 'ttl'"),
        (lambda it: it["values"][0].update(ttl=float("nan")), "is not JSON"),
        (lambda it: it["values"].clear(), "holds no values"),
    ],
)
def test_a_manifest_that_is_wrong_stores_nothing(
    pgstate: Pgstate, full: State, sql: psycopg.Connection, change: Any, said: str
) -> None:
    exported(pgstate, full)
    _changed(change)
    result = pgstate("import", "out")
    assert result.exit_code in {1, 2}
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert sql.execute("SELECT count(*) FROM pgstate.session").fetchone() == (1,)


def test_deep_nesting_and_nan_in_files_are_refused(pgstate: Pgstate, store: Store) -> None:
    state = store.state(store.new_token())
    state["a"] = 1
    folder, manifest = exported(pgstate, state)
    for content in (b"[" * 100_000, b"NaN", b"[-Infinity]"):
        (folder / manifest["values"][0]["file"]).write_bytes(content)
        manifest["values"][0]["sha256"] = sha256(content).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))
        result = pgstate("import", "out")
        assert result.exit_code == 2
        assert "is not JSON" in result.stderr
    (folder / "manifest.json").write_text("[" * 100_000)
    result = pgstate("import", "out")
    assert result.exit_code == 2
    assert "manifest.json is not JSON" in result.stderr


def test_a_file_that_was_changed_or_is_missing_stores_nothing(
    pgstate: Pgstate, full: State, sql: psycopg.Connection
) -> None:
    folder, manifest = exported(pgstate, full)
    path = folder / next(one["file"] for one in manifest["values"] if one["key"] == "number")
    path.write_text("43")
    changed = pgstate("import", "out")
    path.unlink()
    missing = pgstate("import", "out")
    Path("nothing").mkdir()
    no_export = pgstate("import", "nothing")
    for result, said in (
        (changed, "was changed since the export"),
        (missing, "cannot be read (No such file or directory)"),
        (no_export, "Name a folder that pgstate export has written"),
    ):
        assert result.exit_code == 2
        assert said in result.stderr
    assert sql.execute("SELECT count(*) FROM pgstate.session").fetchone() == (1,)


def test_an_import_over_a_limit_stores_nothing(pgstate: Pgstate, store: Store, full: State) -> None:
    exported(pgstate, full)
    target = store.state(store.new_token())
    target["there"] = 1
    for limits in ({"PGSTATE_MAX_KEYS": "5"}, {"PGSTATE_MAX_VALUE_BYTES": "1000"}):
        result = pgstate("import", "out", "--session", str(target.id), **limits)
        assert result.exit_code == 1, result.output
        assert result.stderr.startswith("Error: ")
    target.refresh()
    assert dict(target) == {"there": 1}
