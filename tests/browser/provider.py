"""A provider of logins: OpenID Connect as Streamlit's `st.login` speaks it, on a port of its own.

It asks for a name and takes everybody's word for it.
"""

from __future__ import annotations

import html
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "the app"
ALGORITHM = "RS256"

_FORM = """<!doctype html><form action="/allow">
<label>Name <input name="sub"></label>{hidden}<button>Go on</button></form>"""


class Provider(ThreadingHTTPServer):
    """Its key, and who is on the way back to the app with which code."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("localhost", 0), _Answers)
        self.key = RSAKey.generate_key(2048)
        self.coming: dict[str, dict[str, Any]] = {}

    @property
    def address(self) -> str:
        return f"http://localhost:{self.server_port}"


@contextmanager
def providing() -> Iterator[Provider]:
    with Provider() as provider:
        Thread(target=provider.serve_forever, daemon=True).start()
        yield provider
        provider.shutdown()


class _Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        match url.path:
            case "/.well-known/openid-configuration":
                self._say(self._configuration())
            case "/keys":
                self._say({"keys": [self.server.key.as_dict(private=False, alg=ALGORITHM)]})
            case "/authorize":
                self._ask(asked)
            case "/allow":
                self._send_back(asked)
            case _:
                self.send_error(404)

    def do_POST(self) -> None:
        """`/token`: who it is that came with this code."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        claims = self.server.coming.pop(parse_qs(body)["code"][0])
        signed = jwt.encode({"alg": ALGORITHM}, claims, self.server.key)
        self._say(
            {
                "access_token": secrets.token_urlsafe(),
                "token_type": "Bearer",
                "expires_in": 3600,
                "id_token": signed,
            }
        )

    def _configuration(self) -> dict[str, Any]:
        address = self.server.address
        return {
            "issuer": address,
            "authorization_endpoint": f"{address}/authorize",
            "token_endpoint": f"{address}/token",
            "jwks_uri": f"{address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }

    def _ask(self, asked: dict[str, str]) -> None:
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(asked[name])}">'
            for name in ("redirect_uri", "state", "nonce")
            if name in asked
        )
        self._answer("text/html", _FORM.format(hidden=hidden))

    def _send_back(self, asked: dict[str, str]) -> None:
        code, now = secrets.token_urlsafe(), int(time.time())
        self.server.coming[code] = {
            "iss": self.server.address,
            "aud": CLIENT,
            "sub": asked["sub"],
            "email": "shared@example.com",
            "iat": now,
            "exp": now + 3600,
            **({"nonce": asked["nonce"]} if "nonce" in asked else {}),
        }
        self.send_response(302)
        back = urlencode({"code": code, "state": asked["state"]})
        self.send_header("Location", f"{asked['redirect_uri']}?{back}")
        self.end_headers()

    def _say(self, what: dict[str, Any]) -> None:
        self._answer("application/json", json.dumps(what))

    def _answer(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Says nothing on the terminal."""
