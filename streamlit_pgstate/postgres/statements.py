"""The SQL statements: the parts that several of them share, then each statement by its name.

Each statement on a hot path names one session and finds its rows by primary key. Each write locks
the row of its session first, so versions are in the order of commits.
"""

# ruff: noqa: S608 - statements are joined from constants; only a checked schema name is inserted

from __future__ import annotations

from typing import Final

from streamlit_pgstate.postgres.cipher import KEY_ID_BYTES, MAGIC, OVERHEAD

# A session of a scope without tokens cannot get another id. When it is forgotten or has expired, it
# gets another epoch. Each statement names the epoch that its caller has loaded, and a row with
# another epoch is refused. The first epoch of a row is the time when it was made, in microseconds,
# so it is above 0 and differs from that of a deleted row. Each later epoch is the next number below
# 0. %(epoch)s is 0 if the caller has found no row: it fits every epoch of 0 or more, as another
# caller may have made the row meanwhile. It is NULL if the caller has loaded nothing yet. See
# decision 6.
_SAME_EPOCH: Final = """(%(epoch)s::bigint IS NULL OR epoch = %(epoch)s::bigint
        OR %(epoch)s::bigint = 0 AND epoch >= 0)"""
_FIRST_EPOCH: Final = "(extract(epoch FROM now()) * 1000000)::bigint"
_NEXT_EPOCH: Final = "-abs(epoch) - 1"

# How long the former token works after an ordinary rotation. A token that was replaced at a login
# works only for a caller who is the same user: %(users)s has the hashes of who is logged in.
_IN_GRACE: Final = "rotated_at > now() - make_interval(secs => %(grace)s)"
# A page of somebody who has just logged in has no grace. Whoever has planted a token, and has
# rotated it, has the present token, and would read what the visitor writes with the former one.
# %(logins)s has the hashes of the caller's present login.
_KNOWS_THE_LOGIN: Final = """(cardinality(%(logins)s::bytea[]) = 0
        OR login_hash = ANY (%(logins)s::bytea[]))"""

# Whether a session's row may be used. %(hash)s is NULL where the caller has no token: it has opened
# the session by its id, as a job does, or the scope of the session has no tokens. The `token_hash`
# of the latter is NULL, so no token opens it.
_USABLE: Final = f"""revoked_at IS NULL AND expires_at > now() AND {_SAME_EPOCH}
    AND (%(hash)s::bytea IS NULL OR token_hash = %(hash)s OR pending_hash = %(hash)s
    OR previous_hash = %(hash)s AND (previous_login IS NULL AND {_IN_GRACE} AND {_KNOWS_THE_LOGIN}
        OR previous_login = ANY (%(users)s::bytea[]))) IS TRUE"""

TOKENLESS_SCOPES: Final = ("app", "user")
"""Scopes whose sessions have no tokens: their ids are computed from the name of app or user."""

_TOKENLESS: Final = ", ".join(f"'{scope}'" for scope in TOKENLESS_SCOPES)

# A session of these scopes does not belong to a browser, so it expires `session_max_age` after the
# last visit. Every other session expires `session_ttl` after the last visit, and `session_max_age`
# after it was made at the latest, however often its token is rotated.
_LIFETIME: Final = f"""make_interval(secs => CASE WHEN {{scope}} IN ({_TOKENLESS})
    THEN %(session_max_age)s ELSE least(%(session_ttl)s, %(session_max_age)s) END)"""
_LIFETIME_OF_ROW: Final = _LIFETIME.replace("{scope}", "session.scope")
_LIFETIME_OF_COPY: Final = _LIFETIME.replace("{scope}", "source.scope")
_LIFETIME_OF_NEW: Final = _LIFETIME.replace("{scope}", "%(scope)s::text")
_AT_THE_LATEST: Final = f"""CASE WHEN scope IN ({_TOKENLESS}) THEN 'infinity'
    ELSE created_at + make_interval(secs => %(session_max_age)s) END"""

# At most once an hour: else each read would write a row, too.
_STALE: Final = "seen_at < now() - make_interval(secs => %(expiry_moves_every)s)"

# gc revokes sessions that have expired: not at the visitor's wish.
_FORGOTTEN: Final = "(revoked_at < expires_at) IS TRUE"

_FOUND: Final = f"""found AS MATERIALIZED (
    SELECT version, epoch, {_USABLE} AS usable, {_STALE} AS is_stale,
        (pending_hash = %(hash)s) IS TRUE AS is_pending, {_FORGOTTEN} AS is_forgotten,
        (previous_hash = %(hash)s AND previous_login IS NOT NULL) IS TRUE AS is_replaced,
        revoked_at IS NULL AND {_IN_GRACE} AS is_recent, login_hash
    FROM {{schema}}.session WHERE id = %(id)s
)"""

# A page load (%(since)s is -1) or a later run: the session as one row (key NULL, its epoch and
# login where entries have size and body), then its entries that are newer than %(since)s. The
# entries are not read at all if the session's version is still %(since)s. One round trip, which
# writes nothing and takes no lock: it works on a read-only server, and beside a writer that holds
# the session's row.
READ: Final = f"""WITH {_FOUND}
SELECT NULL::text, version,
    CASE WHEN NOT usable THEN CASE WHEN is_forgotten THEN 'forgotten'
            WHEN is_replaced AND is_recent THEN 'replaced at a login' ELSE 'refused' END
        ELSE CASE WHEN is_replaced THEN 'replaced ' ELSE '' END
            || CASE WHEN is_stale THEN 'stale ' ELSE '' END
            || CASE WHEN is_pending THEN 'pending' ELSE '' END
    END, epoch, NULL::text, login_hash, NULL::bytea, NULL::float8, NULL::float8
FROM found
UNION ALL
SELECT e.key, e.version, e.kind, e.size, e.value::text, e.body, e.digest, e.ttl,
    extract(epoch FROM e.expires_at - now())::float8
FROM found, {{schema}}.entry e
WHERE found.usable AND found.version > %(since)s
    AND e.session_id = %(id)s AND e.version > %(since)s
    AND (e.kind IS NOT NULL OR %(since)s >= 0)"""

# After a read that found the session stale: `seen_at` and the sliding `expires_at` move together.
# Another reader may be doing the same, or a writer may hold the row: then it is left to the next
# read. A write moves neither.
SLIDE: Final = f"""
UPDATE {{schema}}.session SET seen_at = now(),
    expires_at = least(now() + {_LIFETIME_OF_ROW}, {_AT_THE_LATEST})
WHERE id = %(id)s AND (
    SELECT true FROM {{schema}}.session WHERE id = %(id)s AND {_STALE} AND {_USABLE}
    FOR UPDATE SKIP LOCKED
)"""

SESSION: Final = """
SELECT app, scope, created_at, seen_at, expires_at FROM {schema}.session WHERE id = %(id)s"""

ROWS: Final = """
SELECT key, version, kind, size, changed_at, expires_at, value::text AS value
FROM {schema}.entry WHERE session_id = %(id)s AND kind IS NOT NULL ORDER BY key"""

READ_BODY: Final = """
SELECT data FROM {schema}.body WHERE session_id = %(id)s AND digest = %(digest)s ORDER BY part"""

