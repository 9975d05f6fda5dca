"""The public API with every argument, for mypy strict: never run."""

from __future__ import annotations

import uuid
from collections.abc import KeysView, MutableMapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, assert_type

import pandas as pd
from sqlalchemy.engine import make_url
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

import streamlit_pgstate as pgstate
from streamlit_pgstate import (
    ConfigError,
    DecodeError,
    Health,
    InvalidKey,
    LimitExceeded,
    Metrics,
    MigrationRequired,
    NoSessionError,
    PgStateError,
    Revision,
    SessionInfo,
    ShapeError,
    State,
    Store,
    StoreUnavailable,
    UnknownToken,
    UnsupportedType,
)


def in_place(values: MutableMapping[str, Any], from_shape: int) -> None:
    values["came_from"] = from_shape


def anew(values: MutableMapping[str, Any], from_shape: int) -> dict[str, Any]:
    return {**values, "came_from": from_shape}


def verbs() -> None:
    pgstate.configure()
    pgstate.configure(
        url="postgresql://me@localhost/app",
        app="app",
        schema="pgstate",
        session_ttl=timedelta(days=30),
        session_max_age="400d",
        max_value_bytes="256MiB",
        max_session_bytes=2**30,
        max_keys=10_000,
        signing_key="k" * 48,
        encryption_key=["k" * 44, "l" * 44],
        timeout=10,
        pool_size=20,
        cache_bytes="64MiB",
        auto_migrate=True,
        cookie=True,
    )
    pgstate.configure(url=None, app=None, timeout=2.5, max_keys="50", auto_migrate="false")
    pgstate.configure(url=make_url("postgresql://me@localhost/app"))
    pgstate.configure(urls="postgresql://me@localhost/app")  # type: ignore[call-arg]
    pgstate.configure(history=3)
    pgstate.configure(max_value_bytes=0.5)  # type: ignore[arg-type]
    pgstate.configure(session_ttl=[30])  # type: ignore[arg-type]
    pgstate.configure(shape=2, upgrade=in_place)
    pgstate.configure(shape="2", upgrade=anew)
    pgstate.configure(upgrade=len)  # type: ignore[arg-type]
    pgstate.configure(cookie=0)  # type: ignore[arg-type]
    pgstate.register(uuid.UUID, name="id", dump=str, load=uuid.UUID)
    pgstate.register(uuid.UUID, dump=str, load=uuid.UUID)
    pgstate.register(uuid.UUID)
    pgstate.register(uuid.UUID, timedelta, uuid)
    pgstate.register(uuid.UUID, name="id", dump=str)  # type: ignore[call-overload]
    pgstate.register(uuid.UUID, timedelta, dump=str, load=uuid.UUID)  # type: ignore[call-overload]
    pgstate.register("uuid")  # type: ignore[call-overload]
    pgstate.mount()
    pgstate.mount(wait=True)
    value: Any = pgstate.get("key")
    value = pgstate.get("key", 0)
    value = pgstate.get("key", default=value)
    typed_by_the_default()
    pgstate.set("key", 1)
    pgstate.set("key", 1, ttl=60)
    pgstate.set("key", 1, ttl=0.5)
    pgstate.set(key="key", value=1, ttl=timedelta(minutes=1))
    pgstate.update({"a": 1, "b": [2]})
    count: int = pgstate.modify("visits", lambda n: n + 1, default=0)
    pgstate.modify("visits", add(count), 0)
    typed_by_the_function()
    assert_type(pgstate.delete("key"), bool)
    assert_type(pgstate.clear(), int)
    assert_type(pgstate.keys(), KeysView[str])
    assert_type(pgstate.scope(), State)
    assert_type(pgstate.scope("browser"), State)
    assert_type(pgstate.scope(name="browser"), State)
    assert_type(pgstate.scope("app"), State)
    assert_type(pgstate.scope("tab"), State)
    assert_type(pgstate.scope("user").adopt(), list[str])
    assert_type(pgstate.scope("user").adopt("cart", "size"), list[str])
    assert_type(pgstate.session(), SessionInfo)
    assert_type(pgstate.health(), Health)
    assert_type(pgstate.health().is_healthy, bool)
    assert_type(pgstate.health().layout, str | None)
    assert_type(pgstate.metrics(), Metrics)
    assert_type(pgstate.metrics().verbs["set"].count, int)
    assert_type(pgstate.metrics().connections.waiting, int)
    assert_type(pgstate.metrics().cleaned_up_at, datetime | None)
    assert_type(pgstate.metrics_text(), str)
    pgstate.rotate()
    pgstate.forget()
    assert_type(pgstate.history("key"), list[Revision])
    assert_type(pgstate.history("key", limit=1)[0].changed_at, datetime)
    assert_type(pgstate.get("key", 0, version=1), int | Any)
    pgstate.restore("key", 1)
    pgstate.inspector(allow=lambda user: user.get("email") == "ada@example.com")
    pgstate.inspector(allow=lambda user: True, allow_changes=True)
    assert_type(pgstate.undo(), list[str])
    assert_type(pgstate.redo(), list[str])
    assert_type(pgstate.scope("app").undo(), list[str])
    assert_type(pgstate.scope("tab").history("key"), list[Revision])


