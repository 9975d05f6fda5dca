"""Values through a real PostgreSQL, stored by one process and read by another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from libraries import NEEDED

from streamlit_pgstate import Store
from streamlit_pgstate.codecs import Payload, decode, encode

BODIES = Path(__file__).parents[1] / "bodies"
MANIFEST = json.loads((BODIES / "manifest.json").read_text())
READER = """
import json, sys
import streamlit_pgstate as pgstate
from streamlit_pgstate.codecs import encode
url, token = sys.argv[1:]
state = pgstate.connect(url).state(token)
print(json.dumps({key: encode(state[key], key=key).digest.hex() for key in state}))
"""


def test_every_kind_of_value_comes_back_in_another_process(store: Store, url: str) -> None:
    token = store.new_token()
    values = {}
    for entry in MANIFEST:  # types of a user's own are read where they are registered
        payload = Payload(entry["kind"], (BODIES / entry["file"]).read_bytes())
        library, _ = NEEDED.get(payload.kind.partition(".")[0], ("none", ""))
        if library is None:
            continue  # test_missing_libraries.py reads these
        if "registered" not in payload.kind and b"$registered" not in payload.body:
            values[entry["file"]] = decode(payload, key=entry["file"])
    store.state(token).update(values)

    done = subprocess.run(
        [sys.executable, "-c", READER, url, token], capture_output=True, text=True, check=True
    )

    assert len(values) > 50
    assert json.loads(done.stdout) == {
        key: encode(value, key=key).digest.hex() for key, value in values.items()
    }
