"""A server that refuses a connection: a wrong setting, or one that will pass.

libpq gives no SQLSTATE then, and the server writes in its own language.
"""

from __future__ import annotations

import psycopg
import pytest

from streamlit_pgstate import ConfigError, PgStateError, StoreUnavailable
from streamlit_pgstate.postgres.faults import Place, translate

PLACE = Place(None, schema="pgstate", timeout=10)

REFUSED: dict[str, type[PgStateError]] = {
    'FATAL:  password authentication failed for user "ann"': ConfigError,
    'FATAL:  database "shop" does not exist': ConfigError,
    'FATAL:  unrecognized configuration parameter "x"': ConfigError,
    "FATAL:  unsupported startup parameter: options": ConfigError,
    "FATAL:  sorry, too many clients already": StoreUnavailable,
    "FATAL:  the database system is starting up": StoreUnavailable,
    "FATAL:  the database system is shutting down": StoreUnavailable,
    "FATAL:  tut mir leid, schon zu viele Verbindungen": StoreUnavailable,
    "FATAL:  das Datenbanksystem startet": StoreUnavailable,
    "FATAL:  désolé, trop de clients sont déjà connectés": StoreUnavailable,
    "FATAL:  le système de base de données s'arrête": StoreUnavailable,
    "FATAL:  lo siento, ya tenemos demasiados clientes": StoreUnavailable,
    "FATAL:  現在クライアント数が多すぎます": StoreUnavailable,
    "ВАЖНО:  извините, уже слишком много клиентов": StoreUnavailable,
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_refusal_is_a_wrong_setting_only_if_that_is_certain(message: str) -> None:
    error = psycopg.OperationalError(f'connection to server at "db", port 5432 failed: {message}')
    assert type(translate(error, PLACE)) is REFUSED[message]
