"""The permit to read values that are not sealed, though there is an `encryption_key`.

If there were values before there was a key, they stay plain until `pgstate rekey` has sealed them.
Before the first value is sealed, a note in the table `setting` says whether plain values may be
read: a permit if there are values already, else "none". A permit is signed with the key, so nobody
who can write rows, but has no key, can make one. Deleting the note does not help an attacker once
one value is sealed. `rekey` replaces the permit when it has sealed all values.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from streamlit_pgstate.errors import PgStateError
from streamlit_pgstate.postgres.connection import Steps
from streamlit_pgstate.postgres.engine import Database

if TYPE_CHECKING:  # it needs the package cryptography
    from streamlit_pgstate.postgres.encryption import Keyring

_PATIENCE: Final = 3600.0
"""Seconds for the statement at the end of `rekey`, which reads all entries once."""

ASKS_AGAIN_AFTER: Final = 60.0
"""Seconds for which the answer is taken as it was. Until then a running process may go on to read
plain values after `pgstate rekey` has finished. One without a key may go on to store them."""

_TEXT: Final = "plain values"
"""What is signed."""

NO_PERMIT: Final = "none"
"""What is noted in place of a signature where all values are sealed."""


class PlainPermit:
    """Whether plain values may be read from the tables of one schema.

    Args:
        database: where they are.
        sql: the statements, by name.
        keyring: whose keys sign it.
    """

    def __init__(self, database: Database, sql: Mapping[str, str], keyring: Keyring) -> None:
        self._database = database
        self._sql = sql
        self._keyring = keyring
        self._is_noted = False
        self._is_given = False
        self._asked_at = -math.inf

    def settle(self) -> None:
        """Note whether plain values may be read, if nobody has. Call it before a value is sealed.

        One round trip, once a process; three where it is to be noted. Entries that are all plain so
        far are read once.
        """
        if not self._is_noted:
            is_due = self._ask()
            if not self._is_noted:
                self._note(self._keyring.sign(_TEXT) if is_due else NO_PERMIT)

    def is_given(self) -> bool:
        """Whether there is a permit, as of a minute ago at most. Asked about a plain value only."""
        if time.monotonic() - self._asked_at >= ASKS_AGAIN_AFTER:
            is_due = self._ask()
            if is_due and not self._is_noted:
                self._is_given = True
                with contextlib.suppress(PgStateError):  # a server that only reads
                    self._note(self._keyring.sign(_TEXT))
        return self._is_given

    def withdraw(self) -> None:
        """Take the permit away, if there is no plain value any more."""
        with self._database.connection() as connection:
            steps = Steps(connection, self._sql, timeout=_PATIENCE)
            steps.run("FORBID_PLAIN", {"permit": NO_PERMIT})
        self._asked_at = -math.inf

    def _ask(self) -> bool:
        """Read the note. Returns whether a permit is due, where there is none."""
        note, is_due = self._database.query(self._sql["PLAIN_PERMIT"], {})[0]
        self._is_noted = note is not None
        self._is_given = note is not None and self._keyring.has_signed(_TEXT, note)
        self._asked_at = time.monotonic()
        return bool(is_due)

    def _note(self, permit: str) -> None:
        """Write the note, unless another process is faster; then read it."""
        self._database.query(self._sql["PERMIT_PLAIN"], {"permit": permit})
        self._ask()
