"""A session as a Python mapping. Knows neither Streamlit nor SQL."""

from __future__ import annotations
