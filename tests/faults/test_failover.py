"""A primary is lost, and its standby takes over: what was acknowledged is there."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import memory
import pytest
from chaos.cluster import WITHIN, Cluster
from everything import in_everything

from streamlit_pgstate import State, Store, StoreUnavailable, connect
from streamlit_pgstate.postgres.statements.parts.write import SLOTS

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("failover")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="pgstate-failover-", dir=memory.folder()))
    folder.chmod(0o755)
    cluster = Cluster(folder, is_synchronous=True)
    try:
        cluster.create()
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder)


@pytest.fixture
def store(cluster: Cluster) -> Iterator[Store]:
    """Replaces the fixture of the same name: of a database that is on both servers."""
    cluster.standby.start()
    cluster.await_standby()
    store = connect(cluster.url, timeout=2)
    yield store
    store.close()


def test_the_next_calls_find_the_standby_that_was_promoted(
    cluster: Cluster, store: Store, token: str
) -> None:
    state, idle = store.state(token), store.state(token)
    state.update({"small": 1, "large": b"x" * 5_000_000})
    renewed = state.rotate()
    assert renewed is not None
    idle.refresh()
    cluster.fail_over()
    assert state.modify("small", lambda n: n + 1) == 2
    idle["other"] = 1
    assert idle["large"] == b"x" * 5_000_000
    assert dict(store.state(renewed)) == {"large": b"x" * 5_000_000, "other": 1, "small": 2}


def test_a_lost_answer_is_not_judged_by_versions_that_the_new_primary_never_had(
    cluster: Cluster, token: str, opened: Callable[..., Store]
) -> None:
    """Versions that no standby had were read from the former primary, and count anew here."""
    store = opened(cluster.url, timeout=20)
    state, other = store.state(token), store.state(token)
    state["k"] = "old"
    other.refresh()
    with cluster.sql() as sql:
        sql.execute("UPDATE pgstate.session SET version = version + 1000")
        state.refresh()
        sql.execute("UPDATE pgstate.session SET version = version - 1000")
    cluster.fail_over()
    other["k"] = "begun"

    others = [opened(cluster.primary.url).state(token) for _ in range(SLOTS + 1)]

    def others_write() -> None:
        for number, another in enumerate(others):
            another["k"] = f"newer {number}"

    cluster.gate.cut("answer", then=others_write)
    with pytest.raises(StoreUnavailable, match="Nobody knows"):
        state["k"] = "lost"
    assert store.state(token)["k"] == f"newer {SLOTS}"


def test_connections_to_a_server_that_only_reads_now_are_given_up(
    cluster: Cluster, store: Store, token: str
) -> None:
    """The former primary may come back as a standby before its clients have noticed."""
    state = store.state(token)
    state["k"] = 1
    with _that_only_reads(cluster), pytest.raises(StoreUnavailable):
        _write_for_long(state)
    state["k"] = "then"
    assert store.state(token)["k"] == "then"


def _write_for_long(state: State) -> None:
    """The server of its connection reads a new configuration a moment after it was told to.

    `modify`, as a `set` of what is there would only read.
    """
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        state.modify("k", lambda n: n + 1)


@contextlib.contextmanager
def _that_only_reads(cluster: Cluster) -> Iterator[None]:
    with cluster.primary.sql() as sql:
        sql.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        sql.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            sql.execute("SET default_transaction_read_only = off")
            sql.execute("ALTER SYSTEM RESET default_transaction_read_only")
            sql.execute("SELECT pg_reload_conf()")
            while _only_reads(cluster):
                time.sleep(0.01)  # the server tells nobody that it has read its configuration


def _only_reads(cluster: Cluster) -> bool:
    with cluster.primary.sql() as sql:
        return sql.execute("SHOW default_transaction_read_only").fetchone() == ("on",)


AGAIN: dict[str, Callable[[State], object]] = {
    "set": lambda state: state.set("k", "new"),
    "update": lambda state: state.update({"k": "new"}),
    "modify": lambda state: state.modify("k", lambda _: "new"),
}


@pytest.mark.parametrize("again", ["set", "modify", *in_everything("update")])
def test_what_no_standby_has_is_not_acknowledged_when_it_is_tried_again(
    again: str, cluster: Cluster, store: Store, token: str
) -> None:
    """PostgreSQL commits it alone when the client gives up, so that a read finds it."""
    state = store.state(token)
    state["k"] = "old"
    cluster.standby.kill()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            AGAIN[again](state)
    cluster.primary.kill()
    cluster.standby.start()
    cluster.promote()
    state.refresh()
    assert state["k"] == "old"
    AGAIN[again](state)
    assert store.state(token)["k"] == "new"
