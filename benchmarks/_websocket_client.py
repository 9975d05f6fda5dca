"""A browser's tab without a browser: speaks Streamlit's protocol over a real WebSocket.

It draws nothing and runs no component, so it costs the machine next to nothing beside the server.
`tests/fuzz/liar.py` is the same for tests, which look at what was drawn.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect

_ENDS = {
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
    ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
}


class Tab:
    """One open tab.

    Example:
        >>> async with Tab(8501) as tab:  # doctest: +SKIP
        ...     await tab.run()
        ...     seconds = await tab.run({"name": "another text"})
    """

    def __init__(self, port: int, *, cookies: Mapping[str, str] | None = None) -> None:
        self.errors: list[str] = []
        """The messages of all errors that the page has shown."""
        self._url = f"http://localhost:{port}/"
        self._states: dict[str, WidgetState] = {}
        self._ids: dict[str, str] = {}
        header = {"Cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())}
        self._connecting = connect(
            f"ws://localhost:{port}/_stcore/stream",
            subprotocols=["streamlit"],
            additional_headers=header if cookies else {},
            max_size=None,
            compression=None,
            open_timeout=60,
            # A server that is busy answers no ping, and is not to be left for that.
            ping_interval=None,
        )

    async def __aenter__(self) -> Self:
        self._socket = await self._connecting.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connecting.__aexit__(None, None, None)

    @property
    def labels(self) -> list[str]:
        """Of the text inputs that the page has."""
        return list(self._ids)

    async def run(self, texts: Mapping[str, str] | None = None) -> float:
        """Type texts, and wait for the end of the run that this starts.

        Args:
            texts: by the labels of the `st.text_input`s that an earlier run has drawn.

        Returns:
            Seconds until the last message of the run was here.
        """
        for label, text in (texts or {}).items():
            widget = self._ids[label]
            self._states[widget] = WidgetState(id=widget, string_value=text)
        message = BackMsg()
        message.rerun_script.context_info.url = self._url
        message.rerun_script.widget_states.widgets.extend(self._states.values())
        began = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        while not self._ends(ForwardMsg.FromString(await self._socket.recv(decode=False))):
            self._acknowledge()
        return time.perf_counter() - began

    def _acknowledge(self) -> None:
        """Have the kernel acknowledge what has arrived, where it can: on Linux.

        Streamlit's server sends the next small message only then: it makes its socket without a
        protocol, so asyncio leaves Nagle's algorithm on. Linux takes up to 40 ms for it: a run of
        6 ms would take 48, and all that is faster than 40 ms would look the same.
        """
        if hasattr(socket, "TCP_QUICKACK"):
            connection: socket.socket = self._socket.transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _ends(self, message: ForwardMsg) -> bool:
        kind = message.WhichOneof("type")
        if kind == "delta":
            self._note(message)
        return kind == "script_finished" and message.script_finished in _ENDS

    def _note(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(element.exception.message)
        elif kind == "text_input":
            self._ids[element.text_input.label] = element.text_input.id
