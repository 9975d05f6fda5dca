"""Pages: what a browser tab shows and which states it works with. Knows Streamlit."""

from __future__ import annotations