# Each write has an id of two numbers, see `writes`: a slot, and how many writes it had before. The
# session's row records the last write of each slot as four numbers in `writes`: slot, number, the
# version after it, and how many values it deleted. The record of the latest write comes first. The
# version is negative for a number that SETTLE has ruled out.
SLOTS: Final = 24
"""How many slots a session's row remembers. A process writes by as many slots as it has writes
under way at once: one or two mostly, and 20 at most, as many as it has connections."""

_RECORD: Final = 4
_FULL: Final = SLOTS * _RECORD
_PLACE: Final = "array_position(writes, %(slot)s::bigint)"
_IS_NEW: Final = f"coalesce(writes[{_PLACE} + 1] < %(number)s::bigint, true)"


def _recorded(version: str, deleted: str = "0") -> str:
    return f"""(ARRAY[%(slot)s::bigint, %(number)s::bigint, {version}, {deleted}]
        || CASE WHEN {_PLACE} IS NULL THEN writes
        ELSE writes[:{_PLACE} - 1] || writes[{_PLACE} + {_RECORD}:] END)[:{_FULL}]"""


# The limit for locks holds for this transaction alone. It is set before the first row is locked. A
# backend whose client has gone gives up, too.
_IS_PATIENT: Final = "(SELECT set_config('lock_timeout', %(wait)s, true)) IS NOT NULL"

TOO_LATE: Final = "this write came after its deadline"
"""A part of the message of the error that `_IN_TIME` raises."""

# Plain SQL cannot raise an error. So a text that is no duration is set for `lock_timeout`:
# `set_config` refuses it, and its error holds that text (decision 15). `_FITS` below and
# `_UNLIKE_KNOWN` do the same.
#
# `_IN_TIME` is evaluated when the session's row is locked already. So a write that is late because
# its backend was frozen, or waited for the lock, is undone. If it is frozen later than here, it
# holds the lock: nobody else can write to the session before it commits. A condition in a WHERE
# would be evaluated before the lock, and not again if the one who held the lock has not changed the
# row.
_IN_TIME: Final = f"""CASE WHEN clock_timestamp() < to_timestamp(%(deadline)s::float8)
    THEN session.version ELSE set_config('lock_timeout', '{TOO_LATE}', true)::bigint END"""

OVER_KEYS: Final = "over max_keys: "
OVER_BYTES: Final = "over max_session_bytes: "
"""Parts of the messages of the errors that `_FITS` raises. What the session would hold follows."""

# `session.keys` and `session.bytes` count the rows in `entry` that hold a value, and their sizes,
# those included whose ttl is over. A write changes them in its own transaction, and `_FITS` is
# evaluated after that change. A write that has added something, and comes over a limit, raises an
# error, and so is undone. A write that takes something away is stored, also if the limit was
# lowered since.
_FITS: Final = f"""CASE WHEN {{keys}} > 0 AND session.keys > %(max_keys)s::bigint
    THEN set_config('lock_timeout', '{OVER_KEYS}' || session.keys::text, true)::bigint
    WHEN {{bytes}} > 0 AND session.bytes > %(max_bytes)s::bigint
    THEN set_config('lock_timeout', '{OVER_BYTES}' || session.bytes::text, true)::bigint
    ELSE {{otherwise}} END"""


def _fits(otherwise: str, *, of: str = "grown") -> str:
    fits = _FITS.replace("{keys}", f"{of}.keys").replace("{bytes}", f"{of}.bytes")
    return fits.replace("{otherwise}", otherwise)


# Every write locks the session's row first. So versions are in the order of commits. If the new
# version is %(known)s plus one, nobody else has written since the caller's cache was read.
_LOCKED: Final = f"""locked AS (
    UPDATE {{schema}}.session
    SET version = version + 1, writes = {_recorded("version + 1")}{{grown}}
    WHERE id = %(id)s AND {_IS_PATIENT} AND {_USABLE} AND {_IS_NEW}
    RETURNING {{answer}} AS version
)"""

# A write that may change nothing, or counts what it changes, locks the session's row first and
# writes it last: what is recorded has been done.
_LOCKED_FIRST: Final = f"""locked AS MATERIALIZED (
    SELECT version + 1 AS version FROM {{schema}}.session
    WHERE id = %(id)s AND {_IS_PATIENT} AND {_USABLE} AND {_IS_NEW} {{only_if}}
    FOR NO KEY UPDATE
)"""
_RECORDED: Final = f"""
UPDATE {{schema}}.session SET version = version + 1, writes = {_recorded("version + 1")}"""
_COUNTED: Final = "keys = session.keys + grown.keys, bytes = session.bytes + grown.bytes"
_RECORDED_LAST: Final = f"""{_RECORDED}, {_COUNTED}
FROM grown WHERE id = %(id)s RETURNING {_fits(_IN_TIME)}"""

# What a write adds to the counters. `entry.old_size` is the size of the value that it has replaced,
# NULL for none. RETURNING knows no old values before PostgreSQL 18, and what a SELECT reads may be
# older than the lock. No row comes where nothing was written. An aggregate takes 3 µs longer than
# the first of these, which is for one row.
_GROWN_BY_ONE: Final = """grown AS (
    SELECT (kind IS NOT NULL)::int - (old_size IS NOT NULL)::int AS keys,
        size - coalesce(old_size, 0) AS bytes FROM done
)"""
_GROWN: Final = """grown AS (
    SELECT count(kind) - count(old_size) AS keys,
        (sum(size) - coalesce(sum(old_size), 0))::bigint AS bytes FROM done HAVING count(*) > 0
)"""
_HELD: Final = "count(*) AS keys, coalesce(sum(size), 0)::bigint AS bytes"
_GONE: Final = "count(*) AS keys, coalesce(sum(old_size), 0)::bigint AS bytes"
_COUNTED_DOWN: Final = "keys = session.keys - gone.keys, bytes = session.bytes - gone.bytes"

# A caller who knows the size of the value that it replaces can tell what the write adds. So the
# session's row is written once. If there was another value, or none, an error undoes the write.
# Then PUT is sent, which takes the size from the row that it replaces.
NOT_AS_KNOWN: Final = "this write replaces another value than its caller knows"
"""A part of the message of that error."""

_UNLIKE_KNOWN: Final = f"set_config('lock_timeout', '{NOT_AS_KNOWN}', true)::bigint"
_MORE_KEYS: Final = """((%(kind)s::text IS NOT NULL)::int
            - (%(old_size)s::bigint IS NOT NULL)::int)"""
_MORE_BYTES: Final = "(%(size)s::bigint - coalesce(%(old_size)s::bigint, 0))"
_COUNTED_AS_KNOWN: Final = f""",
        keys = keys + {_MORE_KEYS}, bytes = bytes + {_MORE_BYTES}"""
_FITS_AS_KNOWN: Final = (
    _FITS.replace("{keys}", _MORE_KEYS)
    .replace("{bytes}", _MORE_BYTES)
    .replace("{otherwise}", _IN_TIME)
)
_WAS_AS_KNOWN: Final = f"""CASE WHEN old_size IS NOT DISTINCT FROM %(old_size)s::bigint
    THEN version ELSE {_UNLIKE_KNOWN} END"""

_NEW_SESSION: Final = """
INSERT INTO {schema}.session (id, app, scope, version, token_hash, created_at, seen_at,
    expires_at, writes, epoch, login_hash, keys, bytes)"""

