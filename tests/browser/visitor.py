"""A real browser's tabs, and how many script runs each of them caused."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Frame, Page, Request
from run_log import Run
from served import READY_WITHIN, TOKEN, Server

SETTLED_WITHIN = 90.0
AGREED_WITHIN = 30.0
KEPT_WITHIN = 10.0
LOOP = 40
"""Runs after which nobody waits for quiet; 15 keys may cause one each, on a busy machine two."""
QUIET_FOR = 0.4
"""Seconds without a further run after which none is expected: an answer of the component's
comes within 0.1 s of its script run."""
QUIET_POLLS = 5
"""And so many looks at the page in that time: on a busy machine each look takes longer too."""


class Tab:
    """One tab of a visitor, and the script runs that it caused."""

    def __init__(self, page: Page, server: Server, visitor: str, case: str, path: str) -> None:
        self.page = page
        self.server = server
        self.visitor = visitor
        self.name = uuid.uuid4().hex[:8]
        self.address = f"{server.address}{path}?{urlencode({'case': case, 'tab': self.name})}"
        self._counted = 0
        self.errors: list[str] = []
        self.is_altered = False
        """Whether the page is of no use to another visitor."""
        self._presents = 0
        """How many requests to the route of `pgstate.App` are on their way."""
        page.on("request", lambda request: self._count(request, 1))
        page.on("requestfinished", lambda request: self._count(request, -1))
        page.on("requestfailed", lambda request: self._count(request, -1))
        page.on("pageerror", self._note_error)
        page.on("console", self._note_console)

    def run_first(self, script: str) -> None:
        """Run `script` in each document of this tab from now on, before its own scripts."""
        self.is_altered = True
        self.page.add_init_script(script)

    def stop_listening(self) -> None:
        """Another visitor goes on with the page."""
        self.page.remove_listener("pageerror", self._note_error)
        self.page.remove_listener("console", self._note_console)

    def _count(self, request: Request, change: int) -> None:
        if request.url.endswith("/_pgstate/cookie"):
            self._presents += change

    def _note_error(self, error: Error) -> None:
        self.errors.append(str(error))

    def _note_console(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.errors.append(said.text)

    def runs(self) -> list[Run]:
        """All runs of this tab; by visitor where a switch of pages has dropped the tab's name."""
        return [run for run in self.server.runs(self.visitor) if run.tab in (self.name, None)]

    def open(self) -> Tab:
        self.page.goto(self.address)
        return self

    @property
    def origin(self) -> str:
        """Of the app, also where the page around it is another."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def frame(self) -> Frame:
        """The frame that the app is in: the page, or the first frame in it."""
        return self.page.frames[-1]

    def reload(self) -> None:
        self.page.reload()

    def click(self, name: str) -> None:
        self.frame.get_by_role("button", name=name, exact=True).click()

    def settled(self, runs: int | None = None) -> Run:
        """Wait until `runs` more have ended and no further one begins; the last one.

        Without a number: one at least.
        """
        return settled([self], runs)[0]

    @property
    def has_settled(self) -> bool:
        return self._counted > 0 and not self.page.is_closed()

    def keeps_token(self) -> None:
        """Wait until the browser keeps any token, if the page asks it to."""
        if self.server.is_app:
            return  # the page itself has brought it
        with contextlib.suppress(Error):  # some tests take it away
            self.frame.wait_for_function(_KEEPS_TOKEN, timeout=KEPT_WITHIN * 1000)

    def restart_server(self) -> None:
        """Kill the server, start it again, and wait until the page has found it."""
        self.kill_server()
        self.server.start()
        self.reconnected()

    def kill_server(self) -> None:
        """And wait until the page has noticed: else it looks connected to the next one."""
        self.loaded()
        self.server.kill()
        self.lost()

    def lost(self) -> None:
        """Wait until the page has noticed that its server is away."""
        self._await_connection("not([data-test-connection-state=CONNECTED])")

    def loaded(self) -> None:
        """Wait until the page has the scripts of what it shows: without them it shows errors."""
        loaded = "() => document.querySelector('[data-testid=stSkeleton]') === null"
        self.frame.wait_for_function(loaded, timeout=READY_WITHIN * 1000)

    def reconnected(self) -> None:
        """Wait until the page has found its server again."""
        self._await_connection("is([data-test-connection-state=CONNECTED])")

    def _await_connection(self, state: str) -> None:
        app = f"[data-testid=stApp]:{state}"
        self.frame.wait_for_selector(app, timeout=READY_WITHIN * 1000)

    def stays_quiet(self, seconds: float) -> None:
        """Poll until no run has begun or ended for so long; a loop fails by its number of runs."""
        _stay_quiet([self], seconds)

    def runs_within(self, seconds: float) -> int:
        """How many runs begin in so many seconds from now."""
        before = len(self.runs())
        self.page.wait_for_timeout(seconds * 1000)
        return len(self.runs()) - before

    def _awaits_another(self) -> bool:
        return any(run.is_followed or not run.is_over for run in self.runs()[-1:])

    def _ended(self) -> int:
        return sum(run.is_over for run in self.runs())

    def _await_end(self, runs: int) -> None:
        deadline = time.monotonic() + SETTLED_WITHIN
        while not (self._ended() >= self._counted + runs and self._is_idle()):
            if time.monotonic() > deadline:
                found = self._ended() - self._counted
                raise AssertionError(f"{found} of {runs} runs ended: {self.runs()}")
            self.page.wait_for_timeout(40)

    def _is_idle(self) -> bool:
        if self._awaits_another():
            return False
        with contextlib.suppress(Error):
            return bool(self.frame.evaluate(IS_IDLE))
        return False

    # The two copies of the token

    @property
    def _key(self) -> str:
        return self.server.token_name

    def local(self) -> str | None:
        text: str | None = self.frame.evaluate("key => localStorage.getItem(key)", self._key)
        return text

    def cookie(self) -> str | None:
        found = [
            c
            for c in self.page.context.cookies(self.server.address)
            if c["name"] == self.server.cookie_name
        ]
        return found[0]["value"] if found else None

    def token(self) -> str:
        """The token, of which both copies must agree: soon, where the component is on its way.

        Under `pgstate.App` there is one copy, in a cookie that the page cannot read.
        """
        if self.server.is_app:
            return self._token_of_app()
        deadline = time.monotonic() + AGREED_WITHIN
        while (local := self.local()) != (cookie := self.cookie()) or local is None:
            assert time.monotonic() < deadline, f"{local} is not {cookie}"
            self.page.wait_for_timeout(50)
        assert TOKEN.fullmatch(local)
        return local

    def _token_of_app(self) -> str:
        deadline = time.monotonic() + AGREED_WITHIN
        while self._presents or not (cookie := self.cookie()):
            assert time.monotonic() < deadline
            self.page.wait_for_timeout(50)
        assert TOKEN.fullmatch(cookie)
        assert self.local() is None
        assert cookie not in self.frame.evaluate("document.cookie")
        return cookie

    def set_local(self, text: str | None) -> None:
        if text is None:
            self.frame.evaluate("key => localStorage.removeItem(key)", self._key)
        else:
            self.page.evaluate(
                "([key, text]) => localStorage.setItem(key, text)", [self._key, text]
            )

    def set_copies(self, text: str | None) -> None:
        """Set all copies that the browser has: under `pgstate.App` there is the cookie alone."""
        if not self.server.is_app:
            self.set_local(text)
        self.set_cookie(text)

    def set_cookie(self, text: str | None) -> None:
        self.page.context.clear_cookies(name=self.server.cookie_name)
        if text is not None:
            cookie = {"name": self.server.cookie_name, "value": text, "domain": self.server.host}
            options = {"httpOnly": self.server.is_app}
            options |= {"sameSite": "Lax" if self.server.is_app else "Strict"}
            # Playwright's type of a cookie is a TypedDict, which ** does not make.
            self.page.context.add_cookies([{**cookie, **options, "path": self.server.base or "/"}])  # type: ignore[list-item]


def settled(tabs: Sequence[Tab], runs: int | None = None) -> list[Run]:
    """As `Tab.settled`, of several tabs that all have begun; the last run of each."""
    for tab in tabs:
        tab._await_end(1 if runs is None else runs)
    last = []
    for tab, found in zip(tabs, _stay_quiet(tabs, QUIET_FOR), strict=True):
        new = found[tab._counted :]
        tab._counted = len(found)
        assert runs in (None, len(new)), f"{len(new)} runs, not {runs}: {new}"
        last.append(found[-1])
    return last


def _stay_quiet(tabs: Sequence[Tab], seconds: float) -> list[list[Run]]:
    began = quiet_since = time.monotonic()
    polls, before = 0, [tab.runs() for tab in tabs]
    while (
        time.monotonic() - quiet_since < seconds
        or polls < QUIET_POLLS
        or not all(tab._is_idle() for tab in tabs)
    ):
        tabs[0].page.wait_for_timeout(80)
        now = [tab.runs() for tab in tabs]
        polls += 1
        if now != before:
            quiet_since, polls, before = time.monotonic(), 0, now
        for tab, runs in zip(tabs, now, strict=True):
            assert len(runs) - tab._counted < LOOP, f"a loop: {len(runs) - tab._counted} runs"
        assert time.monotonic() - began < SETTLED_WITHIN + seconds, f"never quiet: {now}"
    return before


_KEEPS_TOKEN = """() => {
    const kept = [localStorage, sessionStorage].flatMap(storage => Object.keys(storage))
    return !document.querySelector("[data-testid=stBidiComponentRegular]")
        || [...kept, ...document.cookie.split("; ")].some(name => name.startsWith("pgstate"))
}"""

IS_IDLE = """async () => {
    const timeout = document.hidden ? 200 : 5000
    await new Promise(done => requestIdleCallback(done, { timeout }))
    const [app, ...others] = document.querySelectorAll("[data-testid=stApp]")
    return app !== undefined && others.length === 0
        && app.getAttribute("data-test-script-state") === "notRunning"
        && app.getAttribute("data-test-connection-state") === "CONNECTED"
        && document.querySelector("[data-testid=stSkeleton]") === null
        && (document.getElementById("streamlit-pgstate-style") !== null
            || !document.querySelector("[data-testid=stBidiComponentRegular]"))
}"""
"""In one call to the browser: four of them, 20 times a second, take 7 % of a core.

