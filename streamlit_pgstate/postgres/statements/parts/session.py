"""Parts about the row of a session: whether it may be used, and how long it lives."""

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.statements.parts import dialect

# A session of a scope without tokens cannot get another id. When it is forgotten or has expired, it
# gets another epoch. Each statement names the epoch that its caller has loaded, and a row with
# another epoch is refused. The first epoch of a row is the time when it was made, in microseconds,
# so it is above 0 and differs from that of a deleted row. Each later epoch is the next number below
# 0. %(epoch)s is 0 if the caller has found no row: it fits every epoch of 0 or more, as another
# caller may have made the row meanwhile. It is NULL if the caller has loaded nothing yet. See
# decision 6.
SAME_EPOCH: Final = """(%(epoch)s::bigint IS NULL OR epoch = %(epoch)s::bigint
        OR %(epoch)s::bigint = 0 AND epoch >= 0)"""
FIRST_EPOCH: Final = "(extract(epoch FROM now()) * 1000000)::bigint"
NEXT_EPOCH: Final = "-abs(epoch) - 1"

# How long the former token works after an ordinary rotation. A token that was replaced at a login
# works only for a caller who is the same user: %(users)s has the hashes of who is logged in,
# NULL for nobody.
IN_GRACE: Final = "rotated_at > now() - make_interval(secs => %(grace)s)"
# A page of somebody who has just logged in has no grace. Whoever has planted a token, and has
# rotated it, has the present token, and would read what the visitor writes with the former one.
# %(logins)s has the hashes of the caller's present login; NULL for nobody.
_KNOWS_THE_LOGIN: Final = """(%(logins)b::bytea[] IS NULL
        OR login_hash = ANY (%(logins)b::bytea[]))"""

# Whether a session's row may be used. %(hash)s is NULL where the caller has no token: it has opened
# the session by its id, as a job does, or the scope of the session has no tokens. The `token_hash`
# of the latter is NULL, so no token opens it.
USABLE: Final = f"""revoked_at IS NULL AND expires_at > now() AND {SAME_EPOCH}
    AND (%(hash)s::bytea IS NULL OR token_hash = %(hash)s OR pending_hash = %(hash)s
    OR previous_hash = %(hash)s AND (previous_login IS NULL AND {IN_GRACE} AND {_KNOWS_THE_LOGIN}
        OR previous_login = ANY (%(users)b::bytea[]))) IS TRUE"""

TOKENLESS_SCOPES: Final = ("app", "user")
"""Scopes whose sessions have no tokens: their ids are computed from the name of app or user."""

TOKENLESS: Final = ", ".join(f"'{scope}'" for scope in TOKENLESS_SCOPES)

# A session of these scopes does not belong to a browser, so it expires `session_max_age` after the
# last visit. Every other session expires `session_ttl` after the last visit, and `session_max_age`
# after it was made at the latest, however often its token is rotated.
_LIFETIME: Final = f"""make_interval(secs => CASE WHEN {{scope}} IN ({TOKENLESS})
    THEN %(session_max_age)s ELSE least(%(session_ttl)s, %(session_max_age)s) END)"""
EXPIRY_OF_ROW: Final = dialect.later("now()", _LIFETIME.replace("{scope}", "session.scope"))
EXPIRY_OF_COPY: Final = dialect.later("now()", _LIFETIME.replace("{scope}", "source.scope"))
LIFETIME_OF_NEW: Final = _LIFETIME.replace("{scope}", "%(scope)s::text")
_OLDEST: Final = dialect.later("created_at", "make_interval(secs => %(session_max_age)s)")
AT_THE_LATEST: Final = f"""CASE WHEN scope IN ({TOKENLESS}) THEN 'infinity'
    ELSE {_OLDEST} END"""

# Whether the caller knows the shape of what is stored. %(shape)s is NULL for one that minds none.
# The rows of an app that sets no shape have NULL, which is the first one.
HAS_SHAPE: Final = "(%(shape)s::int IS NULL OR coalesce(shape, 1) = %(shape)s::int)"

# At most once an hour: else each read would write a row, too.
STALE: Final = "seen_at < now() - make_interval(secs => %(expiry_moves_every)s)"

# gc revokes sessions that have expired: not at the visitor's wish.
FORGOTTEN: Final = "(revoked_at < expires_at) IS TRUE"
