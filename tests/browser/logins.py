"""Logins without a provider: the cookie that Streamlit signs once a provider has said who it is."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

from itsdangerous import URLSafeTimedSerializer
from served import Server
from visitor import Visitor

COOKIE_SECRET = "of the test only, and long enough"
ISSUER = "https://accounts.example"
LOGIN = "_streamlit_user"


def let_log_in(server: Server) -> None:
    """Give a server that has not been started secrets that know a provider."""
    (server.folder / ".streamlit").mkdir()
    (server.folder / ".streamlit" / "secrets.toml").write_text(
        f'[auth]\nredirect_uri = "http://localhost/oauth2callback"\n'
        f'cookie_secret = "{COOKIE_SECRET}"\nclient_id = "me"\nclient_secret = "hidden"\n'
        f'server_metadata_url = "{ISSUER}/.well-known/openid-configuration"\n'
    )


def log_in(visitor: Visitor, app: Server, subject: str, **claims: Any) -> None:
    """As after st.login: the cookie that Streamlit signs when the provider has said who it is."""
    claims = {"iss": ISSUER, "sub": subject, "email": "shared@example.com", **claims}
    said = json.dumps({"origin": app.address, "is_logged_in": True, **claims})
    bring(visitor, app, signed(said, COOKIE_SECRET))


def signed(said: str, secret: str) -> str:
    """As this version of Streamlit does it: 1.51 by Tornado."""
    if find_spec("streamlit.web.server.starlette"):
        return str(URLSafeTimedSerializer(secret, salt=LOGIN).dumps(said))
    from tornado.web import create_signed_value

    return create_signed_value(secret, LOGIN, said).decode()


def bring(visitor: Visitor, app: Server, login: str) -> None:
    # Quoted, as Streamlit's own: what Tornado signs has bars and colons in it.
    visitor.context.add_cookies([{"name": LOGIN, "value": f'"{login}"', "url": app.address}])


def log_out(visitor: Visitor) -> None:
    visitor.context.clear_cookies(name=LOGIN)