# The first write of a session creates its row, unless another tab has just done so.
_CREATED: Final = f"""locked AS ({_NEW_SESSION}
    SELECT %(id)s::uuid, %(app)s::text, %(scope)s::text, 1, %(hash)s::bytea, now(), now(),
        now() + {_LIFETIME_OF_NEW}, ARRAY[%(slot)s::bigint, %(number)s::bigint, 1, 0],
        {_FIRST_EPOCH}, %(login)s::bytea, {{keys}}, {{bytes}}
    WHERE {_IS_PATIENT}
    ON CONFLICT (id) DO NOTHING RETURNING {_fits(_IN_TIME, of="session")} AS version
)"""
_CREATED_EMPTY: Final = _CREATED.replace("{keys}", "0").replace("{bytes}", "0")
_CREATED_WITH_ENTRIES: Final = _CREATED.replace(
    "{keys}", "cardinality(array_remove(%(kind)s::text[], NULL))"
).replace("{bytes}", "(SELECT sum(n) FROM unnest(%(size)s::bigint[]) AS n)")

# A deleted key leaves its row, without a value, so that other caches see the deletion. Such a row
# is called a tombstone.
_EMPTIED: Final = """kind = NULL, size = 0, changed_at = now(), expires_at = NULL, value = NULL,
    body = NULL, digest = NULL, old_size = CASE WHEN kind IS NOT NULL THEN size END"""
_TOMBSTONE: Final = f"{_EMPTIED}, ttl = NULL"

# If somebody has deleted the row of a session by hand, its entries are still there. They do not
# come back with a new row.
_FORMER_ENTRIES: Final = f"""UPDATE {{schema}}.entry SET version = locked.version, {_TOMBSTONE}
    FROM locked WHERE session_id = %(id)s"""

# Run when a session without a row is given to a job, which has no token and so could not create the
# row itself; and before entries are moved to a session.
CREATE_SESSION: Final = f"WITH {_CREATED_EMPTY} {_FORMER_ENTRIES}"

_ONE: Final = """(SELECT %(key)s::text AS key, %(kind)s::text AS kind, %(size)s::bigint AS size,
    %(text)s::text AS text, %(body)s::bytea AS body, %(digest)s::bytea AS digest,
    %(ttl)s::float8 AS ttl)"""
_MANY: Final = """unnest(%(key)s::text[], %(kind)s::text[], %(size)s::bigint[], %(text)s::text[],
    %(body)b::bytea[], %(digest)s::bytea[], %(ttl)s::float8[])"""

_NEW_ENTRY: Final = """
INSERT INTO {schema}.entry AS e (session_id, key, version, kind, size, changed_at, expires_at,
    ttl, value, body, digest)"""

# Refers to `excluded` and the row only, not to now(), so that it can be sent to a shard as it is.
_OVER_THE_OLD: Final = """
ON CONFLICT (session_id, key) DO UPDATE SET version = excluded.version, kind = excluded.kind,
    size = excluded.size, changed_at = excluded.changed_at, expires_at = excluded.expires_at,
    ttl = excluded.ttl, value = excluded.value, body = excluded.body, digest = excluded.digest,
    old_size = CASE WHEN e.kind IS NOT NULL THEN e.size END"""
_OLD_HOLDS_NOTHING: Final = "(e.kind IS NULL OR e.expires_at <= excluded.changed_at)"

_HAS_NOT_EXPIRED: Final = "(expires_at IS NULL OR expires_at > now())"
_HOLDS_A_VALUE: Final = f"kind IS NOT NULL AND {_HAS_NOT_EXPIRED}"

_ENTRIES: Final = f"""{_NEW_ENTRY}
SELECT %(id)s, new.key, locked.version, new.kind, new.size, now(),
    now() + make_interval(secs => new.ttl), new.ttl, new.text::json, new.body, new.digest
FROM locked, {{new}} AS new(key, kind, size, text, body, digest, ttl){{if_there}}{_OVER_THE_OLD}
{{where}} RETURNING {{answer}}"""

# The entry still has the version that modify() started from; 0 stands for no value.
_IF_EXPECTED: Final = f"""WHERE %(expected)s = CASE
    WHEN {_OLD_HOLDS_NOTHING} THEN 0 ELSE e.version END"""

# The condition of ON CONFLICT is not evaluated if there is no row. There may be none, though the
# caller's cache has one: a cleanup has deleted it since.
_IF_THERE: Final = """
WHERE %(expected)s = 0 OR EXISTS (SELECT FROM {schema}.entry old
    WHERE old.session_id = %(id)s AND old.key = new.key)"""

# The same condition, checked before bodies are deleted: a write that does nothing must delete
# none.
_AS_EXPECTED: Final = f"""AND %(expected)s = coalesce((
    SELECT version FROM {{schema}}.entry WHERE session_id = %(id)s AND key = ANY (%(key)s::text[])
        AND {_HOLDS_A_VALUE}), 0)"""

_NEW_BODY: Final = "INSERT INTO {schema}.body (session_id, digest, part, data)"
_IF_NEW: Final = "ON CONFLICT (session_id, digest, part) DO NOTHING"

# `sent_at` keeps gc and SWEEP away from what was sent ahead of the entry that will refer to it;
# a body that comes with its entry has the year 1970 as its time, which SQL calls 'epoch'. Data that
# are there already are not written once more, unless the caller asks for it: see `Entries.write`.
_NEW_OR_MENDED: Final = """ON CONFLICT (session_id, digest, part) DO UPDATE SET
    sent_at = greatest(stored.sent_at, excluded.sent_at),
    data = CASE WHEN %(mends)s THEN excluded.data ELSE stored.data END"""
_SENT_BODY: Final = """
INSERT INTO {schema}.body AS stored (session_id, digest, part, data, sent_at)"""

# %b sends the list in binary. psycopg's default is text, which is twice as long for bytes: 40 MB
# take 1.4 s as text and 0.4 s in binary.
_SENT_BODIES: Final = """
    unnest(%(body_digest)s::bytea[], %(body_part)s::int[], %(body_data)b::bytea[])
    AS b(digest, part, data)"""

# Joined with `locked`, so that the session is locked before bodies are inserted.
_BODIES: Final = f"""bodies AS (
    {_SENT_BODY}
    SELECT %(id)s, b.digest, b.part, b.data, 'epoch' FROM locked, {_SENT_BODIES}
    {_NEW_OR_MENDED}
)"""

_NO_OTHER_KEY_HOLDS_IT: Final = """NOT EXISTS (
    SELECT FROM {schema}.entry o WHERE o.session_id = %(id)s
        AND o.digest = b.digest AND o.key <> ALL (%(key)s::text[]))"""

# Deletes nothing if somebody else has written meanwhile, because their entries may refer to these
# bodies by now. The bodies then stay as garbage.
_DROPPED: Final = f"""dropped AS (
    DELETE FROM {{schema}}.body b USING locked
    WHERE b.session_id = %(id)s AND b.digest = ANY (%(old_digest)s::bytea[])
        AND locked.version = %(known)s::bigint + 1 AND {_NO_OTHER_KEY_HOLDS_IT}
)"""

# Another writer may have deleted bodies that were sent ahead, by replacing the last entry that
# refers to them. If the version is unchanged, nobody has, and this count is up to date.
_COMPLETE: Final = """AND version = %(known)s AND NOT EXISTS (
    SELECT FROM unnest(%(ahead_digest)s::bytea[], %(ahead_parts)s::int[]) AS a(digest, parts)
    WHERE a.parts <> (SELECT count(*) FROM {schema}.body b
        WHERE b.session_id = %(id)s AND b.digest = a.digest))"""


