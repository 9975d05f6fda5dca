"""Statements about the tokens of a session."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import entry, session

# Stores the new token as pending. Only the current token can do so, and only if no other rotation
# waits for its browser: else two tabs that rotate at once would make a token that no browser keeps.
# A pending token that no browser has presented within a day is replaced: its answer was lost.
# If the same token is pending already, the statement succeeds and changes nothing.
_PENDING: Final = "pending_hash = %(new_hash)s, pending_at = now()"
_MAY_ROTATE: Final = f"""id = %(id)s AND {session.USABLE} AND token_hash = %(hash)s
    AND (pending_hash IS NULL OR pending_hash = %(new_hash)s
        OR pending_at < now() - make_interval(secs => %(pending_for)s))"""
ROTATE: Final = f"""
UPDATE {{schema}}.session SET {_PENDING} WHERE {_MAY_ROTATE} RETURNING version"""
ROTATE_AT_LOGOUT: Final = f"""
UPDATE {{schema}}.session SET {_PENDING}, login_hash = NULL WHERE {_MAY_ROTATE} RETURNING version"""

# Follows where another rotation waits for its browser, up to a day. Otherwise the next login of the
# same user would not be noticed.
NOTE_LOGOUT: Final = f"""
UPDATE {{schema}}.session SET login_hash = NULL
WHERE id = %(id)s AND {session.USABLE} AND login_hash IS NOT NULL RETURNING version"""

# Somebody has logged in: the new token is the present one at once, and no other one opens the
# session, nor one that waits for its browser. The token before it still opens the session for the
# same user, so that a browser which has not got the new token gets it with its next page load. If
# the user has logged in once more meanwhile, that page load replaces the new token, too. A session
# without a row gets one, so that its former token is refused.
REPLACE_AT_LOGIN: Final = f"""
UPDATE {{schema}}.session SET token_hash = %(new_hash)s, previous_hash = %(hash)s,
    previous_login = %(user)s, rotated_at = now(), pending_hash = NULL, pending_at = NULL,
    login_hash = %(login)s
WHERE id = %(id)s AND {session.USABLE} AND (token_hash = %(hash)s OR pending_hash = %(hash)s
    OR previous_login = ANY (%(users)b::bytea[])
        AND (login_hash = ANY (%(logins)b::bytea[])) IS NOT TRUE)
RETURNING version"""
CREATE_AT_LOGIN: Final = f"""WITH locked AS (
    INSERT INTO {{schema}}.session (id, app, scope, version, token_hash, previous_hash,
        previous_login, rotated_at, login_hash, created_at, seen_at, expires_at, epoch, shape)
    SELECT %(id)s, %(app)s, %(scope)s, 1, %(new_hash)s, %(hash)s, %(user)s::bytea, now(),
        %(login)s::bytea, now(), now(), now() + {session.LIFETIME_OF_NEW}, {session.FIRST_EPOCH},
        %(new_shape)s::int
    ON CONFLICT (id) DO NOTHING RETURNING version
),
former AS ({entry.FORMER_ENTRIES}) SELECT version FROM locked"""

# A browser has presented the pending token: from now on it is the current one, and the one before
# it works for the grace alone. If somebody holds the row, it is left to the next read.
PRESENT: Final = f"""
UPDATE {{schema}}.session SET previous_hash = token_hash, token_hash = pending_hash,
    rotated_at = now(), pending_hash = NULL, pending_at = NULL, previous_login = NULL
WHERE id = %(id)s AND (
    SELECT true FROM {{schema}}.session
    WHERE id = %(id)s AND {session.USABLE} AND pending_hash = %(hash)s FOR UPDATE SKIP LOCKED
)"""
