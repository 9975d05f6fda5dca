"""Sealing: the encryption keys of a process, and whether it may store values as it is.

`encryption` seals by the keys, `cipher` has what both have in common with values that are not
sealed, and `permit` says whether plain values may be read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from streamlit_pgstate.errors import ConfigError
from streamlit_pgstate.postgres.cipher import PLAIN, FindCipher
from streamlit_pgstate.postgres.engine import Database
from streamlit_pgstate.postgres.permit import ASKS_AGAIN_AFTER, NO_PERMIT, PlainPermit
from streamlit_pgstate.postgres.rekeying import Rekeying
from streamlit_pgstate.postgres.rows import Write
from streamlit_pgstate.settings import KEY_ADVICE

if TYPE_CHECKING:  # it imports the package cryptography, which not every app needs
    from streamlit_pgstate.postgres.encryption import Keyring


class Sealing:
    """How the values of one schema are sealed. Without keys they are stored as they are.

    Args:
        database: where the schema is.
        sql: the statements, by name.
        keys: the setting `encryption_key`.
    """

    def __init__(self, database: Database, sql: Mapping[str, str], keys: Sequence[bytes]) -> None:
        self._database = database
        self._sql = sql
        self.cipher_of: FindCipher = lambda _: PLAIN
        self._keyring = self._permit = None
        self._lacks_key = False
        """Whether all values here are to be encrypted, and this process has no encryption key."""
        self._looked_at = -math.inf
        if keys:
            self._keyring = _keyring(keys)
            self._permit = PlainPermit(database, sql, self._keyring)
            self.cipher_of = self._keyring.ciphers(may_be_plain=self._permit.is_given)

    @property
    def has_keys(self) -> bool:
        """Whether values are sealed."""
        return self._keyring is not None

    def look_for_keys(self) -> None:
        """Find out whether this process lacks a key that others have."""
        if self._permit is None:
            looked_at = time.monotonic()
            found = self._database.query(self._sql["SEALED_ONLY"], {"permit": NO_PERMIT})
            self._lacks_key = bool(found)
            self._looked_at = looked_at

    def prepare(self, writes: Iterable[Write] = ()) -> None:
        """Prepare to seal values: see `PlainPermit.settle`.

        Raises:
            ConfigError: the values of `writes` are to be encrypted, and this process has no key.
        """
        if self._permit is not None:
            self._permit.settle()
            return
        keys = [write.key for write in writes if write.payload]
        if keys and time.monotonic() - self._looked_at >= ASKS_AGAIN_AFTER:
            self.look_for_keys()
        if keys and self._lacks_key:
            raise ConfigError(
                f"{keys[0]!r} was not stored: all values in this database are to be encrypted, and "
                "this process has no encryption key. Set `encryption_key` as the other processes "
                "of the app have it."
            )

    def rekeying(self, *, trusts_plain: bool) -> Rekeying:
        """Return what seals everything anew that the first key has not sealed.

        Args:
            trusts_plain: whether values are sealed, too, that are not sealed and should be.

        Raises:
            ConfigError: there is no `encryption_key`.
        """
        if self._keyring is None or self._permit is None:
            raise ConfigError(
                "No encryption_key is set. Set PGSTATE_ENCRYPTION_KEY, or `encryption_key` under "
                "[connections.pgstate] in .streamlit/secrets.toml, to the new key and the keys so "
                f"far. {KEY_ADVICE}"
            )
        may_be_plain = (lambda: True) if trusts_plain else self._permit.is_given
        return Rekeying(
            database=self._database,
            sql=self._sql,
            timeout=self._database.timeout,
            prefix=self._keyring.prefix,
            cipher_of=self._keyring.ciphers(may_be_plain=may_be_plain),
            permit=self._permit,
        )


def _keyring(keys: Sequence[bytes]) -> Keyring:
    from streamlit_pgstate.postgres.encryption import Keyring

    return Keyring(keys)
