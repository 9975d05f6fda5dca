"""A browser that keeps nothing: the app works for as long as the tab is open, and says so."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import streamlit as st
from browsers import CHROMIUM, CHROMIUM_ARGS
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from everything import in_everything
from playwright.sync_api import Browser, Error
from served import Server, running
from visitor import Tab, Visitor

from streamlit_pgstate import connect

pytestmark = pytest.mark.whole_chromium

NO_STORAGE = """
Object.defineProperty(window, "localStorage", { configurable: true,
    get() { throw new DOMException("Access is denied", "SecurityError") } })
"""
FULL_STORAGE = """
Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError") }
"""
READ_ONLY_STORAGE = """
Storage.prototype.setItem = () => {}
Storage.prototype.removeItem = () => {}
"""
NO_COOKIES = """
Object.defineProperty(document, "cookie", {
    configurable: true, get: () => "", set: () => {} })
"""
COOKIES_DISABLED = """
Object.defineProperty(navigator, "cookieEnabled", { get: () => false })
"""
THROWING_COOKIES = """
Object.defineProperty(document, "cookie", {
    get() { throw new DOMException("sandboxed", "SecurityError") },
    set() { throw new DOMException("sandboxed", "SecurityError") } })
"""

# Where cookies throw, Streamlit 1.51 itself shows nothing but the error; 1.67 goes on.
COOKIES_BLOCKED = [NO_COOKIES, THROWING_COOKIES] if hasattr(st, "pagination") else [NO_COOKIES]
NOTHING_KEPT = [
    (NO_STORAGE, COOKIES_BLOCKED[-1]),
    *in_everything((NO_STORAGE, NO_COOKIES), (FULL_STORAGE, NO_COOKIES)),
    *in_everything((READ_ONLY_STORAGE, NO_COOKIES)),
]


@pytest.mark.parametrize(("storage", "cookies"), NOTHING_KEPT)
def test_with_both_blocked_the_app_works_and_says_so(
    storage: str, cookies: str, app: Server, visitor: Visitor
) -> None:
    for script in (storage, cookies):
        visitor.run_first(script)
    tab = visitor.open(app)
    works_undurably(tab)
    tab.reload()
    assert tab.settled(2).seen["durable"] is False


def works_undurably(tab: Tab) -> None:
    """Two runs, no loop, and a state that lives as long as the tab."""
    last = tab.settled(2)
    assert last.seen["visits"] == 2
    assert last.seen["durable"] is False
    assert tab.runs_within(5) == 0
    tab.click("write")
    assert tab.settled(1).seen["word"] == "written"
    for event in ("document.dispatchEvent(new Event('visibilitychange'))", "0"):
        tab.page.evaluate(event)
        tab.settled(0)
    tab.click("run")
    run = tab.settled(1)
    assert run.seen["word"] == "written"
    assert run.seen["id"] == last.seen["id"]


def test_what_is_blocked_under_an_open_page_takes_nothing_from_it(
    app: Server, visitor: Visitor
) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    tab.reload()  # and so it came with its token
    before = tab.settled(1).seen
    tab.page.evaluate(f"{NO_STORAGE};{NO_COOKIES};{COOKIES_DISABLED}")
    tab.page.evaluate("window.dispatchEvent(new Event('pageshow'))")
    after = tab.settled(1).seen
    assert (after["id"], after["durable"]) == (before["id"], False)
    tab.page.evaluate("delete window.localStorage; delete document.cookie")
    tab.page.evaluate("window.dispatchEvent(new Event('pageshow'))")
    after = tab.settled(1).seen
    assert (after["id"], after["durable"]) == (before["id"], True)


@pytest.mark.parametrize("script", [NO_STORAGE, *in_everything(FULL_STORAGE, READ_ONLY_STORAGE)])
def test_with_local_storage_blocked_the_cookie_will_do(
    script: str, app: Server, visitor: Visitor
) -> None:
    visitor.run_first(script)
    tab = visitor.open(app)
    assert tab.settled(1).seen["visits"] == 1
    token = tab.cookie()
    tab.reload()
    run = tab.settled(1)
    assert (run.seen["visits"], run.seen["durable"]) == (2, True)
    tab.click("rotate")
    tab.settled(1)
    assert tab.cookie() != token
    tab.reload()
    assert tab.settled(1).seen["visits"] == 4
    tab.click("forget")
    tab.settled(1)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 1


@pytest.mark.parametrize("script", [COOKIES_BLOCKED[-1], *in_everything(*COOKIES_BLOCKED[:-1])])
def test_with_cookies_blocked_local_storage_will_do(
    script: str, app: Server, visitor: Visitor
) -> None:
    visitor.run_first(script)
    tab = visitor.open(app)
    assert tab.settled(1).seen["visits"] == 1
    for visits in (2, 3):
        tab.reload()
        run = tab.settled(2)
        assert (run.seen["visits"], run.seen["durable"]) == (visits, True)
    tab.click("rotate")
    tab.settled(1)
    tab.reload()
    assert tab.settled(2).seen["visits"] == 5


def test_a_full_disk_keeps_no_refused_token(app: Server, visitor: Visitor) -> None:
    tab = visitor.open(app)
    tab.settled(1)
    bad = tab.token()[:-4] + "AAAA"
    tab.set_local(bad)
    tab.set_cookie(bad)
    tab.run_first(FULL_STORAGE)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 1
    assert tab.local() is None
    assert tab.cookie() not in (bad, None)


@pytest.fixture
def blocking_chromium(chromium: Browser, tmp_path: Path) -> Callable[..., Visitor]:
    """A Chromium whose user has forbidden sites to keep anything."""

    def launch(preferences: dict[str, object]) -> Visitor:
        profile = tmp_path / "profile"
        (profile / "Default").mkdir(parents=True)
        (profile / "Default" / "Preferences").write_text(json.dumps({"profile": preferences}))
        name = "visitor-who-blocks"
        context = chromium.browser_type.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=CHROMIUM_ARGS, user_agent=name, headless=True
        )
        return Visitor(context, name)

    return launch


@pytest.mark.long
def test_with_site_data_blocked_in_chromiums_settings(
    app: Server, blocking_chromium: Callable[..., Visitor]
) -> None:
    visitor = blocking_chromium({"default_content_setting_values": {"cookies": 2}})
    try:
        tab = visitor.open(app)
        works_undurably(tab)
        with pytest.raises(Error, match="Access is denied"):
            tab.local()
    finally:
        visitor.context.close()


@pytest.mark.long
def test_under_the_app_with_cookies_blocked_in_chromiums_settings(
    http_only_app: Server, blocking_chromium: Callable[..., Visitor]
) -> None:
    visitor = blocking_chromium({"default_content_setting_values": {"cookies": 2}})
    try:
        tab = visitor.open(http_only_app)
        run = tab.settled(2)  # the first one has waited for the browser
        assert (run.seen["visits"], run.seen["durable"]) == (1, False)
        assert tab.runs()[0].seen == {}
        assert tab.runs_within(5) == 0
        for name in ("write", "rotate"):
            tab.click(name)
            run = tab.settled(1)
        assert (run.seen["word"], run.seen["durable"]) == ("written", False)
        tab.reload()
        assert tab.settled(2).seen["visits"] == 1
    finally:
        visitor.context.close()


@pytest.fixture
def frame_around(app: Server) -> Iterator[str]:
    """A page of localhost; the app in it is to come from 127.0.0.1, another site."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target = self.path.removeprefix("/?")
            page = f'<iframe src="{target}" width="900" height="700"></iframe>'
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Not wanted among the test's output."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/?"
        server.shutdown()


