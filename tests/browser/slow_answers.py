"""A proxy before one server that holds an answer back until a test lets it go."""

from __future__ import annotations

import contextlib
import socket
import threading

from crossroads import Crossroads


class SlowAnswers(Crossroads):
    """Holds back the answer to each request that has `held` in it."""

    def __init__(self, held: str) -> None:
        self._held = held.encode()
        self.has_answer = threading.Event()
        """The server has answered such a request."""
        self.may_go = threading.Event()
        super().__init__()

    def hold(self, held: str) -> None:
        """Hold back the answers to these requests, of those that come from now on."""
        self._held = held.encode()

    def _pass_on(self, client: socket.socket) -> None:
        assert self.target is not None
        is_held = threading.Event()
        address = ("127.0.0.1", self.target.port)
        with client, contextlib.suppress(OSError), socket.create_connection(address) as server:
            back = threading.Thread(
                target=self._answer, args=[server, client, is_held], daemon=True
            )
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    if self._held in data:
                        is_held.set()
                    server.sendall(data)
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            back.join()

    def _answer(
        self, server: socket.socket, client: socket.socket, is_held: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if is_held.is_set():
                    self.has_answer.set()
                    self.may_go.wait()
                client.sendall(data)
        for end in (server, client):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
