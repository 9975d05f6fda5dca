"""The group of all commands: what an error and Ctrl-C print, and the exit codes."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from streamlit_pgstate.errors import ConfigError, PgStateError, StoreUnavailable

ACTION_NEEDED = 1
USAGE = 2
UNREACHABLE = 3
INTERRUPTED = 130
"""128 and the number of the signal that Ctrl-C sends, as shells have it."""

_SAID_AT_THE_END = "streamlit_pgstate.interrupted"


def if_interrupted(sentence: str) -> None:
    """Have Ctrl-C print this sentence, which says what the running command leaves behind."""
    click.get_current_context().meta[_SAID_AT_THE_END] = sentence


@contextlib.contextmanager
def cleaned_up_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the block by `SystemExit`, so that it removes what it has made.

    The exit code is 128 and the number of the signal, as shells have it. A signal that is ignored,
    such as SIGHUP under nohup, stays so.
    """
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    former = {number: signal.getsignal(number) for number in numbers}
    caught = [number for number, handler in former.items() if handler is not signal.SIG_IGN]

    def end(number: int, frame: FrameType | None) -> None:
        for each in caught:
            signal.signal(each, signal.SIG_IGN)  # a second one must not interrupt the cleanup
        raise SystemExit(128 + number)

    for number in caught:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, former[number] or signal.SIG_DFL)


class Commands(click.Group):
    """A group whose commands print an error of this package as one line, without a traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may lack a letter of a visitor's
            sys.stdout.reconfigure(errors="backslashreplace")
        return super().main(*args, **options)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except PgStateError as error:
            click.echo(f"Error: {error.in_full}", err=True)
            raise SystemExit(exit_code(error)) from error
        except (KeyboardInterrupt, click.Abort):
            said = context.meta.get(_SAID_AT_THE_END, "Nothing was changed.")
            click.echo(f"\nInterrupted. {said}", err=True)
            raise SystemExit(INTERRUPTED) from None


def exit_code(error: PgStateError) -> int:
    """Return the exit code that tells a script what kind of error it was."""
    if isinstance(error, StoreUnavailable):
        return UNREACHABLE
    return USAGE if isinstance(error, ConfigError) else ACTION_NEEDED
