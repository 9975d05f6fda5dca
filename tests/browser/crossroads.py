"""Several replicas at one address, without sticky sessions: a proxy that chooses one of them."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass

from served import Server


class Crossroads:
    """Passes each new connection on to `target`. Connections that are open stay where they are."""

    def __init__(self) -> None:
        self.target: Server | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=[client], daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        assert self.target is not None
        address = ("127.0.0.1", self.target.port)
        with client, contextlib.suppress(OSError), socket.create_connection(address) as server:
            back = threading.Thread(target=_copy, args=[server, client], daemon=True)
            back.start()
            _copy(client, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@dataclass
class Replica(Server):
    """A server that is reached by a crossroads."""

    crossroads: Crossroads | None = None

    @property
    def public_port(self) -> int:
        assert self.crossroads is not None
        return self.crossroads.port

    def start(self) -> None:
        assert self.crossroads is not None
        self.crossroads.target = self  # for its health check
        super().start()
