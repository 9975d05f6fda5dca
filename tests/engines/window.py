"""A browser's windows and tabs, and how many script runs each of them caused.

Selenium's twin of `tests/browser/visitor.py`; it has what a dozen cases need.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Literal, TypeVar
from urllib.parse import urlencode

from run_log import Run
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.file_detector import UselessFileDetector
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from served import TOKEN, Server

T = TypeVar("T")

WITHIN = 60.0
"""Seconds that any event may take: 4.2 at most on two cores with seven jobs, 12.6 with twenty."""
QUIET_FOR = 0.5
"""Seconds without a further run after which none is expected: an answer of the component's
comes within 0.1 s of its script run."""
QUIET_POLLS = 5
"""And so many looks at the page in that time: on a busy machine each look takes longer too."""

NOT_YET = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
)
"""What WebDriver says of a page that is being put together: nothing has been done then."""


def awaited(what: Callable[[], T], why: str = "", *, within: float = WITHIN) -> T:
    """Ask until the answer is true; that answer."""
    deadline = time.monotonic() + within
    while True:
        failure: Exception | None = None
        try:
            if found := what():
                return found
        except NOT_YET as error:
            failure = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {why}") from failure
        time.sleep(0.05)


class Visitor:
    """One browser: its windows share cookies and localStorage."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver
        self.driver.file_detector = UselessFileDetector()  # the files lie where the browser runs
        self.name: str = driver.execute_script("return navigator.userAgent")
        """As the log of script runs has it; the runs of one window are known by its own name."""
        self._home = self._current = driver.current_window_handle
        self._seen: set[str] = set()

    def open(
        self,
        server: Server,
        case: str = "visits",
        *,
        as_a: Literal["tab", "window"] = "window",
        more: str = "",
    ) -> Window:
        """Open a tab, which hides the others, or a window of its own, which hides nothing."""
        self._seen.add(server.address)
        self.driver.switch_to.new_window(as_a)
        self._current = self.driver.current_window_handle
        window = Window(self, self._current, server, case, more)
        self.driver.get(window.address)
        return window

    def at(self, handle: str) -> WebDriver:
        """The driver, which from now on speaks to that window."""
        if handle != self._current:
            self.driver.switch_to.window(handle)
            self._current = handle
        return self.driver

    def leave(self) -> None:
        """Close what is open, and leave nothing for whoever comes next."""
        for handle in self.driver.window_handles:
            if handle != self._home:
                self.at(handle).close()
        home = self.at(self._home)
        for address in self._seen:
            home.get(f"{address}/_stcore/health")  # of the app's origin, and without its scripts
            home.delete_all_cookies()
            home.execute_script("try { localStorage.clear() } catch { }")
        home.get("about:blank")
        self._seen.clear()


