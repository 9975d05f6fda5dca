"""Statements about a session as a whole: made, settled, forgotten, emptied."""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import dialect, entry, session, write

SESSION: Final = """
SELECT app, scope, created_at, seen_at, expires_at FROM {schema}.session WHERE id = %(id)s"""

# Run when a session without a row is given to a job, which has no token and so could not create the
# row itself; and before entries are moved to a session.
CREATE_SESSION: Final = f"WITH {write.CREATED_EMPTY} {entry.FORMER_ENTRIES}"

# Returns the record of a write whose answer was lost. If there is none, its number is ruled out by
# a record with a negative version, so that the write does nothing if it arrives now. The number is
# ruled out only if its record cannot have been pushed out.
_RULES_OUT: Final = f"NOT {write.IS_RECORDED} AND {write.NONE_PUSHED_OUT}"
SETTLE: Final = f"""
UPDATE {{schema}}.session SET version = version + ({_RULES_OUT})::int,
    writes = CASE WHEN {_RULES_OUT} THEN {write.recorded("-(version + 1)")} ELSE writes END
WHERE id = %(id)s AND {write.IS_PATIENT}
RETURNING writes[{write.PLACE} + 1], writes[{write.PLACE} + 2], writes[{write.PLACE} + 3]"""

# A session without a row gets one, so that its token is refused from now on. After this statement
# no write to the session succeeds, so nothing is left after the ERASE statements. A user's session
# that is forgotten already may have been moved: then what was to be deleted is under another id.
_MAY_HAVE_MOVED: Final = f"""(session.scope IN ({session.TOKENLESS}) AND NOT %(again)s
        AND session.revoked_at < session.expires_at) IS TRUE"""
_GRACE_ENDS: Final = dialect.later("session.rotated_at", "make_interval(secs => %(grace)s)")
REVOKE: Final = f"""
INSERT INTO {{schema}}.session (id, app, scope, version, token_hash, created_at, seen_at,
    expires_at, revoked_at)
VALUES (%(id)s::uuid, CASE WHEN {write.IS_PATIENT_WITHOUT_ROW} THEN %(app)s::text END,
    %(scope)s::text, 1, %(hash)s::bytea, now(), now(),
    now() + make_interval(secs => %(session_ttl)s), now())
ON CONFLICT (id) DO UPDATE SET version = session.version + 1, {write.HOLDS_NOTHING},
    revoked_at = coalesce(session.revoked_at, excluded.revoked_at)
WHERE excluded.token_hash IS NULL AND NOT {_MAY_HAVE_MOVED}
    OR excluded.token_hash = session.token_hash OR excluded.token_hash = session.pending_hash
    OR excluded.token_hash = session.previous_hash AND (session.previous_login IS NULL
            AND {_GRACE_ENDS} > excluded.seen_at
        OR session.previous_login = ANY (%(users)b::bytea[]))
RETURNING {write.IN_TIME}"""
ERASE_ENTRIES: Final = "DELETE FROM {schema}.entry WHERE session_id = %(id)s"
ERASE_BODIES: Final = "DELETE FROM {schema}.body WHERE session_id = %(id)s"
ERASE_REVISIONS: Final = "DELETE FROM {schema}.revision WHERE session_id = %(id)s"

# A session of a scope without tokens starts again, empty, when it was forgotten or has expired: it
# cannot get another id. Its entries become tombstones, so that other caches see the deletion.
# ERASE_BODIES and ERASE_REVISIONS follow, in one transaction: each sees all that was committed
# before the lock. Who has the session open and forgets it (%(always)s) begins no other epoch where
# the row is forgotten: the session was moved to another id, or an operator has revoked it.
LOCK_TO_EMPTY: Final = f"""
UPDATE {{schema}}.session SET version = version + 1, revoked_at = NULL, created_at = now(),
    seen_at = now(), expires_at = {session.EXPIRY_OF_ROW}, epoch = {session.NEXT_EPOCH},
    writes = {write.recorded("version + 1")}, {write.HOLDS_NOTHING}
WHERE id = %(id)s AND {write.IS_PATIENT} AND {write.IS_NEW}
    AND (%(always)s AND NOT {session.FORGOTTEN}
        OR NOT %(always)s AND (revoked_at IS NOT NULL OR expires_at <= now()))
RETURNING {write.IN_TIME}"""
EMPTY_ENTRIES: Final = f"""
UPDATE {{schema}}.entry SET version = %(version)s, {entry.TOMBSTONE}
WHERE session_id = %(id)s AND kind IS NOT NULL"""
