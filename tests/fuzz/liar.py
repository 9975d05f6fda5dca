"""A browser that speaks Streamlit's protocol itself, and so can send whatever it likes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

FILE = re.compile(r'File "([^"]+)", line')


@dataclass(frozen=True)
class Widget:
    """A widget of the page, as the server has drawn it."""

    id: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    """What the server has sent to a component."""
    fragment: str = ""


@dataclass(frozen=True)
class Error:
    """An error that the page shows."""

    name: str
    message: str
    raised_in: str
    """The last file of the traceback."""


@dataclass
class Page:
    """What the server has sent in one run of the script."""

    widgets: dict[str, Widget] = field(default_factory=dict)
    """By their ids."""
    errors: list[Error] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    media: list[str] = field(default_factory=list)
    """The paths of what the page plays or shows."""
    finished: int = -1

    def component(self, key: str) -> Widget | None:
        """The component with this key. Streamlit puts a key at the end of the id."""
        found = [w for w in self.widgets.values() if w.kind == "bidi_component"]
        return next((widget for widget in found if widget.id.endswith(f"-{key}")), None)


class Liar:
    """One connection: one tab, which holds no page but what the server tells it."""

    def __init__(self, port: int, *, cookies: Mapping[str, str] | None = None) -> None:
        header = {"Cookie": "; ".join(f"{k}={v}" for k, v in (cookies or {}).items())}
        self._connecting = connect(
            f"ws://localhost:{port}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]  # a NewType of str
            origin=f"http://localhost:{port}",  # type: ignore[arg-type]  # a NewType of str
            additional_headers=header if cookies else {},
            max_size=None,
            compression=None,
        )
        self.url = f"http://localhost:{port}/"
        """The address of the page, as the browser says it."""
        self.states: dict[str, WidgetState] = {}
        """What the page says that its widgets hold: sent with each run, as a browser does."""

    def __enter__(self) -> Self:
        self._socket = self._connecting.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._connecting.__exit__(None, None, None)

    def run(
        self, *changed: WidgetState, query: str = "", fragment: str = "", page: str = ""
    ) -> Page:
        """Send the states of the widgets, and wait for the end of the run that this starts."""
        self.states |= {state.id: state for state in changed}
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.fragment_id = fragment
        message.rerun_script.page_script_hash = page
        message.rerun_script.context_info.url = self.url
        message.rerun_script.widget_states.widgets.extend(self.states.values())
        self._socket.send(message.SerializeToString())
        for state in changed:
            if state.WhichOneof("value") in ("trigger_value", "json_trigger_value"):
                del self.states[state.id]
        return self._page()

    def _page(self) -> Page:
        page = Page()
        while True:
            received = self._socket.recv(timeout=60)
            message = ForwardMsg.FromString(received)  # type: ignore[arg-type]  # bytes
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                _note(message.delta.new_element, message.delta.fragment_id, page)
            elif kind == "script_finished":
                page.finished = message.script_finished
                if page.finished in (
                    ForwardMsg.FINISHED_SUCCESSFULLY,
                    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
                    ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
                ):
                    return page


def _note(element: Element, fragment: str, page: Page) -> None:
    kind = element.WhichOneof("type")
    if kind == "exception":
        shown = element.exception
        files = FILE.findall("\n".join(shown.stack_trace))
        page.errors.append(Error(shown.type, shown.message, files[-1] if files else ""))
    elif kind == "audio":
        page.media.append(element.audio.url)
    elif kind == "imgs":
        page.media += [image.url for image in element.imgs.imgs]
    elif kind == "text":
        page.text.append(element.text.body)
    elif kind:
        drawn = getattr(element, kind)
        name = getattr(drawn, "id", "")
        if name:
            data = json.loads(drawn.json or "{}") if kind == "bidi_component" else {}
            page.widgets[name] = Widget(name, kind, data, fragment)


def answered(widget: Widget, state: object) -> WidgetState:
    """What a component reports: any JSON, or any text that is none."""
    text = state if isinstance(state, str) else json.dumps(state)
    return WidgetState(id=widget.id, json_value=text)
