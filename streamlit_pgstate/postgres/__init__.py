"""The tables, the connections and the token that opens a session. Knows PostgreSQL alone."""

from __future__ import annotations
