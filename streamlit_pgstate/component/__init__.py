"""The component in the page, and the private parts of Streamlit that this package leans on.

Each private part has its own function here, which says in which versions it was seen (1.51
and 1.67, the oldest and the newest tried) and what happens when it is gone.
"""

from __future__ import annotations

KEY = "streamlit_pgstate"
"""What all keys in `st.session_state` begin with that are ours."""