def _locked(grown: str = "", answer: str = _IN_TIME) -> str:
    return _LOCKED.replace("{grown}", grown).replace("{answer}", answer)


def _locked_first(only_if: str = "") -> str:
    return _LOCKED_FIRST.replace("{only_if}", only_if)


def _entries(new: str, where: str = "", answer: str = "kind, size, old_size") -> str:
    if_there = _IF_THERE if where else ""
    with_new = _ENTRIES.replace("{new}", new).replace("{where}", where)
    return with_new.replace("{if_there}", if_there).replace("{answer}", answer)


# The writes: one statement each, in one round trip and in autocommit. PUT takes 15 µs more than
# PUT_AS_KNOWN on the server, as it finds the session's row twice, and unnest() takes another 20 µs.
PUT: Final = f"""WITH {_locked_first()},
done AS ({_entries(_ONE)}), {_GROWN_BY_ONE} {_RECORDED_LAST}"""
PUT_AS_KNOWN: Final = (
    f"WITH {_locked(_COUNTED_AS_KNOWN, _FITS_AS_KNOWN)} {_entries(_ONE, answer=_WAS_AS_KNOWN)}"
)
PUT_IF: Final = f"""WITH {_locked_first()},
done AS ({_entries(_ONE, _IF_EXPECTED)}), {_GROWN_BY_ONE} {_RECORDED_LAST}"""
PUT_MANY: Final = f"""WITH {_locked_first()},
done AS ({_entries(_MANY)}), {_GROWN} {_RECORDED_LAST}"""
PUT_LARGE: Final = f"""WITH {_locked_first()}, {_BODIES}, {_DROPPED},
done AS ({_entries(_MANY)}), {_GROWN} {_RECORDED_LAST}"""
PUT_LARGE_IF: Final = f"""WITH {_locked_first(_AS_EXPECTED)}, {_BODIES}, {_DROPPED},
done AS ({_entries(_MANY, _IF_EXPECTED)}), {_GROWN} {_RECORDED_LAST}"""
PUT_AHEAD: Final = f"""WITH {_locked_first(_COMPLETE)}, {_DROPPED},
done AS ({_entries(_MANY)}), {_GROWN} {_RECORDED_LAST}"""
CREATE_AND_PUT: Final = f"""WITH {_CREATED_WITH_ENTRIES}, {_BODIES},
former AS ({_FORMER_ENTRIES} AND key <> ALL (%(key)s::text[])),
done AS ({_entries(_MANY)}) SELECT locked.version FROM locked"""

# Sets a new expiry of a large value that the entry holds already. Its bytes are not sent again.
_HOLDS_IT: Final = f"""AND EXISTS (SELECT FROM {{schema}}.entry
    WHERE session_id = %(id)s AND key = %(key)s AND version = %(expected)s
        AND digest = %(digest)s AND {_HAS_NOT_EXPIRED})"""
RENEW: Final = f"""WITH {_locked_first(_HOLDS_IT)},
done AS (
    UPDATE {{schema}}.entry AS e SET version = locked.version, changed_at = now(),
        expires_at = now() + make_interval(secs => %(ttl)s::float8), ttl = %(ttl)s::float8
    FROM locked
    WHERE e.session_id = %(id)s AND e.key = %(key)s AND e.version = %(expected)s
    RETURNING e.version
)
{_RECORDED} WHERE id = %(id)s AND EXISTS (SELECT FROM done) RETURNING {_IN_TIME}"""
SEND_BODIES: Final = f"""
{_SENT_BODY}
SELECT %(id)s, b.digest, b.part, b.data, now() FROM {_SENT_BODIES}
WHERE coalesce((SELECT {_USABLE} FROM {{schema}}.session WHERE id = %(id)s), %(may_create)s)
{_NEW_OR_MENDED}"""

# If the ttl of a value was over, its tombstone gets the ttl 0, and the value is not counted as
# deleted. This is noted in the row, because RETURNING knows no old values before PostgreSQL 18, and
# what a SELECT reads may be older than the lock.
DELETE: Final = f"""WITH {_locked_first()}, {_DROPPED},
deleted AS (
    UPDATE {{schema}}.entry SET version = locked.version, {_EMPTIED},
        ttl = CASE WHEN {_HAS_NOT_EXPIRED} THEN NULL ELSE 0 END
    FROM locked WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]) AND kind IS NOT NULL
    RETURNING entry.ttl, old_size
),
gone AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE ttl IS NULL) AS deleted, {_GONE} FROM deleted
)
UPDATE {{schema}}.session SET version = locked.version,
    writes = {_recorded("locked.version", "gone.deleted")}, {_COUNTED_DOWN}
FROM locked, gone WHERE id = %(id)s
RETURNING {_IN_TIME}, gone.deleted"""

# Returns the record of a write whose answer was lost. If there is none, its number is ruled out by
# a record with a negative version, so that the write does nothing if it arrives now. The number is
# ruled out only if its record cannot have been pushed out: the slot is still listed, or there is
# room, or the oldest record is not newer than %(reached)s. That is a version that the session had
# reached before the write. Versions of records decrease from the first to the last.
SETTLE: Final = f"""
UPDATE {{schema}}.session SET writes = CASE
    WHEN NOT {_IS_NEW} THEN writes
    WHEN {_PLACE} IS NOT NULL OR cardinality(writes) < {_FULL}
        OR abs(writes[{_FULL - _RECORD + 3}]) <= %(reached)s::bigint THEN {_recorded("-version")}
    ELSE writes END
WHERE id = %(id)s AND {_IS_PATIENT}
RETURNING writes[{_PLACE} + 1], writes[{_PLACE} + 2], writes[{_PLACE} + 3]"""

# Stores the new token as pending. Only the current token can do so, and only if no other rotation
# waits for its browser: else two tabs that rotate at once would make a token that no browser keeps.
# A pending token that no browser has presented within a day is replaced: its answer was lost.
# If the same token is pending already, the statement succeeds and changes nothing.
_PENDING: Final = "pending_hash = %(new_hash)s, pending_at = now()"
_MAY_ROTATE: Final = f"""id = %(id)s AND {_USABLE} AND token_hash = %(hash)s
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
WHERE id = %(id)s AND {_USABLE} AND login_hash IS NOT NULL RETURNING version"""

# Somebody has logged in: the new token is the present one at once, and no other one opens the
# session, nor one that waits for its browser. The token before it still opens the session for the
# same user, so that a browser which has not got the new token gets it with its next page load. If
# the user has logged in once more meanwhile, that page load replaces the new token, too. A session
# without a row gets one, so that its former token is refused.
REPLACE_AT_LOGIN: Final = f"""
UPDATE {{schema}}.session SET token_hash = %(new_hash)s, previous_hash = %(hash)s,
    previous_login = %(user)s, rotated_at = now(), pending_hash = NULL, pending_at = NULL,
    login_hash = %(login)s
WHERE id = %(id)s AND {_USABLE} AND (token_hash = %(hash)s OR pending_hash = %(hash)s
    OR previous_login = ANY (%(users)s::bytea[])
        AND (login_hash = ANY (%(logins)s::bytea[])) IS NOT TRUE)
RETURNING version"""
CREATE_AT_LOGIN: Final = f"""WITH locked AS (
    INSERT INTO {{schema}}.session (id, app, scope, version, token_hash, previous_hash,
        previous_login, rotated_at, login_hash, created_at, seen_at, expires_at, epoch)
    SELECT %(id)s, %(app)s, %(scope)s, 1, %(new_hash)s, %(hash)s, %(user)s::bytea, now(),
        %(login)s::bytea, now(), now(), now() + {_LIFETIME_OF_NEW}, {_FIRST_EPOCH}
    ON CONFLICT (id) DO NOTHING RETURNING version
),
former AS ({_FORMER_ENTRIES}) SELECT version FROM locked"""