def add(more: int) -> Any:
    return lambda n: n + more


def typed_by_the_default() -> None:
    assert_type(pgstate.get("key"), Any)
    assert_type(pgstate.get("key", None), Any)
    assert_type(pgstate.get("key", 0), int | Any)
    assert_type(pgstate.get("key", default="a"), str | Any)
    assert_type(pgstate.get("key", False), bool | Any)
    assert_type(pgstate.get("key", [1]), list[int] | Any)
    assert_type(pgstate.get("key", []), list[Any])
    assert_type(pgstate.get("key", {}), dict[Any, Any])
    assert_type(pgstate.get("key", set()), set[Any])
    pgstate.get("key", []).append("a")
    ratio: float = pgstate.get("key", 0)
    names: list[str] = pgstate.get("key", [])
    choice: Literal["a", "b"] = pgstate.get("key", "a")
    number = pgstate.get("key", 0)
    if isinstance(number, str):  # what is stored may be of another type
        assert_type(number, str)
    pgstate.get("key", 0).upper()  # type: ignore[union-attr]
    print(ratio, names, choice)


def typed_by_the_function() -> None:
    assert_type(pgstate.modify("key", lambda n: n + 1, default=0), int)
    assert_type(pgstate.modify("key", lambda n: n + 0.5, 0), float)
    names: list[str] = pgstate.modify("key", lambda names: [*names, "a"], [])
    cart: dict[str, int] = pgstate.modify("key", lambda cart: {**cart, "a": 1}, default={})
    seen: set[str] = pgstate.modify("key", lambda seen: seen | {"a"}, set())
    print(names, cart, seen)
    assert_type(pgstate.modify("key", appended, default=[]), list[str])
    assert_type(pgstate.modify("key", increased), int)
    assert_type(pgstate.modify("key", increased, None), int)
    assert_type(pgstate.modify("key", increased, 0), int)
    assert_type(pgstate.modify("key", str.upper, ""), str)
    pgstate.modify("key", str.upper, 0)  # type: ignore[arg-type]


def appended(names: list[str]) -> list[str]:
    return [*names, "a"]


def increased(n: int | None) -> int:
    return (n or 0) + 1


def state(one: State) -> None:
    mapping: MutableMapping[str, Any] = one
    mapping["a"] = one["a"]
    del one["a"]
    assert "a" in one
    assert_type(len(one), int)
    assert_type(list(one), list[str])
    assert_type(one.get("a"), Any)
    assert_type(one.get("a", None), Any)
    assert_type(one.get("a", 0), int | Any)
    assert_type(one.get("a", []), list[Any])
    assert_type(one.get("a", {}), dict[Any, Any])
    assert_type(one.get("a", set()), set[Any])
    one.set("a", 1)
    one.set("a", 1, ttl=timedelta(seconds=1))
    one.update({"a": 1})
    assert_type(one.modify("a", lambda n: n, default=None), Any)
    assert_type(one.modify("a", lambda n: n + 1, default=0), int)
    assert_type(one.modify("a", appended, []), list[str])
    cart: dict[str, int] = one.modify("a", lambda cart: {**cart, "a": 1}, {})
    seen: set[str] = one.modify("a", lambda seen: seen | {"a"}, set())
    print(cart, seen)
    one.modify("a", str.upper, 0)  # type: ignore[arg-type]
    assert_type(one.delete("a"), bool)
    assert_type(one.clear(), int)
    assert_type(one.keys(), KeysView[str])
    assert_type(one.session(), SessionInfo)
    assert_type(one.id, uuid.UUID)
    one.refresh()
    assert_type(one.rotate(), str | None)
    one.forget()


