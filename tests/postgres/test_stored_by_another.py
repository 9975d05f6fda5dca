"""Values through a real PostgreSQL, stored by one process and read by another.

The other process says what it has found: the fingerprint of the value, made there, and the digest
of what it would write. Then it writes the value itself, and this process reads that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import own_types  # noqa: F401  # which registers them, for this process
import pytest
from fingerprint import fingerprint
from hypothesis import given, settings
from hypothesis import strategies as st
from libraries import what_is_missing
from strategies.anything import ALONE, FAMILIES, refused
from strategies.large import large_values

from streamlit_pgstate import State, UnsupportedType, connect
from streamlit_pgstate.codecs import Payload, decode, encode

TESTS = Path(__file__).parents[1]
MANIFEST = json.loads((TESTS / "bodies" / "manifest.json").read_text())

pytestmark = pytest.mark.xdist_group("another")  # they share a process that takes 2 s to start


class Another:
    """The other process: `tests/another_process.py`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def reads(self, key: str, *, and_writes: str | None = None) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"read": key, "write": and_writes}), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer
        return answer


@pytest.fixture(scope="module")
def token_and_state(shared_url: str) -> Iterator[tuple[str, State]]:
    store = connect(shared_url)
    token = store.new_token()
    yield token, store.state(token, cache=False)
    store.close()


@pytest.fixture(scope="module")
def here(token_and_state: tuple[str, State]) -> State:
    return token_and_state[1]


@pytest.fixture(scope="module")
def another(shared_url: str, token_and_state: tuple[str, State]) -> Iterator[Another]:
    """The other process, for all examples: to start one takes 2 s."""
    command = [sys.executable, str(TESTS / "another_process.py"), shared_url, token_and_state[0]]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield Another(process)
        assert process.stdin is not None
        process.stdin.close()


class Drawn:
    """A value, as Hypothesis shows it: pandas raises over labels without a hash or after 9999."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        try:
            return repr(self.value)
        except Exception as error:  # noqa: BLE001  # pandas cannot show all
            return f"a {type(self.value).__name__}, over whose repr there is {error!r}"


def stays_the_same(value: object, here: State, another: Another) -> None:
    given = fingerprint(value)

    here["value"] = value
    there = another.reads("value", and_writes="written there")

    assert there["fingerprint"] == given
    assert there["digest"] == encode(value, key="k").digest.hex()
    assert fingerprint(here["written there"]) == given
    assert fingerprint(value) == given


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=settings().max_examples // 4)
@given(data=st.data())
def test_any_value_is_the_same_in_another_process(
    family: str, data: st.DataObject, here: State, another: Another
) -> None:
    drawn = data.draw(FAMILIES[family].map(Drawn), label=family)
    stays_the_same(drawn.value, here, another)


@settings(max_examples=settings().max_examples // 5)
@given(value=large_values())
def test_any_large_value_is_the_same_in_another_process(
    value: object, here: State, another: Another
) -> None:
    stays_the_same(value, here, another)


@given(value=st.one_of(*ALONE.values()), culprit=refused())
def test_what_is_refused_leaves_what_was_there(
    value: object, culprit: object, here: State, another: Another
) -> None:
    here.update({"value": value, "beside": 1})

    with pytest.raises(UnsupportedType, match=r"^'value' "):
        here["value"] = culprit
    with pytest.raises(UnsupportedType, match=r"^'value' "):
        here.update({"beside": 2, "value": culprit})

    assert another.reads("value")["fingerprint"] == fingerprint(value)
    assert here["beside"] == 1


def test_every_kind_of_value_comes_back_in_another_process(here: State, another: Another) -> None:
    values = {}
    for entry in MANIFEST:
        payload = Payload(entry["kind"], (TESTS / "bodies" / entry["file"]).read_bytes())
        if what_is_missing(entry) is None:  # test_stored_values.py reads the others
            values[entry["file"]] = decode(payload, key=entry["file"])
    here.update(values)

    assert len(values) > 60
    for key, value in values.items():
        there = another.reads(key)
        assert there["fingerprint"] == fingerprint(value)
        assert there["digest"] == encode(value, key=key).digest.hex()