@pytest.mark.long
def test_in_a_frame_of_another_site_the_app_works(
    app: Server, visitor: Visitor, frame_around: str
) -> None:
    """Chromium gives such a frame a localStorage of its own for each page around it."""
    visitor.spoil()  # storage of a frame is emptied by nothing else
    tab = visitor.tab(app)
    tab.address = frame_around + tab.address.replace("localhost", "127.0.0.1")
    tab.open()
    run = tab.settled()
    assert len(tab.runs()) <= 2
    assert tab.runs_within(5) == 0
    tab.reload()
    again = tab.settled()
    assert len(tab.runs()) <= 4
    assert tab.runs_within(3) == 0
    assert run.seen["durable"] is again.seen["durable"] is False


@pytest.fixture(scope="module")
def https_app(
    database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("https")
    certificate = _certificate_of(folder / "certificate.pem")
    server = Server(folder, database(), certificate=certificate, host="127.0.0.1")
    with running(server):
        yield server


def _certificate_of(path: Path) -> Path:
    """Of 127.0.0.1; nobody but this test trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        made.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


def test_in_a_frame_of_another_site_over_https_the_state_survives_f5(
    https_app: Server, new_visitor: Callable[..., Visitor], frame_around: str
) -> None:
    """By a cookie of the frame's own, which other sites around the app do not bring."""
    visitor = new_visitor(ignore_https_errors=True)
    tab = visitor.tab(https_app)
    tab.address = frame_around + tab.address
    tab.open()
    assert tab.settled(1).seen["visits"] == 1
    tab.reload()
    run = tab.settled(1)
    assert (run.seen["visits"], run.seen["durable"]) == (2, True)
    cookie = cookie_of(tab)
    assert (cookie["sameSite"], cookie["secure"]) == ("None", True)
    assert cookie["partitionKey"]


def test_over_https_in_a_tab_of_its_own_the_cookie_is_strict(
    https_app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    visitor = new_visitor(ignore_https_errors=True)
    tab = visitor.open(https_app)
    tab.settled(1)
    tab.reload()
    assert tab.settled(1).seen["visits"] == 2
    cookie = cookie_of(tab)
    assert (cookie["sameSite"], cookie["secure"]) == ("Strict", True)
    assert cookie["path"] == "/"


def test_over_https_a_cookie_that_another_site_of_the_domain_can_set_is_not_read(
    https_app: Server, new_visitor: Callable[..., Visitor]
) -> None:
    visitor = new_visitor(ignore_https_errors=True)
    store = connect(https_app.url)
    theirs = store.new_token()
    store.state(theirs)["visits"] = 100
    at = {"name": https_app.token_name, "value": theirs, "domain": https_app.host}
    for path in ("/", "/_stcore"):
        visitor.context.add_cookies([{**at, "path": path, "secure": True, "sameSite": "Strict"}])
    tab = visitor.open(https_app)
    for visits in (1, 2):
        assert tab.settled(1).seen["visits"] == visits
        tab.reload()
    tab.settled(1)
    assert store.state(theirs)["visits"] == 100
    store.close()


def test_under_the_app_over_https_the_cookie_is_host_only(
    database: Callable[[], str], tmp_path: Path, new_visitor: Callable[..., Visitor]
) -> None:
    certificate = _certificate_of(tmp_path / "certificate.pem")
    server = Server(
        tmp_path / "app", database(), certificate=certificate, host="127.0.0.1", is_app=True
    )
    with running(server):
        tab = new_visitor(ignore_https_errors=True).open(server)
        first = tab.settled(1)
        before = tab.token()
        tab.click("rotate")
        tab.settled(1)
        assert tab.token() != before
        tab.reload()
        run = tab.settled(1)
        assert (run.seen["visits"], run.seen["id"]) == (3, first.seen["id"])
        found = tab.page.context.cookies(server.address)
        [cookie] = [it for it in found if "pgstate-app." in it["name"]]
        assert cookie["name"].startswith("__Host-Http-pgstate-app.")
        assert (cookie["secure"], cookie["httpOnly"], cookie["path"]) == (True, True, "/")
        assert cookie["sameSite"] == "Lax"


def test_under_the_app_over_https_no_script_in_the_page_can_plant_a_cookie(
    database: Callable[[], str], tmp_path: Path, new_visitor: Callable[..., Visitor]
) -> None:
    """Neither over the visitor's own nor where there is none: the browser knows `__Host-Http-`."""
    certificate = _certificate_of(tmp_path / "certificate.pem")
    server = Server(
        tmp_path / "app", database(), certificate=certificate, host="127.0.0.1", is_app=True
    )
    with running(server), closing(connect(server.url)) as store:
        theirs = store.new_token()
        store.state(theirs)["visits"] = 100
        tab = new_visitor(ignore_https_errors=True).open(server)
        tab.settled(1)
        own = tab.token()
        plant = (
            "text => { document.cookie = text; return cookieStore.getAll().then(it => it.length) }"
        )
        planted = f"{server.cookie_name}={theirs}; Secure; Path=/"
        tab.page.evaluate(plant, planted)
        assert tab.token() == own
        tab.page.context.clear_cookies()
        assert tab.page.evaluate(plant, planted) == 0
        assert tab.page.evaluate(plant, "other=1; Secure; Path=/") == 1, "others can be set so"
        tab.reload()
        assert tab.settled(1).seen["visits"] == 1
        assert store.state(theirs)["visits"] == 100


def cookie_of(tab: Tab) -> dict[str, object]:
    cookies = tab.page.context.cookies(tab.server.address)
    [cookie] = [it for it in cookies if it["name"].startswith("__Host-pgstate.")]
    return {**cookie}
