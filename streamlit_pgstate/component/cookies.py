"""The cookies that the browser sends with a page: the tokens of its browser and of its tab."""

from __future__ import annotations

import hashlib
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

import streamlit as st

_HOST_ONLY: Final = "__Host-"
"""Browsers take a cookie of such a name only over https, from its own host, and for all paths."""

_LONGEST_APP: Final = 64
"""Characters of the longest name of an app that a cookie's name holds as it is."""

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def label(app: str, identity: str) -> str:
    """Name an app and its database, for the names of cookies and of storage in the browser.

    Args:
        app: the app's name, which is encoded. A long name is hashed.
        identity: the name in the database's `Identity`. A server over another database, which does
            not know the browser's token, has names of its own, and so cannot overwrite it.
    """
    encoded = quote(app, safe="")
    if len(encoded) > _LONGEST_APP:
        encoded = hashlib.sha256(app.encode()).hexdigest()[:32]
    return f"{encoded}.{quote(identity, safe='')}"


def cookie_token(label: str) -> str | None:
    """The token in the browser's cookie, unchecked; None if there is no cookie.

    The component wrote the browser's port and base path into the cookie's name: see `_only_one`.

    Args:
        label: of the app and its database: `label`.
    """
    return _only_one(_cookies("pgstate", label))


def reloaded_token(label: str) -> str | None:
    """The token of the tab that was reloaded or closed in the last five seconds, unchecked.

    The cookie is found as in `cookie_token`. Its name also ends with the token's fingerprint, so
    that several tabs do not overwrite each other's cookie.

    Returns:
        None if there is no such cookie, or more than one: then nobody knows which is this tab's.
    """
    return _only_one(
        {(name.rsplit(".", 1)[0], value) for name, value in _cookies("pgstate-tab", label)}
    )


def _only_one(found: set[tuple[str, str]]) -> str | None:
    """The value of the one cookie whose base path leads to this page; None if there are several.

    Another site of the same domain can set a cookie of ours for a longer path, or of a longer base
    path, and nobody can tell it from ours. The component then reports what localStorage holds.
    Under https nobody else can set it. There the cookies of other base paths belong to other apps
    of this host, and the one with the longest base path is ours.

    Args:
        found: base paths and values.
    """
    ours = {(base, value) for base, value in found if _leads_to(base, _address().path)}
    if _is_secure():
        longest = max((len(base) for base, _ in ours), default=0)
        ours = {(base, value) for base, value in ours if len(base) == longest}
    values = [value for _, value in ours]
    return values[0] if len(values) == 1 else None


def _address() -> SplitResult:
    """The page's address, as the browser says it. One that makes no sense is none."""
    try:
        return urlsplit(st.context.url or st.context.headers.get("Origin", ""))
    except ValueError:
        return urlsplit("")


def _is_secure() -> bool:
    """Whether the page is served over https; perhaps by a proxy, so that the server is not."""
    return _address().scheme == "https"


def _cookies(kind: str, label: str) -> set[tuple[str, str]]:
    """The cookies at this page's port: what follows the port in their names, and their values.

    They come from the header itself: of two cookies with one name `st.context.cookies` has one.
    """
    address = _address()
    try:
        port = address.port or _DEFAULT_PORTS.get(address.scheme)
    except ValueError:
        return set()
    prefix = f"{_HOST_ONLY if _is_secure() else ''}{kind}.{label}.{port}."
    pairs = (
        pair.strip().partition("=")
        for header in st.context.headers.get_all("Cookie")
        for pair in header.split(";")
    )
    return {
        (unquote(name.removeprefix(prefix)), value)
        for name, _, value in pairs
        if name.startswith(prefix)
    }


def _leads_to(base: str, path: str) -> bool:
    """Whether an app served under `base` can show a page at `path`.

    `base` ends with the server's own base path. A proxy may have put something before that.
    """
    served_at = str(st.get_option("server.baseUrlPath") or "").strip("/")
    if served_at and not base.endswith(f"/{served_at}"):
        return False
    return base == "" or (base.startswith("/") and f"{path}/".startswith(f"{base}/"))