class Window:
    """One tab or window, and the script runs that it caused."""

    def __init__(self, visitor: Visitor, handle: str, server: Server, case: str, more: str) -> None:
        self.visitor = visitor
        self.server = server
        self.name = uuid.uuid4().hex[:8]
        self.address = f"{server.address}/?{urlencode({'case': case, 'tab': self.name})}{more}"
        self._handle = handle
        self._counted = 0

    @property
    def driver(self) -> WebDriver:
        return self.visitor.at(self._handle)

    def reload(self) -> None:
        self.driver.refresh()

    # Script runs

    def runs(self) -> list[Run]:
        return [run for run in self.server.runs(self.visitor.name) if run.tab == self.name]

    def settled(self, runs: int | None = None) -> Run:
        """Wait until `runs` more have ended and no further one begins; the last one.

        Without a number: one at least.
        """
        least = 1 if runs is None else runs
        awaited(
            lambda: self._ended() - self._counted >= least and self._is_idle(),
            f"{least} runs after the first {self._counted} of {self.name}",
        )
        found = self._quiet()
        new = found[self._counted :]
        self._counted = len(found)
        assert runs in (None, len(new)), f"{len(new)} runs, not {runs}: {new}"
        return found[-1]

    def sees(self, **facts: object) -> Run:
        """Wait until a run that is over has seen these facts, and no further one begins."""
        awaited(
            lambda: any(
                facts.items() <= run.seen.items() for run in self.runs()[-1:] if run.is_over
            ),
            f"a run that sees {facts}",
        )
        return self.settled()

    def _ended(self) -> int:
        return sum(run.is_over for run in self.runs())

    def _quiet(self) -> list[Run]:
        """Poll until nothing has begun or ended for a while; all runs so far."""
        deadline = time.monotonic() + WITHIN
        before, since, polls = self.runs(), time.monotonic(), 0
        while time.monotonic() - since < QUIET_FOR or polls < QUIET_POLLS or not self._is_idle():
            assert time.monotonic() < deadline, f"never quiet: {before[self._counted :]}"
            time.sleep(0.05)
            polls += 1
            if (now := self.runs()) != before:
                before, since, polls = now, time.monotonic(), 0
        return before

    def _is_idle(self) -> bool:
        if any(run.is_followed or not run.is_over for run in self.runs()[-1:]):
            return False
        try:
            return bool(self.driver.execute_async_script(_IS_IDLE))
        except JavascriptException:  # the page was left meanwhile
            return False

    # What is on the page

    def find(self, selector: str) -> WebElement:
        """The first element that the selector names, once there is one."""
        return awaited(
            lambda: self.driver.find_element(By.CSS_SELECTOR, selector), f"an element {selector}"
        )

    def count(self, selector: str) -> int:
        return len(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def click(self, name: str) -> None:
        """On the button, or the label, that says this and nothing else."""
        says = f"[normalize-space()='{name}']"
        self._click(By.XPATH, f"//button{says} | //label{says}")

    def click_on(self, selector: str) -> None:
        self._click(By.CSS_SELECTOR, selector)

    def _click(self, by: str, place: str) -> None:
        def clicked() -> bool:
            self.driver.find_element(by, place).click()
            return True

        awaited(clicked, f"a click on {place}")

    def type(self, key: str, text: str) -> None:
        """Into an empty text field, with Enter."""
        self.find(f".st-key-{key} input").send_keys(text, Keys.ENTER)

    def shows_in_field(self, key: str, text: str) -> None:
        def shown() -> str:
            field = self.driver.find_element(By.CSS_SELECTOR, f".st-key-{key} input")
            return str(field.get_property("value"))

        awaited(lambda: shown() == text, f"{text!r} in the field {key}")

    def press(self, *keys: str) -> None:
        """Where the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    # The two copies of the token

    @property
    def _key(self) -> str:
        return self.server.token_name

    def local(self) -> str | None:
        text: str | None = self.driver.execute_script(
            "return localStorage.getItem(arguments[0])", self._key
        )
        return text

    def cookie(self) -> str | None:
        cookie = self.driver.get_cookie(self._key)
        return str(cookie["value"]) if cookie else None

    def token(self) -> str:
        """The token, on which both copies agree in the end."""
        token = awaited(
            lambda: (local := self.local()) == self.cookie() and local,
            "the same token in localStorage and in the cookie",
        )
        assert token
        assert TOKEN.fullmatch(token)
        return token

    def lose_local(self) -> None:
        self.driver.execute_script("localStorage.removeItem(arguments[0])", self._key)
        assert self.local() is None

    def lose_cookie(self) -> None:
        self.driver.delete_cookie(self._key)
        assert self.cookie() is None


_IS_IDLE = """
const answer = arguments[arguments.length - 1]
const look = () => {
    const [app, ...others] = document.querySelectorAll("[data-testid=stApp]")
    answer(app !== undefined && others.length === 0
        && app.getAttribute("data-test-script-state") === "notRunning"
        && app.getAttribute("data-test-connection-state") === "CONNECTED"
        && document.getElementById("streamlit-pgstate-style") !== null)
}
if (window.requestIdleCallback) requestIdleCallback(look, { timeout: document.hidden ? 200 : 5000 })
else setTimeout(look, 0)
"""
"""The component adds its style when it is first drawn, and answers in the same turn; all cases have
it on the page. Safari's engine has no `requestIdleCallback`."""
