"""What a worker process does for a script: it needs a module that both can import."""

from __future__ import annotations

import streamlit_pgstate as pgstate


def new_token() -> str:
    return pgstate.connect().new_token()
