"""The app as it is seen from outside: by http, as a browser asks for it."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from streamlit_pgstate.cli.finding import Finding
from streamlit_pgstate.errors import ConfigError

_TIMEOUT: Final = 10.0
_REDIRECTS: Final = 5
_LOCAL: Final = {"localhost", "127.0.0.1", "::1"}
_OF_PROXIES: Final = ("server", "via", "x-served-by", "x-cache", "cf-ray", "x-amz-cf-id")
_AS_A_BROWSER: Final = {
    "Accept": "text/html",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "User-Agent": "pgstate-doctor",
}
_UNSEEN: Final = Finding(
    "not seen",
    "whether the proxy passes cookies on, whether all pages of a browser reach one replica, and "
    "whether the browser keeps what it is sent. Only a browser shows these: open the app, change "
    "something, press F5, and look at pgstate.session().durable",
    is_bad=None,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the app or of a proxy before it."""

    url: str
    status: int
    headers: Mapping[str, str]
    """By their names in lower case. Of several with one name, the last."""
    cookies: tuple[str, ...] = ()
    """The values of all headers `Set-Cookie`."""


def seen_from_outside(url: str) -> list[Finding]:
    """Ask a running app, and say what can be seen of its https, its cookie and its proxies.

    Raises:
        ConfigError: it is not the URL of a page.
    """
    _checked(url)
    try:
        page = _followed(url)
    except ssl.SSLCertVerificationError as error:
        return [_not_trusted(error), _UNSEEN]
    except (OSError, HTTPException) as error:
        said = f"{url} cannot be reached ({_reason(error)})"
        advice = "Start the app, or compare the URL with the one in the browser."
        return [Finding("page", said, is_bad=True, advice=advice)]
    return [
        *(of_page(page), of_https(page), of_websocket(_websocket(page.url))),
        *(of_cookie(page), of_proxies(page), _UNSEEN),
    ]


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(
            f"--app-url {url!r} is not the address of a page. It looks like "
            "https://example.com/dashboard/"
        )
    return parts


# What the answers mean


def of_page(page: Answer) -> Finding:
    """Whether there is a page."""
    if page.status == 200:
        return Finding("page", f"{page.url} answers")
    said = f"{page.url} answers with status {page.status}"
    return Finding("page", said, is_bad=True, advice="Give the URL of the page of the app.")


def of_https(page: Answer) -> Finding:
    """Whether the browser's connection is encrypted."""
    parts = urlsplit(page.url)
    if parts.scheme == "https":
        hsts = "strict-transport-security" in page.headers
        more = "" if hsts else "; without Strict-Transport-Security, so a first visit may use http"
        return Finding("https", f"yes{more}")
    if parts.hostname in _LOCAL:
        return Finding("https", "no, which is right on this machine alone", is_bad=None)
    return Finding(
        "https",
        "no: others on the network can read the token, and a frame of another site keeps nothing",
        is_bad=True,
        advice="Serve the app by https: docs/deployment.md shows how.",
    )


def of_websocket(answer: Answer | str) -> Finding:
    """Whether the WebSocket can be reached. `answer` is a text where nothing answers."""
    if isinstance(answer, str):
        said = f"cannot be reached ({answer})"
    elif answer.status == 101:
        return Finding("websocket", "can be reached")
    else:
        said = f"is refused with status {answer.status}"
    return Finding(
        "websocket",
        said,
        is_bad=True,
        advice="Let the proxy pass WebSockets on: Upgrade, Connection and Host. If the app is "
        "below a path, give the URL with that path.",
    )


def of_cookie(page: Answer) -> Finding:
    """What the cookie of `pgstate.App` is like."""
    cookie = next((one for one in page.cookies if "pgstate-app" in one.partition("=")[0]), None)
    if cookie is None:
        said = (
            "the page sets none, so the app is not served by pgstate.App, or its database did not "
            "answer. Without pgstate.App the browser sets the cookie, which is not seen here"
        )
        return Finding("cookie", said, is_bad=None)
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    if urlsplit(page.url).scheme == "https" and "secure" not in attributes:
        return Finding(
            "cookie",
            "lacks Secure: the app takes the page for http",
            is_bad=True,
            advice="Have the proxy send X-Forwarded-Proto: https.",
        )
    if "httponly" not in attributes:
        said = "lacks HttpOnly, so scripts in the page can read it"
        return Finding("cookie", said, is_bad=True, advice="See what in between removes it.")
    kept = "HttpOnly and Secure" if "secure" in attributes else "HttpOnly"
    return Finding("cookie", f"set by pgstate.App, {kept}")


def of_proxies(page: Answer) -> Finding:
    """What says that there is a proxy. Many say nothing."""
    found = [f"{name}: {page.headers[name]}" for name in _OF_PROXIES if name in page.headers]
    return Finding("proxies", "; ".join(found) or "no header names one", is_bad=None)


def _not_trusted(error: ssl.SSLCertVerificationError) -> Finding:
    return Finding(
        "https",
        f"the certificate is not trusted here ({error.verify_message})",
        is_bad=True,
        advice="Mend the certificate, or if an authority of your own has signed it, name its file "
        "in the environment variable SSL_CERT_FILE.",
    )


# Asking


def _followed(url: str) -> Answer:
    for _ in range(_REDIRECTS):
        answer = _asked(url, _AS_A_BROWSER)
        location = answer.headers.get("location")
        if answer.status not in {301, 302, 303, 307, 308} or not location:
            return answer
        url = urljoin(url, location)
        _checked(url)
    return answer


def _websocket(page: str) -> Answer | str:
    parts = urlsplit(page)
    url = parts._replace(path=f"{parts.path.rstrip('/')}/_stcore/stream", query="").geturl()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Origin": f"{parts.scheme}://{parts.netloc}",
    }
    try:
        return _asked(url, headers)
    except (OSError, HTTPException) as error:
        return _reason(error)


def _asked(url: str, headers: Mapping[str, str]) -> Answer:
    parts = _checked(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        cookies = tuple(answer.headers.get_all("Set-Cookie") or ())
        return Answer(url, answer.status, found, cookies)
    finally:
        connection.close()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