An idle page has drawn what has arrived, and sent what its components have to say: without
waiting for that, a page slowed down 15 times sent an answer after 0.5 s of seeming quiet. A
skeleton stands where it still loads what it shows. The
component adds its style when it is first drawn, and answers in the same turn.
"""


class Visitor:
    """One browser profile: its tabs share cookies and localStorage with nobody."""

    def __init__(
        self,
        context: BrowserContext,
        name: str,
        page: Page | None = None,
        *,
        is_altered: bool = False,
    ) -> None:
        self.context = context
        self.name = name
        self._page = page
        """An empty one, for the first tab."""
        self._is_altered = is_altered
        self.tabs: list[Tab] = []

    @property
    def is_altered(self) -> bool:
        """Whether the profile, or a tab of it, is of no use to others, even when it is emptied."""
        return self._is_altered or any(tab.is_altered for tab in self.tabs)

    def spoil(self) -> None:
        """Give the profile to nobody else."""
        self._is_altered = True

    def run_first(self, script: str) -> None:
        """Run `script` in each page and frame, before its own scripts."""
        self.spoil()
        self.context.add_init_script(script)

    def tab(self, server: Server, case: str = "visits", *, path: str = "/") -> Tab:
        """A tab that has not been opened yet."""
        page, self._page = self._page or self.context.new_page(), None
        tab = Tab(page, server, self.name, case, path)
        self.tabs.append(tab)
        return tab

    def open(self, server: Server, case: str = "visits", *, path: str = "/") -> Tab:
        """Open a tab: after a tab that has settled, once the browser keeps that one's token.

        A script may be over before the component has run, on a machine with eight jobs for two
        cores: then both tabs would be a first visit, and take two runs.
        """
        for tab in self.tabs:
            if tab.has_settled and not self.is_altered:
                tab.keeps_token()
        return self.tab(server, case, path=path).open()
