"""Runs the command as ``python -m streamlit_pgstate.cli``."""

from __future__ import annotations

from streamlit_pgstate.cli import main

main(prog_name="pgstate")
