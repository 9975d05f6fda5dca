"""Statements about the bodies of large values that are sent, read and swept by themselves."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import body, session

READ_BODY: Final = """
SELECT data FROM {schema}.body WHERE session_id = %(id)s AND digest = %(digest)s ORDER BY part"""

SEND_BODIES: Final = f"""
{body.SENT_BODY}
SELECT %(id)s, b.digest, b.part, b.data, now() FROM {body.SENT_BODIES}
WHERE coalesce((SELECT {session.USABLE} FROM {{schema}}.session WHERE id = %(id)s), %(may_create)s)
{body.NEW_OR_MENDED}"""

# Removes bodies that no entry and no revision refers to. It has two statements in one transaction:
# first the lock, by adding one to the version, so that a write whose bodies were sent ahead looks
# again; then the check, whose snapshot sees all that was committed before the lock. What follows
# the lock makes no version of any key, so a history that was whole is so afterwards.
LOCK_FOR_SWEEP: Final = """UPDATE {schema}.session SET version = version + 1,
    history_at = CASE WHEN history_at = version THEN version + 1 ELSE history_at END
WHERE id = %(id)s"""
SWEEP: Final = f"""
DELETE FROM {{schema}}.body b WHERE b.session_id = %(id)s AND {body.ORPHANED_OF_ONE}"""

# After a write was refused whose bodies were sent ahead. LOCK_FOR_SWEEP comes first: a write of
# others that has sent the same ones looks again.
# So it is where a history was shortened: what it has lost may have been the last reference.
DISCARD_SENT: Final = f"""
DELETE FROM {{schema}}.body b
WHERE b.session_id = %(id)s AND b.digest = ANY (%(digest)b::bytea[])
    AND {body.NOTHING_HOLDS_IT}"""