# A browser has presented the pending token: from now on it is the current one, and the one before
# it works for the grace alone. If somebody holds the row, it is left to the next read.
PRESENT: Final = f"""
UPDATE {{schema}}.session SET previous_hash = token_hash, token_hash = pending_hash,
    rotated_at = now(), pending_hash = NULL, pending_at = NULL, previous_login = NULL
WHERE id = %(id)s AND (
    SELECT true FROM {{schema}}.session
    WHERE id = %(id)s AND {_USABLE} AND pending_hash = %(hash)s FOR UPDATE SKIP LOCKED
)"""

# A session without a row gets one, so that its token is refused from now on. After this statement
# no write to the session succeeds, so nothing is left after the ERASE statements. A user's session
# that is forgotten already may have been moved: then what was to be deleted is under another id.
_MAY_HAVE_MOVED: Final = f"""(session.scope IN ({_TOKENLESS}) AND NOT %(again)s
        AND session.revoked_at < session.expires_at) IS TRUE"""
REVOKE: Final = f"""
INSERT INTO {{schema}}.session (id, app, scope, version, token_hash, created_at, seen_at,
    expires_at, revoked_at)
SELECT %(id)s::uuid, %(app)s::text, %(scope)s::text, 1, %(hash)s::bytea, now(), now(),
    now() + make_interval(secs => %(session_ttl)s), now()
WHERE {_IS_PATIENT}
ON CONFLICT (id) DO UPDATE SET version = session.version + 1, keys = 0, bytes = 0,
    revoked_at = coalesce(session.revoked_at, excluded.revoked_at)
WHERE excluded.token_hash IS NULL AND NOT {_MAY_HAVE_MOVED}
    OR excluded.token_hash = session.token_hash OR excluded.token_hash = session.pending_hash
    OR excluded.token_hash = session.previous_hash AND (session.previous_login IS NULL
            AND session.rotated_at > excluded.seen_at - make_interval(secs => %(grace)s)
        OR session.previous_login = ANY (%(users)s::bytea[]))
RETURNING {_IN_TIME}"""
ERASE_ENTRIES: Final = "DELETE FROM {schema}.entry WHERE session_id = %(id)s"
ERASE_BODIES: Final = "DELETE FROM {schema}.body WHERE session_id = %(id)s"
# Nothing writes to `revision` in this version.
ERASE_REVISIONS: Final = "DELETE FROM {schema}.revision WHERE session_id = %(id)s"

# A session of a scope without tokens starts again, empty, when it was forgotten or has expired: it
# cannot get another id. Its entries become tombstones, so that other caches see the deletion.
# ERASE_BODIES and ERASE_REVISIONS follow, in one transaction: each sees all that was committed
# before the lock. Who has the session open and forgets it (%(always)s) begins no other epoch where
# the row is forgotten: the session was moved to another id, or an operator has revoked it.
LOCK_TO_EMPTY: Final = f"""
UPDATE {{schema}}.session SET version = version + 1, revoked_at = NULL, created_at = now(),
    seen_at = now(), expires_at = now() + {_LIFETIME_OF_ROW}, epoch = {_NEXT_EPOCH},
    writes = {_recorded("version + 1")}, keys = 0, bytes = 0
WHERE id = %(id)s AND {_IS_PATIENT} AND {_IS_NEW}
    AND CASE WHEN %(always)s THEN NOT {_FORGOTTEN}
        ELSE revoked_at IS NOT NULL OR expires_at <= now() END
RETURNING {_IN_TIME}"""
EMPTY_ENTRIES: Final = f"""
UPDATE {{schema}}.entry SET version = %(version)s, {_TOMBSTONE}
WHERE session_id = %(id)s AND kind IS NOT NULL"""

# The entry is encrypted, by whatever key: it opens in its own session only.
_IS_SEALED: Final = f"""(value IS NULL AND body IS NOT NULL
    AND substr(body, 1, {len(MAGIC)}) = '\\x{MAGIC.hex()}'
    AND (digest IS NOT NULL OR octet_length(body) = size + {OVERHEAD}))"""

# Move entries from one session to another, in one transaction. Both sessions are locked by adding
# one to their versions, in the order of their ids. No value leaves the server.
LOCK_SESSION: Final = f"WITH {_locked()} SELECT version FROM locked"
_DIGESTS_OF_MOVED: Final = """(
    SELECT digest FROM {schema}.entry WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]))"""
MOVE_BODIES: Final = f"""
{_NEW_BODY}
SELECT %(to)s, b.digest, b.part, b.data FROM {{schema}}.body b
WHERE b.session_id = %(id)s AND b.digest IN {_DIGESTS_OF_MOVED}
{_IF_NEW}"""
_MOVED_IN: Final = f"""{_GROWN},
counted AS (
    UPDATE {{schema}}.session SET {_COUNTED}
    FROM grown WHERE id = %(to)s RETURNING {_fits("1")}
)
SELECT key FROM done, counted"""
MOVE_ENTRIES: Final = f"""WITH done AS ({_NEW_ENTRY}
    SELECT %(to)s, key, %(version)s, kind, size, now(), expires_at, ttl, value, body, digest
    FROM {{schema}}.entry
    WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]) AND {_HOLDS_A_VALUE}
        AND NOT {_IS_SEALED}{_OVER_THE_OLD}
    WHERE {_OLD_HOLDS_NOTHING} RETURNING key, kind, size, old_size
), {_MOVED_IN}"""
DROP_MOVED_BODIES: Final = f"""
DELETE FROM {{schema}}.body b
WHERE b.session_id = %(id)s AND b.digest IN {_DIGESTS_OF_MOVED} AND {_NO_OTHER_KEY_HOLDS_IT}"""
DROP_MOVED_ENTRIES: Final = f"""
WITH moved AS (
    UPDATE {{schema}}.entry SET version = %(version)s, {_TOMBSTONE}
    WHERE session_id = %(id)s AND key = ANY (%(key)s::text[]) AND kind IS NOT NULL
    RETURNING old_size
)
UPDATE {{schema}}.session SET {_COUNTED_DOWN}
FROM (SELECT {_GONE} FROM moved) AS gone WHERE id = %(id)s"""

# A user's session has an id by a signing key. If that is another key now, the session moves to its
# new id, in one transaction. The row under the former id stays, revoked, so that whoever has it
# open is refused, and so that no replica with the keys in another order takes it for the session.
# The ERASE statements follow: nothing that it held stays under the former id.
HOMES: Final = """
SELECT id, revoked_at IS NULL AND expires_at > now(), epoch FROM {schema}.session
WHERE id = ANY (%(ids)s::uuid[])"""
LEAVE_HOME: Final = f"""
UPDATE {{schema}}.session SET version = version + 1, revoked_at = now(),
    writes = {_recorded("version + 1")}, keys = 0, bytes = 0
WHERE id = %(id)s AND {_IS_PATIENT} AND {_USABLE} AND {_IS_NEW} RETURNING {_IN_TIME}"""
NEW_HOME: Final = f"""
INSERT INTO {{schema}}.session (id, app, scope, version, created_at, seen_at, expires_at, epoch)
SELECT %(to)s, app, scope, 1, created_at, seen_at, expires_at, {_FIRST_EPOCH}
FROM {{schema}}.session WHERE id = %(id)s ON CONFLICT (id) DO NOTHING RETURNING version"""
HELD_KEYS: Final = f"""
SELECT key FROM {{schema}}.entry WHERE session_id = %(id)s AND {_HOLDS_A_VALUE}"""

