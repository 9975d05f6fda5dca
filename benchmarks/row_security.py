"""What policies for the rows of one schema cost, by a column and by a lookup of the session.

The policies by a column are those of docs/security.md, run as they stand there. Each case has 5,000
sessions of 20 values, and a role of its own. Run: python benchmarks/row_security.py, with
PGSTATE_URL for a server of yours, as a user who may create roles; else on a durable PostgreSQL of
its own, over TCP.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
from harness import Result, measure, report
from server import server
from sqlalchemy.engine import make_url

from streamlit_pgstate import connect

VALUE = "v" * 80
NAMES = [f"widget {number}" for number in range(20)]
PAGE = Path(__file__).parents[1] / "docs" / "security.md"
LARGE = secrets.token_bytes(1_000_000)
OFTEN = {"rounds": 101, "repeats": 9}
"""Short turns: the differences are smaller than the drift of a machine within a second."""

# A lookup refuses the first values of a session: they are stored by the statement that makes its
# row, and a lookup does not see that row yet. So the visitor is there before these policies are.
LOOKUP = """
CREATE POLICY own ON pgstate.session USING (app = 'shop');
CREATE POLICY own ON pgstate.entry USING (
    EXISTS (SELECT FROM pgstate.session AS s WHERE s.id = session_id AND s.app = 'shop'));
CREATE POLICY own ON pgstate.body USING (
    EXISTS (SELECT FROM pgstate.session AS s WHERE s.id = session_id AND s.app = 'shop'));
CREATE POLICY own ON pgstate.setting USING (true);
ALTER TABLE pgstate.session ENABLE ROW LEVEL SECURITY;
ALTER TABLE pgstate.entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE pgstate.body ENABLE ROW LEVEL SECURITY;
ALTER TABLE pgstate.setting ENABLE ROW LEVEL SECURITY;
"""

FILL = """
INSERT INTO pgstate.session (id, app, version, created_at, seen_at, expires_at)
SELECT gen_random_uuid(), CASE n % 2 WHEN 0 THEN 'shop' ELSE 'news' END, 1, now(), now(),
    now() + interval '30 days' FROM generate_series(1, 5000) AS n;
INSERT INTO pgstate.entry (session_id, key, version, kind, size, changed_at, value)
SELECT id, 'widget ' || n, 1, 'json', 82, now(), to_json(repeat('v', 80))
FROM pgstate.session, generate_series(0, 19) AS n;
"""


def steps() -> tuple[str, str]:
    """The SQL of the page: the policies, and the role of an app."""
    _, _, section = PAGE.read_text("utf-8").partition("\n### Policies for the rows of one schema\n")
    policies, of_app, *_ = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    return policies, of_app


class Visitor:
    """A visitor of an app in a schema of its own.

    Args:
        url: of the owner of the tables.
        schema: which is made.
        policies: SQL for a schema `pgstate`, run before the visitor is there.
        later: the same, run when the visitor is there.
    """

    def __init__(self, url: str, schema: str, *, policies: str = "", later: str = "") -> None:
        with contextlib.closing(connect(url, schema=schema)) as owner:
            owner.migrate()
        own_role = f"shop_{schema}"
        of_app = re.sub(r"^UPDATE .*?;", "", steps()[1], flags=re.DOTALL | re.MULTILINE)
        of_app = re.sub(r"(ROLE|TO) shop\b", rf"\1 {own_role}", of_app)
        there = make_url(url).set(username=own_role, password="choose-a-long-one")
        self._store = connect(
            there.render_as_string(hide_password=False),
            schema=schema,
            app="shop",
            signing_key=secrets.token_hex(32),
            max_new_sessions=10**9,
        )
        self._numbers = itertools.count()
        with psycopg.connect(url, autocommit=True) as sql:

            def run(step: str) -> None:
                in_schema = step.replace("pgstate.", f"{schema}.")
                sql.execute(in_schema.replace("SCHEMA pgstate", f"SCHEMA {schema}"))

            run(FILL)
            run(of_app)
            run(policies)
            self._token = self._store.new_token()
            self._state = self._store.state(self._token)
            self._state.update(dict.fromkeys(NAMES, VALUE))
            self._state["large"] = LARGE
            run(later)
            run("ANALYZE pgstate.session, pgstate.entry")

    def load(self) -> list[object]:
        state = self._store.state(self._token)
        return [state[name] for name in NAMES]

    def refresh(self) -> None:
        self._state.refresh()

    def set_small(self) -> None:
        self._state[NAMES[0]] = f"{VALUE}{next(self._numbers)}"

    def first_set(self) -> None:
        self._store.state(self._store.new_token())[NAMES[0]] = VALUE

    def get_large(self) -> object:
        return self._store.state(self._token)["large"]


def main(url: str) -> None:
    with _dropped(url):
        visitors = {
            "no policies": Visitor(url, "plain"),
            "policies by a column": Visitor(url, "by_column", policies=steps()[0]),
            "policies by a lookup": Visitor(url, "by_lookup", later=LOOKUP),
        }

        def each(title: str, does: str, *, of: int = 3) -> Result:
            chosen = itertools.islice(visitors.items(), of)
            cases = {name: getattr(visitor, does) for name, visitor in chosen}
            return measure(title, cases, **OFTEN)

        results = [
            each("A page load with twenty values", "load"),
            each("A later run: what changed", "refresh"),
            each("A small set, durable", "set_small"),
            each("The first set of a visitor, durable", "first_set", of=2),
            each("A get of 1 MB", "get_large"),
        ]
        report("row_security", results)


@contextlib.contextmanager
def _dropped(url: str) -> Iterator[None]:
    try:
        yield
    finally:
        with psycopg.connect(url, autocommit=True) as sql:
            for schema in ("plain", "by_column", "by_lookup"):
                sql.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
                sql.execute(f"DROP ROLE IF EXISTS shop_{schema}")


if __name__ == "__main__":
    with server() as url:
        main(url)
