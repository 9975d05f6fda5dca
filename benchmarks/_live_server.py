"""A real Streamlit server with `_live_app.py`, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

import psutil

APP = Path(__file__).with_name("_live_app.py")


class LiveServer:
    """One server process.

    Args:
        widgets: how many text inputs the app draws.
        url: of the database where the app persists them; None for the app without us.
        options: further options of `streamlit run`.
        environment: further variables of its environment.
        app: another script.
    """

    def __init__(
        self,
        *,
        widgets: int = 20,
        url: str | None = None,
        options: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        app: Path = APP,
    ) -> None:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            self.port: int = free.getsockname()[1]
        self._command = [
            *(sys.executable, "-m", "streamlit", "run", str(app)),
            *(f"--server.port={self.port}", "--server.headless=true"),
            *("--browser.gatherUsageStats=false", "--server.fileWatcherType=none", *options),
        ]
        self._environment = {
            **os.environ,
            "WIDGETS": str(widgets),
            "WITH_US": str(int(url is not None)),
            "PGSTATE_URL": url or "",
            # By day's count one machine is no visitor: all tabs of a benchmark are new ones.
            "PGSTATE_MAX_NEW_SESSIONS": "1000000",
            **(environment or {}),
        }

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._seen = psutil.Process(self._process.pid)
        while not self._is_up():
            assert self._process.poll() is None, "the server has ended"
            time.sleep(0.1)  # Streamlit tells nobody that it answers from now on
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def cpu_seconds(self) -> float:
        """CPU seconds that the server has used so far."""
        used = self._seen.cpu_times()
        return used.user + used.system

    def memory(self) -> int:
        """Resident bytes of the server."""
        return int(self._seen.memory_info().rss)

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://localhost:{self.port}/_stcore/health") as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
