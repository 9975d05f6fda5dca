"""Streamlit's own server as an ASGI app: `st.App`, seen in 1.67. 1.51 has none.

A process serves one script. So this module knows whether the script of this process is served by an
`st.App` of this package.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from streamlit_pgstate.errors import ConfigError

if TYPE_CHECKING:
    from streamlit.starlette import App as StreamlitApp
else:
    StreamlitApp = getattr(st, "App", object)

_served: Final[list[object]] = []


class ServedApp(StreamlitApp):
    """An `st.App` that knows its script, and that this process serves."""

    def __init__(self, script: str | Path, **options: Any) -> None:
        """Make the app.

        Raises:
            ConfigError: this version of Streamlit has no `st.App`.
        """
        if not hasattr(st, "App"):
            raise ConfigError(
                f"pgstate.App needs st.App, which Streamlit {st.__version__} does not have. "
                'Install a newer one: pip install "streamlit>=1.67". Or start the script itself '
                "by `streamlit run`, without pgstate.App."
            )
        super().__init__(script, **options)
        _served.append(self)

    @property
    def script(self) -> Path:
        """The path of the script, as a run of the script knows it.

        Private part: `App._resolve_script_path`, seen in 1.67. Without it a relative path counts
        from the current folder, and settings of `configure` in another folder are not found.
        """
        resolve = getattr(self, "_resolve_script_path", None)
        path: Path = resolve() if resolve is not None else Path(self._script_path).resolve()
        return path


def is_app() -> bool:
    """Whether this process serves its script by a `ServedApp`."""
    return bool(_served)


def base_path() -> str:
    """The setting `server.baseUrlPath`, with a slash before it; "" for the root."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def path_in(scope: MutableMapping[str, Any], base: str) -> str | None:
    """The path of a request below the app; None for a path that is not below it.

    Args:
        scope: of the request.
        base: where the app is: see `base_in`.
    """
    path = str(scope["path"])
    root = str(scope.get("root_path", "")).rstrip("/")
    if not path.startswith(root):  # a server may leave it out of the path
        path = root + path
    return path.removeprefix(base) if path.startswith(base) else None


def base_in(scope: MutableMapping[str, Any], base: str) -> str:
    """The path of the app in a request: that of its mount, and then the setting `base`."""
    return str(scope.get("root_path", "")).rstrip("/") + base


def is_answered_by(routes: Sequence[Any], scope: MutableMapping[str, Any]) -> bool:
    """Whether one of these routes of Starlette's answers a request."""
    seen: Mapping[str, Any] = dict(scope)  # a route may note what it has found
    return any(route.matches(dict(seen))[0].value > 0 for route in routes)
