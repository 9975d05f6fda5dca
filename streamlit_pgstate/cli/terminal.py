"""The terminal: shows the progress of work that takes longer than about a second."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from streamlit_pgstate.state.progress import Work

_WIDTH = 30


class Terminal:
    """A person at a terminal. An `Audience` of `Work`."""

    def show(self, text: str, fraction: float) -> None:
        """Draw a bar over the line before."""
        done = round(fraction * _WIDTH)
        click.echo(f"\r[{'#' * done}{'-' * (_WIDTH - done)}] {text}\x1b[K", err=True, nl=False)

    def hide(self) -> None:
        """Clear the line."""
        click.echo("\r\x1b[K", err=True, nl=False)


def find_terminal() -> Terminal | None:
    """Return the terminal, or None where nobody looks on."""
    return Terminal() if sys.stderr.isatty() else None


def work(doing: str) -> Work:
    """Work whose progress the terminal shows."""
    from streamlit_pgstate.state.progress import Work

    return Work(doing, find_terminal)