def widgets(frame: pd.DataFrame) -> None:
    assert_type(pgstate.data_editor(frame, key="a"), pd.DataFrame)
    assert_type(pgstate.data_editor([1, 2], key="b", num_rows="dynamic"), list[int])
    assert_type(pgstate.data_editor({"a": [1]}, key="c", hide_index=True), dict[str, list[int]])
    assert_type(pgstate.data_editor({1, 2}, key="d", disabled=["a"], on_change=print), set[int])
    assert_type(pgstate.file_uploader("e", key="e"), pgstate.StoredFile | None)
    assert_type(pgstate.file_uploader("f", "csv", key="f", width=300), pgstate.StoredFile | None)
    many = pgstate.file_uploader("g", ["csv"], accept_multiple_files=True, key="g")
    assert_type(many, list[pgstate.StoredFile])
    folder = pgstate.file_uploader("h", accept_multiple_files="directory", key="h")
    assert_type(folder, list[pgstate.StoredFile])
    assert_type(pgstate.camera_input("i", key="i", disabled=True), pgstate.StoredFile | None)
    assert_type(pgstate.audio_input("j", key="j", sample_rate=None), pgstate.StoredFile | None)


def info(known: SessionInfo) -> None:
    assert_type(known.id, uuid.UUID)
    assert_type(known.app, str)
    assert_type(known.scope, str)
    assert_type(known.created_at, datetime | None)
    assert_type(known.seen_at, datetime | None)
    assert_type(known.expires_at, datetime | None)
    assert_type(known.keys, int)
    assert_type(known.bytes, int)
    assert_type(known.durable, bool | None)
    if known.arrival == "returning":
        print("Welcome back.")
    print(known.arrival == "back")  # type: ignore[comparison-overlap]  # there is no such word
    assert known.came_by in (None, "cookie", "localStorage", "sessionStorage", "login")


def store() -> None:
    pgstate.connect()
    pgstate.connect("postgresql://me@localhost/app")
    one: Store = pgstate.connect(url="postgresql://me@localhost/app", schema="mine", timeout="5s")
    assert_type(one.health(), Health)
    pgstate.connect(make_url("postgresql://me@localhost/app"), session_ttl=3600)
    pgstate.connect(shema="mine")  # type: ignore[call-arg]
    pgstate.connect(timeout=[5])  # type: ignore[arg-type]
    one.migrate()
    token = one.new_token()
    assert_type(token, str)
    assert_type(one.state(token), State)
    assert_type(one.state(token, cache=False), State)
    assert_type(one.state_of(uuid.uuid4()), State)
    assert_type(one.state_of(str(uuid.uuid4()), cache=False), State)
    assert_type(one.layout().is_current, bool)
    assert_type(one.totals().sessions, int)
    one.close()


def testing(one: Store) -> None:
    app = AppTest.from_file("app.py")
    token = pgstate.testing.visit(app, one)
    assert_type(pgstate.testing.visit(app, one, token), str)
    pgstate.testing.visit(app, store=one, token=None)


def errors() -> None:
    kinds: list[type[PgStateError]] = [
        ConfigError,
        DecodeError,
        InvalidKey,
        LimitExceeded,
        MigrationRequired,
        NoSessionError,
        ShapeError,
        StoreUnavailable,
        UnknownToken,
        UnsupportedType,
    ]
    failed = PgStateError("It failed.")
    assert_type(failed.detail, str)
    assert_type(failed.in_full, str)
    assert_type(failed.cause, BaseException | None)
    value_errors: list[type[ValueError]] = [ConfigError, DecodeError, InvalidKey, LimitExceeded]
    unavailable: type[ConnectionError] = StoreUnavailable
    unknown: type[LookupError] = UnknownToken
    unsupported: type[TypeError] = UnsupportedType
    outside: type[RuntimeError] = NoSessionError
    other_shape = ShapeError("It has another shape.")
    assert_type((other_shape.stored, other_shape.known), tuple[int, int])
    assert_type(UnknownToken("").ended, Literal["expired", "forgotten"] | None)
    print(kinds, value_errors, unavailable, unknown, unsupported, outside)


def app() -> None:
    served = pgstate.App("shop.py")
    pgstate.App(
        Path("shop.py"),
        secrets={"key": "value"},
        lifespan=None,
        routes=[],
        middleware=[],
        on_script_error=lambda error: None,
        metrics=True,
        exception_handlers={404: lambda request, error: None},
        debug=True,
    )
    Starlette(lifespan=served.lifespan()).mount("/shop", served)
