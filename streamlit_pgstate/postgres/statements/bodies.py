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

# Removes bodies that no entry refers to. It has two statements in one transaction: first the lock,
# by adding one to the version, so that a write whose bodies were sent ahead looks again; then the
# check, whose snapshot sees all that was committed before the lock.
LOCK_FOR_SWEEP: Final = "UPDATE {schema}.session SET version = version + 1 WHERE id = %(id)s"
SWEEP: Final = f"""
DELETE FROM {{schema}}.body b WHERE b.session_id = %(id)s AND {body.ORPHANED_OF_ONE}"""

# After a write was refused whose bodies were sent ahead. LOCK_FOR_SWEEP comes first: a write of
# others that has sent the same ones looks again.
DISCARD_SENT: Final = """
DELETE FROM {schema}.body b WHERE b.session_id = %(id)s AND b.digest = ANY (%(digest)b::bytea[])
    AND NOT EXISTS (SELECT FROM {schema}.entry e
        WHERE e.session_id = %(id)s AND e.digest = b.digest)"""
