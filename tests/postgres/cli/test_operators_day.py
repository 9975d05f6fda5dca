"""A day of an operator who has never read the source, on the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from sqlalchemy.engine import make_url

from streamlit_pgstate import UnknownToken, connect

PASSWORD = "s3cr3t-of-the-operator"


@pytest.fixture
def refused(new_database: Callable[..., str], admin: psycopg.Connection) -> Iterator[str]:
    """A URL whose user may not log in, as with a wrong password: servers of tests ask for none."""
    role = f"locked_out_{os.getpid()}"
    admin.execute(f"CREATE ROLE {role} NOLOGIN")
    url = make_url(new_database()).set(username=role, password=PASSWORD)
    yield url.render_as_string(hide_password=False)
    admin.execute(f"DROP ROLE {role}")


def test_a_day_of_an_operator(new_database: Callable[..., str], refused: str, folder: Path) -> None:
    url = new_database()

    def pgstate(*arguments: str, of: str = url, answer: str = "") -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "streamlit_pgstate.cli", *arguments],
            input=answer,
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"PGSTATE_URL": of},
            timeout=120,
            check=False,
        )
        said = done.stdout + done.stderr
        assert "Traceback" not in said
        assert PASSWORD not in said
        return done.returncode, said

    # An empty database, and a wrong password.
    assert pgstate("status")[0] == 1
    code, said = pgstate("status", of=refused)
    assert code == 2, said
    assert said.count("\n") == 1
    code, said = pgstate("sessions")
    assert code == 1
    assert "Run: pgstate migrate" in said

    # The tables, and two apps.
    assert pgstate("migrate")[0] == 0
    shop, survey = connect(url, app="shop", history=10), connect(url, app="survey")
    token = shop.new_token()
    visitor = shop.state(token)
    table = pd.DataFrame({"item": ["bread", "milk"], "price": [2.5, 1.2]})
    visitor.update({"cart": table, "name": "Ada"})
    survey.state(survey.new_token())["answer"] = 42
    code, said = pgstate("status", "--json")
    assert code == 0
    assert json.loads(said)["sessions"] == 2

    # «My table was there yesterday»: the visitor reads their short id from the page.
    short = str(visitor.id)[:8]
    code, said = pgstate("show", short)
    assert code == 0
    assert "cart" in said
    assert "bread" in pgstate("show", short, "cart")[1]

    # They have emptied it this morning. It gets yesterday's version again.
    visitor["cart"] = table.head(0)
    code, said = pgstate("history", short, "cart", "--json")
    assert code == 0
    _, before = json.loads(said)
    code, said = pgstate("restore", short, "cart", str(before["version"]))
    assert code == 0, said
    visitor.refresh()
    pd.testing.assert_frame_equal(visitor["cart"], table)

    # They ask for their data, and it is kept elsewhere, too.
    assert pgstate("export", short, "--to", "their-data")[0] == 0
    found = list((folder / "their-data" / "values").glob("*-cart.parquet"))
    pd.testing.assert_frame_equal(pd.read_parquet(found[0]), table)
    code, said = pgstate("import", "their-data")
    assert code == 0
    copy = shop.state_of(said.split()[-1].rstrip("."))
    pd.testing.assert_frame_equal(copy["cart"], table)

    # They want to be forgotten, and so does the copy.
    code, said = pgstate("forget", short, answer="y\n")
    assert code == 0, said
    assert pgstate("forget", str(copy.id), "--yes")[0] == 0
    with pytest.raises(UnknownToken):
        shop.state(token)
    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute("UPDATE pgstate.session SET revoked_at = revoked_at - interval '3 days'")
    code, said = pgstate("gc")
    assert code == 0
    assert "2 rows of ended sessions" in said
    with psycopg.connect(url) as sql:
        left = sql.execute("SELECT app FROM pgstate.session").fetchall()
        keys = sql.execute("SELECT key FROM pgstate.entry").fetchall()
    assert (left, keys) == ([("survey",)], [("answer",)])

    # All is well.
    code, said = pgstate("status")
    assert code == 0
    assert said.endswith("To do:     nothing\n")
    shop.close()
    survey.close()
