"""The cookies with which a page comes: the tokens that this app's browser and tab keep."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, unquote, urlsplit

import streamlit as st

_LONGEST_APP = 64

_DEFAULT_PORTS = {"https": 443, "http": 80}


def app_label(app: str) -> str:
    """The app's name as it may stand in a cookie's name."""
    label = quote(app, safe="")
    if len(label) <= _LONGEST_APP:
        return label
    import hashlib

    return hashlib.sha256(app.encode()).hexdigest()[:32]


def cookie_token(app: str) -> str | None:
    """The token that the browser's cookie brought, unchecked; None where there is none.

    The name holds the browser's port and base path, as the component wrote it: of the cookies
    whose base path leads to this page, the longest is ours.
    """
    found = _cookies("pgstate", app)
    bases = [base for base in found if _leads_to(base, _address().path)]
    return found[max(bases, key=len)] if bases else None


def reloaded_token(app: str) -> str | None:
    """The token of the one tab that was reloaded, or closed, a moment ago, unchecked.

    As `cookie_token`; the name ends with the token's fingerprint. None where there are several:
    nobody can say which of them is this tab's.
    """
    found = {
        tuple(name.rsplit(".", 1)): value for name, value in _cookies("pgstate-tab", app).items()
    }
    bases = {base for base, *_ in found if _leads_to(base, _address().path)}
    ours = max(bases, key=len, default=None)
    tokens = [value for (base, *_), value in found.items() if base == ours]
    return tokens[0] if len(tokens) == 1 else None


def _address() -> SplitResult:
    return urlsplit(st.context.url or st.context.headers.get("Origin", ""))


def _cookies(kind: str, app: str) -> dict[str, str]:
    """The cookies of an app at this page's port, by the rest of their names."""
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
    """Whether an app under `base` may be what the browser shows at `path`.

    `base` ends with the server's own base path; a proxy may have put something before it.
    """
    served_at = str(st.get_option("server.baseUrlPath") or "").strip("/")
    if served_at and not base.endswith(f"/{served_at}"):
        return False
    return base == "" or (base.startswith("/") and f"{path}/".startswith(f"{base}/"))
