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
    'FATAL:  invalid value for parameter "search_path": "x"': ConfigError,
    "FATAL:  no such database: shop": ConfigError,
    "FATAL:  no such user: ann": ConfigError,
    "FATAL:  bouncer config error": ConfigError,
    "FATAL:  SSL required": ConfigError,
    "FATAL:  connection requires a valid client certificate": ConfigError,
    "FATAL:  no PostgreSQL user name specified in startup packet": ConfigError,
    'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "ann"': ConfigError,
    'FATAL:  role "ann" is not permitted to log in': ConfigError,
    "FATAL:  the database system is not yet accepting connections": StoreUnavailable,
    "FATAL:  terminating connection due to administrator command": StoreUnavailable,
    "FATAL:  canceling authentication due to timeout": StoreUnavailable,
    "FATAL:  pgbouncer cannot connect to server": StoreUnavailable,
    "FATAL:  query_wait_timeout": StoreUnavailable,
    "FATAL:  server login has been failing, try again later (server_login_retry)": StoreUnavailable,
    "FATAL:  no more connections allowed (max_client_conn)": StoreUnavailable,
    "FATAL:  could not open file: Too many open files in system": StoreUnavailable,
    "FATAL:  remaining connection slots are reserved for roles with": StoreUnavailable,
    "FATAL:  Passwort-Authentifizierung für Benutzer »ann« fehlgeschlagen": StoreUnavailable,
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


@pytest.mark.parametrize("message", REFUSED)
def test_the_operator_reads_what_the_server_says(message: str) -> None:
    known = ("too many clients already", "starting up", "shutting down", '"shop" does not exist')
    error = psycopg.OperationalError(f'connection to server at "db", port 5432 failed: {message}')
    _, words = message.split(":  ")
    assert words in translate(error, PLACE).in_full or any(each in message for each in known)