# What was moved, where the answer to COMMIT was lost: the entries that have the version of the
# move, in one session or as tombstones in the other. Others may have written over them since.
MOVED: Final = f"""
SELECT key FROM {{schema}}.entry WHERE session_id = %(to)s AND key = ANY (%(key)s::text[])
    AND version = %(version)s
UNION
SELECT key FROM {{schema}}.entry WHERE session_id = %(id)s AND key = ANY (%(key)s::text[])
    AND kind IS NULL AND version = (
        SELECT writes[{_PLACE} + 2] FROM {{schema}}.session WHERE id = %(id)s)"""

# Copies everything that a session holds into a new session. One statement, so one snapshot.
# A browser says that it needs a copy, and may say so again and again. So all copies of one tab,
# and copies of these, are counted together. Copies that are made at the same moment do not see each
# other: there may be as many more as there are connections. A copy is as old as what was copied, so
# no session lives on by copies for longer than `session_max_age`.
_COPY_CREATED: Final = f"""source AS (
    SELECT app, scope, created_at, coalesce(copy_of, id) AS origin, held.keys, held.bytes
    FROM {{schema}}.session, (
        SELECT {_HELD} FROM {{schema}}.entry
        WHERE session_id = %(id)s AND kind IS NOT NULL{{only_if}}
    ) AS held WHERE id = %(id)s AND {_USABLE}
),
copies AS (
    SELECT count(DISTINCT c.id) AS number, coalesce(sum(e.size), 0) AS bytes
    FROM source JOIN {{schema}}.session c ON c.copy_of = source.origin
        LEFT JOIN {{schema}}.entry e ON e.session_id = c.id
    WHERE c.revoked_at IS NULL AND c.expires_at > now()
),
created AS (
    INSERT INTO {{schema}}.session (id, app, scope, version, token_hash, created_at, seen_at,
        expires_at, copy_of, keys, bytes)
    SELECT %(to)s, app, scope, 1, %(new_hash)s, created_at, now(),
        least(now() + {_LIFETIME_OF_COPY}, {_AT_THE_LATEST}), origin, {{counters}}
    FROM source, copies
    WHERE copies.number < %(max_copies)s AND copies.bytes + source.bytes <= %(max_bytes)s
        AND source.keys <= %(max_keys)s
    ON CONFLICT (id) DO NOTHING RETURNING version
)"""
_COPY_CREATED_FULL: Final = _COPY_CREATED.replace(
    "{counters}", "source.keys, source.bytes"
).replace("{only_if}", f"\n            AND NOT {_IS_SEALED}")
_COPY_CREATED_EMPTY: Final = _COPY_CREATED.replace("{counters}", "0, 0").replace("{only_if}", "")
COPY: Final = f"""WITH {_COPY_CREATED_FULL},
bodies AS (
    {_NEW_BODY}
    SELECT %(to)s, b.digest, b.part, b.data FROM created, {{schema}}.body b
    WHERE b.session_id = %(id)s
)
{_NEW_ENTRY}
SELECT %(to)s, old.key, created.version, old.kind, old.size, old.changed_at, old.expires_at,
    old.ttl, old.value, old.body, old.digest
FROM created, {{schema}}.entry old
WHERE old.session_id = %(id)s AND old.kind IS NOT NULL AND NOT {_IS_SEALED}"""

# What was sent just now may be about to be referred to, but not in a session that was forgotten.
_ORPHANED: Final = """(b.sent_at <= now() - make_interval(secs => %(sent_before)s)
        OR (SELECT revoked_at FROM {schema}.session s WHERE s.id = {id}) IS NOT NULL)
    AND NOT EXISTS (SELECT FROM {schema}.entry e
        WHERE e.session_id = {id} AND e.digest = b.digest)"""
_ORPHANED_OF_ALL: Final = _ORPHANED.replace("{id}", "b.session_id")
_ORPHANED_OF_ONE: Final = _ORPHANED.replace("{id}", "%(id)s")

# Removes bodies that no entry refers to. It has two statements in one transaction: first the lock,
# by adding one to the version, so that a write whose bodies were sent ahead looks again; then the
# check, whose snapshot sees all that was committed before the lock.
LOCK_FOR_SWEEP: Final = "UPDATE {schema}.session SET version = version + 1 WHERE id = %(id)s"
SWEEP: Final = f"""
DELETE FROM {{schema}}.body b WHERE b.session_id = %(id)s AND {_ORPHANED_OF_ONE}"""

# Cleaning up, over all apps of the schema, in batches. What a writer holds is skipped; only
# LOCK_FOR_SWEEP waits for the writers of the one session whose bodies it deletes.
_KEPT: Final = "make_interval(secs => %(kept_for)s)"
# A session of a scope without tokens may be revived by its next visit. GC_ERASE_ENTRIES leaves no
# tombstones of its keys, so it comes only when no cache is left that has loaded these keys.
_ENDED: Final = f"""revoked_at IS NULL AND expires_at <= now()
    AND (scope NOT IN ({_TOKENLESS}) OR expires_at < now() - {_KEPT})"""
