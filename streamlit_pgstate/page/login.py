"""The login: who `st.login` says the visitor is, and what follows from it for the browser's token.

A token may have been planted before the visitor logs in: somebody who has opened the app, and has
put their own token into the visitor's browser, would read what the visitor leaves. So the token is
replaced when somebody logs in. `page_login` carries out what is decided here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

import streamlit as st

from streamlit_pgstate.errors import ConfigError, NoSessionError


@dataclass(frozen=True, slots=True)
class Login:
    """Who has logged in, and when.

    Issuer and subject never change. An e-mail address may pass to somebody else.
    """

    issuer: str
    subject: str
    issued_at: str = ""
    """When the provider has issued the identity token; "" if it does not say. So a login of the
    same user is another one, also where no page has called a verb after the logout."""


def present() -> Login | None:
    """Who is logged in; None for nobody, and if the login does not tell users apart."""
    if not st.user.get("is_logged_in"):
        return None
    issuer, subject = st.user.get("iss"), st.user.get("sub")
    if not (isinstance(issuer, str) and isinstance(subject, str) and issuer and subject):
        return None
    return Login(issuer, subject, _issued_at())


def _issued_at() -> str:
    """The claim `iat`, which is a number. What a proxy puts into `st.user` is text, and may change
    with each request."""
    at = st.user.get("iat")
    return str(at) if isinstance(at, (int, float)) and not isinstance(at, bool) else ""


def required() -> Login:
    """Who is logged in.

    Raises:
        NoSessionError: nobody is.
        ConfigError: the app has no login, or one that does not tell users apart.
    """
    if "is_logged_in" not in st.user:
        raise ConfigError(
            "The scope 'user' needs st.login, and there is no [auth] in .streamlit/secrets.toml. "
            "Add it (docs.streamlit.io, «User authentication»), or use the scope 'browser'."
        )
    if not st.user["is_logged_in"]:
        raise NoSessionError(
            "Nobody is logged in, so there is no user whose state the scope 'user' could be. "
            "Ask before: if not st.user.is_logged_in: st.button('Log in', on_click=st.login), "
            "st.stop(). Until then there is pgstate.scope(), whose keys scope('user').adopt() "
            "takes over."
        )
    login = present()
    if login is None:
        raise ConfigError(
            "The login gives no issuer and subject (`iss` and `sub` in st.user), by which the "
            "scope 'user' tells users apart. Every OpenID Connect provider has them; a proxy "
            "that fills st.user (server.trustedUserHeaders) may not."
        )
    return login


class Step(Enum):
    """What to do about the browser's token when a page begins."""

    NOTHING = "nothing"
    REPLACE = "replace"
    """Somebody has logged in: another token at once, and the one before opens nothing any more."""
    CATCH_UP = "catch up"
    """The token was replaced at this login, and the browser has not got the new one yet."""
    ROTATE = "rotate"
    """The visitor has logged out: another token, as by `rotate()`."""


def step(
    *,
    noted: bytes | None,
    logins: Collection[bytes],
    is_replaced: bool,
    is_beginning: bool,
    is_candidate: bool,
) -> Step:
    """Decide what to do about the browser's token.

    Args:
        noted: the hash of the login under which the session's row has its token; None for nobody,
            and for no row.
        logins: the hashes of the present login, by each signing key; empty for nobody.
        is_replaced: whether the browser has brought the token that was replaced at a login.
        is_beginning: whether the browser had the token when this page was opened. Streamlit tells a
            page only then who is logged in. A page that was opened before a login does not hear of
            it, and must not take that for a logout.
        is_candidate: whether this server has minted the token for this page.
    """
    if is_candidate:  # nobody else can know it
        return Step.NOTHING
    if not logins:
        return Step.ROTATE if noted is not None and is_beginning else Step.NOTHING
    if noted in logins:
        return Step.CATCH_UP if is_replaced else Step.NOTHING
    return Step.REPLACE
