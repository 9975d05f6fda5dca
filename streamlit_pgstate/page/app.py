"""`pgstate.App`: the app that keeps the token in an HttpOnly cookie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamlit_pgstate.component import script as _script
from streamlit_pgstate.component import server
from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.page import apps
from streamlit_pgstate.page.cookie_keeper import CookieKeeper, Scope
from streamlit_pgstate.page.operator_routes import OperatorRoutes
from streamlit_pgstate.postgres.tables import Tables

if TYPE_CHECKING:
    from starlette.middleware import Middleware
    from starlette.routing import BaseRoute


class App(server.ServedApp):
    """A Streamlit app whose visitors' token is in an HttpOnly cookie, which no script can read.

    It is Streamlit's `st.App`, and takes the same arguments. It stands in a module of its own,
    beside the script. A process serves one script.

    `/_pgstate/health` says whether the database can be reached and has the layout that this version
    needs: status 200, or 503.

    Call `configure` in that module, above the app, and not in the script: the cookie is set with
    the page, before the script runs.

    Args:
        script: the path of the script, relative to this module's folder for `streamlit run`, and to
            the current folder for other servers.
        secrets: as for `st.App`.
        lifespan: as for `st.App`.
        routes: as for `st.App`.
        middleware: as for `st.App`. It stands before the middleware that sets the cookie.
        on_script_error: as for `st.App`.
        exception_handlers: as for `st.App`.
        debug: as for `st.App`.
        metrics: whether `/_pgstate/metrics` answers with the metrics of this process, as text for
            Prometheus. Whoever can reach the page can read them, unless the proxy closes the path.

    Raises:
        ConfigError: this version of Streamlit has no `st.App`; or a script of Streamlit's makes the
            app, and no server.

    Example:
        >>> import streamlit_pgstate as pgstate
        >>> app = pgstate.App("shop.py")  # doctest: +SKIP

        $ uvicorn serve:app
    """

    def __init__(
        self,
        script: str | Path,
        *,
        secrets: Mapping[str, Any] | None = None,
        lifespan: Callable[[Any], AbstractAsyncContextManager[dict[str, Any] | None]] | None = None,
        routes: Sequence[BaseRoute] | None = None,
        middleware: Sequence[Middleware] | None = None,
        on_script_error: Callable[[Exception], bool | None] | None = None,
        exception_handlers: Mapping[Any, Callable[[Any, Any], Any]] | None = None,
        debug: bool = False,
        metrics: bool = False,
    ) -> None:
        if _script.is_script():
            raise ConfigError(
                "pgstate.App was made by a script of Streamlit's, so no server uses it. "
                "`streamlit run` recognizes an app only by the names st.App, Starlette and FastAPI "
                "in the file. Start this one by a server: uvicorn MODULE:app, with the name of the "
                "app in the file for `app`. Or have the file import Starlette and Mount, and say "
                'app = Starlette(routes=[Mount("/", page)], lifespan=page.lifespan()), with the '
                "pgstate.App as page."
            )
        try:
            from starlette.middleware import Middleware as _Middleware
        except ImportError:  # with a Streamlit of before st.App, whose error says so
            ours: list[Middleware] = []
        else:
            ours = [_Middleware(self._operator_routes), _Middleware(self._keeper)]
        self._shows_metrics = metrics
        self._routes = list(routes or ())
        self._has_noted = False
        super().__init__(
            script,
            secrets=secrets,
            lifespan=lifespan,
            routes=routes,
            middleware=[*(middleware or ()), *ours],
            on_script_error=on_script_error,
            exception_handlers=exception_handlers,
            debug=debug,
        )

    def _keeper(self, app: Any) -> CookieKeeper:
        return CookieKeeper(
            app, find_tables=self._tables, base=server.base_path, is_page=self._is_page
        )

    def _operator_routes(self, app: Any) -> OperatorRoutes:
        return OperatorRoutes(
            app,
            health=lambda: apps.health_of(lambda: apps.tables_of(self.script)),
            base=server.base_path,
            shows_metrics=self._shows_metrics,
        )

    def _tables(self) -> Tables:
        tables = apps.tables_of(self.script)
        tables.note_http_only()
        return tables

    def _is_page(self, scope: Scope) -> bool:
        return not server.is_answered_by(self._routes, scope)