_ENDED_LONG_AGO: Final = f"revoked_at < now() - {_KEPT}"
_EXPIRED: Final = "expires_at <= now()"
_OLD_TOMBSTONE: Final = f"kind IS NULL AND changed_at < now() - {_KEPT}"
# An expired session counts as forgotten from now on: its row stays, so that no token revives it.
GC_END: Final = f"""
UPDATE {{schema}}.session SET revoked_at = now(), version = version + 1, keys = 0, bytes = 0
WHERE id IN (
    SELECT id FROM {{schema}}.session WHERE {_ENDED} LIMIT %(batch)s FOR UPDATE SKIP LOCKED
) RETURNING id"""
GC_ERASE_ENTRIES: Final = "DELETE FROM {schema}.entry WHERE session_id = ANY (%(ids)s)"
GC_ERASE_BODIES: Final = "DELETE FROM {schema}.body WHERE session_id = ANY (%(ids)s)"
GC_ERASE_REVISIONS: Final = "DELETE FROM {schema}.revision WHERE session_id = ANY (%(ids)s)"
GC_REMOVE: Final = f"""
DELETE FROM {{schema}}.session WHERE id IN (
    SELECT id FROM {{schema}}.session WHERE {_ENDED_LONG_AGO} LIMIT %(batch)s FOR UPDATE SKIP LOCKED
) RETURNING id"""
# An expired entry becomes a tombstone, as by DELETE, so that a cache that has not seen its last
# write hears of the end. As in a write, the session's row is locked before the entry, and its
# counters are written last. A session that a writer holds is left to the next cleanup, so nobody
# waits for another here. A writer may have renewed an entry before the lock, so its expiry is
# compared again. With IS TRUE around it, PostgreSQL does not use the index on the expiry for this
# comparison: by that index each batch would read all that has expired.
GC_EXPIRED: Final = f"""WITH due AS MATERIALIZED (
    SELECT e.session_id, e.key
    FROM {{schema}}.entry e JOIN {{schema}}.session s ON s.id = e.session_id
    WHERE e.{_EXPIRED} AND e.digest IS NULL
    LIMIT %(batch)s FOR NO KEY UPDATE OF s SKIP LOCKED
),
emptied AS (
    UPDATE {{schema}}.entry AS e SET {_TOMBSTONE} FROM due
    WHERE e.session_id = due.session_id AND e.key = due.key
        AND (e.{_EXPIRED}) IS TRUE AND e.digest IS NULL
    RETURNING e.session_id, old_size
),
counted AS (
    UPDATE {{schema}}.session SET {_COUNTED_DOWN}
    FROM (SELECT session_id, {_GONE} FROM emptied GROUP BY session_id) AS gone
    WHERE id = gone.session_id
)
SELECT 1 FROM emptied"""
# If somebody has deleted the row of a session by hand, nobody counts its entries.
GC_EXPIRED_ROWLESS: Final = f"""
UPDATE {{schema}}.entry SET {_TOMBSTONE} WHERE (session_id, key) IN (
    SELECT session_id, key FROM {{schema}}.entry e WHERE {_EXPIRED} AND digest IS NULL
        AND NOT EXISTS (SELECT FROM {{schema}}.session WHERE id = e.session_id)
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED
) RETURNING 1"""
GC_EXPIRED_LARGE: Final = f"""
SELECT DISTINCT session_id FROM (
    SELECT session_id FROM {{schema}}.entry WHERE {_EXPIRED} AND digest IS NOT NULL LIMIT %(batch)s
) AS found ORDER BY session_id"""
GC_EXPIRED_OF: Final = f"""WITH emptied AS (
    UPDATE {{schema}}.entry SET {_TOMBSTONE} WHERE session_id = %(id)s AND {_EXPIRED}
    RETURNING old_size
),
counted AS (
    UPDATE {{schema}}.session SET {_COUNTED_DOWN}
    FROM (SELECT {_GONE} FROM emptied) AS gone WHERE id = %(id)s
)
SELECT 1 FROM emptied"""
# Before a write is refused that would come over a limit, after LOCK_FOR_SWEEP. What has expired
# counts until it is deleted. Somebody may have deleted entries by hand: then the counters were too
# high.
RECOUNT: Final = f"""WITH dropped AS (
    DELETE FROM {{schema}}.body b WHERE b.session_id = %(id)s AND b.digest IN (
            SELECT digest FROM {{schema}}.entry WHERE session_id = %(id)s AND {_EXPIRED})
        AND NOT EXISTS (SELECT FROM {{schema}}.entry e
            WHERE e.session_id = %(id)s AND e.digest = b.digest AND {_HAS_NOT_EXPIRED})
),
emptied AS (
    UPDATE {{schema}}.entry SET {_TOMBSTONE} WHERE session_id = %(id)s AND {_EXPIRED}
)
UPDATE {{schema}}.session SET keys = held.keys, bytes = held.bytes
FROM (
    SELECT {_HELD} FROM {{schema}}.entry WHERE session_id = %(id)s AND {_HOLDS_A_VALUE}
) AS held
WHERE id = %(id)s RETURNING version"""
# After a write was refused whose bodies were sent ahead. LOCK_FOR_SWEEP comes first: a write of
# others that has sent the same ones looks again.
DISCARD_SENT: Final = """
DELETE FROM {schema}.body b WHERE b.session_id = %(id)s AND b.digest = ANY (%(digest)s::bytea[])
    AND NOT EXISTS (SELECT FROM {schema}.entry e
        WHERE e.session_id = %(id)s AND e.digest = b.digest)"""
GC_NAMES: Final = f"""
DELETE FROM {{schema}}.entry WHERE (session_id, key) IN (
    SELECT session_id, key FROM {{schema}}.entry WHERE {_OLD_TOMBSTONE}
    LIMIT %(batch)s FOR UPDATE SKIP LOCKED
) RETURNING 1"""
GC_ORPHANED: Final = f"""
SELECT DISTINCT session_id FROM (
    SELECT session_id FROM {{schema}}.body b WHERE {_ORPHANED_OF_ALL} LIMIT %(batch)s
) AS found ORDER BY session_id"""
GC_COUNTS: Final = f"""
SELECT (SELECT count(*) FROM {{schema}}.session WHERE {_ENDED}),
    (SELECT count(*) FROM {{schema}}.session WHERE {_ENDED_LONG_AGO}),
    (SELECT count(*) FROM {{schema}}.entry WHERE {_EXPIRED}),
    (SELECT count(*) FROM {{schema}}.entry WHERE {_OLD_TOMBSTONE}),
    (SELECT count(*) FROM {{schema}}.body b WHERE {_ORPHANED_OF_ALL})"""
# Whose turn it is: one process of all replicas, once in the interval. They share a role. With row
# security another role sees other rows, and so has a turn of its own.
GC_TURN: Final = """
INSERT INTO {schema}.setting AS s (name, value)
VALUES ('cleaned_up_at ' || current_user, extract(epoch FROM now())::text)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
WHERE s.value::float8 <= excluded.value::float8 - %(interval)s RETURNING 1"""

# Sealed values open in their own session only, and under their own key. So the app opens them and
# seals them anew where others are moved or copied within the server.
SEALED_OF: Final = f"""
SELECT key, version, kind, size, value::text, body, digest FROM {{schema}}.entry
WHERE session_id = %(id)s AND {_HOLDS_A_VALUE}
    AND (%(key)s::text[] IS NULL OR key = ANY (%(key)s::text[]))
ORDER BY key"""
_SEALED_ANEW: Final = """
    unnest(%(key)s::text[], %(body)b::bytea[], %(digest)s::bytea[]) AS new(key, body, digest)"""
KEEP_BODIES: Final = f"""
{_SENT_BODY}
SELECT %(to)s, b.digest, b.part, b.data, now() FROM {_SENT_BODIES}
ON CONFLICT (session_id, digest, part)
DO UPDATE SET data = excluded.data, sent_at = excluded.sent_at"""
MOVE_SEALED: Final = f"""WITH done AS ({_NEW_ENTRY}
    SELECT %(to)s, old.key, %(version)s, old.kind, old.size, now(), old.expires_at, old.ttl,
        NULL, new.body, new.digest
    FROM {{schema}}.entry old, {_SEALED_ANEW}
    WHERE old.session_id = %(id)s AND old.key = new.key AND {_HOLDS_A_VALUE}{_OVER_THE_OLD}
    WHERE {_OLD_HOLDS_NOTHING} RETURNING key, kind, size, old_size
), {_MOVED_IN}"""
ONE_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
COPY_SESSION: Final = f"WITH {_COPY_CREATED_EMPTY} SELECT version FROM created"
COPY_SEALED: Final = f"""WITH copied AS ({_NEW_ENTRY}
    SELECT %(to)s, old.key, 1, old.kind, old.size, old.changed_at, old.expires_at, old.ttl,
        NULL, new.body, new.digest
    FROM {{schema}}.entry old, {_SEALED_ANEW}
    WHERE old.session_id = %(id)s AND old.key = new.key RETURNING size
)
UPDATE {{schema}}.session SET {_COUNTED}
FROM (SELECT {_HELD} FROM copied) AS grown WHERE id = %(to)s"""

