"""The script that `pgstate inspect` runs: the inspector without the app.

Only who has the link that the command prints may see it: other users of the machine can reach its
port, too.
"""

from __future__ import annotations

import hmac
import json
import os
from pathlib import Path

import streamlit as st

from streamlit_pgstate.page import apps
from streamlit_pgstate.page.inspection import page
from streamlit_pgstate.page.inspection.reader import tables_for

# The environment variable with what the command hands over, as JSON. A docstring here would be
# drawn: Streamlit draws what stands alone on a line of the script.
HANDED_OVER = "PGSTATE_INSPECT"


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="pgstate inspect", page_icon="🐘", layout="wide")
    handed = json.loads(os.environ[HANDED_OVER])
    given = st.query_params.get("key", "")
    if not hmac.compare_digest(given.encode(), handed["key"].encode()):
        st.error("Open the link that `pgstate inspect` has printed: it holds a key.")
        st.stop()
    settings = apps.settings_of(handed["settings"], Path(handed["home"]))
    page.draw(tables_for(settings), may_change=handed["may_change"])


if __name__ == "__main__":
    main()
