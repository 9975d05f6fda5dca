"""The command `rekey`: encrypts all values with the first encryption key."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from streamlit_pgstate.cli.group import ACTION_NEEDED, if_interrupted
from streamlit_pgstate.cli.options import on_database
from streamlit_pgstate.cli.printing import count
from streamlit_pgstate.cli.target import Where, find_existing, tables_of

if TYPE_CHECKING:
    from streamlit_pgstate.postgres.rekeying import Rekeyed


@click.command()
@on_database
@click.option("--dry-run", is_flag=True, help="Count what would be encrypted, and change nothing.")
@click.option(
    "--trust-plain",
    is_flag=True,
    help="Encrypt values, too, that are not encrypted though all were: a process without the key "
    "has written them, or somebody else has.",
)
def rekey(where: Where, dry_run: bool, trust_plain: bool) -> None:
    """Encrypt all values with the first key of encryption_key: those of older keys, and plain ones.

    It reads encryption_key as the app does, from secrets.toml or PGSTATE_ENCRYPTION_KEY. First
    give all processes of the app the new key: to read, then to write. Then run this. Then remove
    the old key.

    It is safe while apps run. It takes one transaction for each session; writers of that session
    wait for it. If it is interrupted, what it has encrypted stays so: run it again.

    \b
    Exit codes:
      0  all values are encrypted with the first key
      1  some values could not be decrypted and are left as they were; or the tables are missing,
         or older or newer than this version needs
      2  an option or a setting is wrong or missing, or the user may not write
      3  the database cannot be reached, or does not answer

    \b
    Examples:
      pgstate rekey --dry-run
      PGSTATE_ENCRYPTION_KEY="$NEW_KEY,$OLD_KEY" pgstate rekey
    """
    with tables_of(find_existing(where).settings) as tables:
        due = tables.count_rekey()
        if dry_run:
            click.echo(
                f"Would encrypt {count(due.values, 'value')} of "
                f"{count(due.sessions, 'session')}; {_are_encrypted(due)}."
            )
            return
        if_interrupted("What was encrypted stays so: run it again for the rest. Keep all keys.")
        with _progress_of(due.values) as show:
            done = tables.rekey(trusts_plain=trust_plain, on_progress=show)
    said = f"Encrypted {count(done.values, 'value')}; {_are_encrypted(due)}."
    if not done.left:
        click.echo(f"{said} The other keys can be removed from encryption_key now.")
        return
    _say_what_is_left(done, said)
    raise SystemExit(ACTION_NEEDED)


def _say_what_is_left(done: Rekeyed, said: str) -> None:
    for fault in done.faults:
        click.echo(fault)
    if more := done.left - len(done.faults):
        click.echo(f"… and {count(more, 'value')} more.")
    click.echo(f"{said} {count(done.left, 'value')} could not be decrypted. Keep all keys.")


def _are_encrypted(found: Rekeyed) -> str:
    return f"{count(found.before, 'value')} had been encrypted with the first key before"


@contextlib.contextmanager
def _progress_of(total: int) -> Iterator[Callable[[Rekeyed], object]]:
    """A progress bar over so many values, where a person looks on."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=total, file=sys.stderr) as bar:
        yield lambda done: bar.update(done.values - bar.pos)
