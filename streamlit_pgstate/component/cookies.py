"""The cookies that the browser sends with a page: the tokens of its browser and of its tab."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, unquote, urlsplit

import streamlit as st

_LONGEST_APP = 64
"""Characters of the longest name of an app that a cookie's name holds as it is."""

_DEFAULT_PORTS = {"https": 443, "http": 80}


def app_label(app: str) -> str:
    """The app's name, encoded for a cookie's name. A long name is hashed."""
    label = quote(app, safe="")
    if len(label) <= _LONGEST_APP:
        return label
    import hashlib

    return hashlib.sha256(app.encode()).hexdigest()[:32]


def cookie_token(app: str) -> str | None:
    """The token in the browser's cookie, unchecked; None if there is no cookie.

    The component wrote the browser's port and base path into the cookie's name. Of the cookies
    whose base path leads to this page, the one with the longest base path is ours.
    """
    found = _cookies("pgstate", app)
    bases = [base for base in found if _leads_to(base, _address().path)]
    return found[max(bases, key=len)] if bases else None


def reloaded_token(app: str) -> str | None:
    """The token of the tab that was reloaded or closed in the last five seconds, unchecked.

    The cookie is found as in `cookie_token`. Its name also ends with the token's fingerprint, so
    that several tabs do not overwrite each other's cookie.

    Returns:
        None if there is no such cookie, or more than one: then nobody knows which is this tab's.
    """
    found = {
        tuple(name.rsplit(".", 1)): value for name, value in _cookies("pgstate-tab", app).items()
    }
    bases = {base for base, *_ in found if _leads_to(base, _address().path)}
    ours = max(bases, key=len, default=None)
    tokens = [value for (base, *_), value in found.items() if base == ours]
    return tokens[0] if len(tokens) == 1 else None


def _address() -> SplitResult:
    """The page's address, as the browser says it. One that makes no sense is none."""
    try:
        return urlsplit(st.context.url or st.context.headers.get("Origin", ""))
    except ValueError:
        return urlsplit("")


def _cookies(kind: str, app: str) -> dict[str, str]:
    """The cookies of an app at this page's port, by what follows the port in their names."""
    address = _address()
    try:
        port = address.port or _DEFAULT_PORTS.get(address.scheme)
    except ValueError:
        return {}
    prefix = f"{kind}.{app_label(app)}.{port}."
    return {
        unquote(name.removeprefix(prefix)): value
        for name, value in st.context.cookies.to_dict().items()
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