# `pgstate rekey`. %(prefix)s is what begins all that the first key has sealed.
_PREFIX_BYTES: Final = len(MAGIC) + KEY_ID_BYTES
_OTHER_KEY: Final = f"""kind IS NOT NULL AND (value IS NOT NULL OR body IS NULL
    OR substr(body, 1, {_PREFIX_BYTES}) <> %(prefix)s)"""
_BODY_OF_OTHER_KEY: Final = f"substr(data, 1, {_PREFIX_BYTES}) <> %(prefix)s"
REKEY_SESSIONS: Final = f"""
SELECT session_id FROM (
    (SELECT DISTINCT session_id FROM {{schema}}.entry
    WHERE session_id > %(after)s AND {_OTHER_KEY} ORDER BY session_id LIMIT %(batch)s)
    UNION
    (SELECT DISTINCT session_id FROM {{schema}}.body
    WHERE session_id > %(after)s AND {_BODY_OF_OTHER_KEY} ORDER BY session_id LIMIT %(batch)s)
) AS found ORDER BY session_id LIMIT %(batch)s"""
REKEY_COUNTS: Final = f"""
SELECT count(*) FILTER (WHERE {_OTHER_KEY}), count(*) FILTER (WHERE NOT ({_OTHER_KEY})),
    count(DISTINCT session_id) FILTER (WHERE {_OTHER_KEY})
FROM {{schema}}.entry WHERE kind IS NOT NULL"""
LOCK_FOR_REKEY: Final = f"{LOCK_FOR_SWEEP} RETURNING version"
REKEY_LARGE: Final = f"""
SELECT DISTINCT ON (digest) key, version, kind, size, value::text, body, digest
FROM {{schema}}.entry
WHERE session_id = %(id)s AND digest IS NOT NULL AND {_OTHER_KEY} ORDER BY digest"""
REKEY_NEXT: Final = f"""
SELECT key, version, kind, size, value::text, body, digest FROM {{schema}}.entry
WHERE session_id = %(id)s AND key > %(after)s AND {_OTHER_KEY}
ORDER BY key LIMIT %(batch)s FOR UPDATE"""
# The entry of a large value gets a new version, so that caches hear of its new digest. The value of
# another entry is the same in all caches.
REKEY: Final = f"""
UPDATE {{schema}}.entry AS e SET value = NULL, body = new.body, digest = new.digest,
    version = CASE WHEN new.digest IS NULL THEN e.version
        ELSE coalesce(%(version)s::bigint, e.version) END
FROM {_SEALED_ANEW}
WHERE e.session_id = %(id)s AND e.key = new.key"""
COUNT_PARTS: Final = """
SELECT count(*) FROM {schema}.body WHERE session_id = %(id)s AND digest = %(digest)s"""
# No entry refers to what is left of other keys, nor to what was sealed for an entry that has
# changed since. If a write has sent it ahead, that write finds another version of the session, and
# sends it again.
REKEY_SWEEP: Final = f"""
DELETE FROM {{schema}}.body b WHERE b.session_id = %(id)s
    AND ({_BODY_OF_OTHER_KEY} OR b.digest = ANY (%(digest)s::bytea[]))
    AND NOT EXISTS (SELECT FROM {{schema}}.entry e
        WHERE e.session_id = %(id)s AND e.digest = b.digest)"""

# Whether values that are not sealed may be read is noted in `setting`. A permit has a signature, so
# whoever has no key can make none. It is due where values were stored before there was a key.
PLAIN_PERMIT: Final = f"""
SELECT noted.value, noted.value IS NULL AND EXISTS (
    SELECT FROM {{schema}}.entry WHERE kind IS NOT NULL
) AND NOT EXISTS (SELECT FROM {{schema}}.entry WHERE {_IS_SEALED})
FROM (SELECT (SELECT value FROM {{schema}}.setting WHERE name = 'plain_values')) AS noted(value)"""
SEALED_ONLY: Final = """
SELECT FROM {schema}.setting WHERE name = 'plain_values' AND value = %(permit)s"""
PERMIT_PLAIN: Final = """
INSERT INTO {schema}.setting (name, value) VALUES ('plain_values', %(permit)s)
ON CONFLICT (name) DO NOTHING"""
FORBID_PLAIN: Final = f"""
UPDATE {{schema}}.setting SET value = %(permit)s WHERE name = 'plain_values' AND NOT EXISTS (
    SELECT FROM {{schema}}.entry WHERE kind IS NOT NULL AND NOT {_IS_SEALED})"""

# For operators, over all apps of the schema. Reads every row of `session` and `entry` once.
TOTALS: Final = f"""
SELECT (SELECT count(*) FROM {{schema}}.session WHERE revoked_at IS NULL AND expires_at > now()),
    count(*), coalesce(sum(size), 0)::bigint,
    (SELECT sum(pg_total_relation_size('{{schema}}.' || name))::bigint
        FROM unnest(ARRAY['session', 'entry', 'body', 'revision']) AS name)
FROM {{schema}}.entry WHERE {_HOLDS_A_VALUE}"""

# A new connection: whether a pooler is in between, the server's clock, and the limits of the role.
SERVER: Final = """
SELECT pg_backend_pid(), extract(epoch FROM clock_timestamp())::float8,
    extract(epoch FROM current_setting('lock_timeout')::interval)::float8,
    extract(epoch FROM current_setting('statement_timeout')::interval)::float8,
    extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval)::float8"""
CLOCK: Final = "SELECT extract(epoch FROM clock_timestamp())::float8"

# The limits of a transaction of several statements. They end it if its client is frozen or gone.
LIMITS: Final = """
SELECT set_config('statement_timeout', %(for_statement)s, true),
    set_config('idle_in_transaction_session_timeout', %(when_idle)s, true)"""

# The signing key, the identity, and which copy of the database this is. A copy from a template has
# another oid, one by a dump another oid of the table and another xmin of the row, and one of the
# server's files another address, port or folder, which only a superuser sees. All of these stay
# when the server is restarted. A `system_identifier` is the same in a copy of the files, and not
# every role may read it.
IDENTITY: Final = """
SELECT (SELECT value FROM {schema}.setting WHERE name = 'signing_key'), s.value,
    concat_ws('.', d.oid, s.tableoid, s.xmin, inet_server_addr(), current_setting('port'),
        (SELECT setting FROM pg_settings WHERE name = 'data_directory'))
FROM pg_database AS d LEFT JOIN {schema}.setting AS s ON s.name = 'identity'
WHERE d.datname = current_database()"""

# Which apps `pgstate.App` has ever served.
HTTP_ONLY: Final = "SELECT 1 FROM {schema}.setting WHERE name = %(name)s"
NOTE_HTTP_ONLY: Final = """
INSERT INTO {schema}.setting (name, value) VALUES (%(name)s, 'true')
ON CONFLICT (name) DO NOTHING"""


def of(schema: str) -> dict[str, str]:
    """Return every statement about tables by its name, for the tables in `schema`.

    Example:
        >>> of("pgstate")["ERASE_BODIES"]
        'DELETE FROM "pgstate".body WHERE session_id = %(id)s'
    """
    return {
        name: sql.replace("{schema}", f'"{schema}"')
        for name, sql in globals().items()
        if name.isupper()
        and not name.startswith("_")
        and isinstance(sql, str)
        and "{schema}" in sql
    }
