"""Streamlit's command line, with what the inspector's first page needs imported beforehand.

Streamlit imports a script's modules in its first run, while its reader waits: 1.1 of the 2.7 s
until the first page was drawn. Here they are imported before the server answers.
"""

from __future__ import annotations

from streamlit.web import cli

from streamlit_pgstate.page.inspection import alone as alone

if __name__ == "__main__":
    cli.main(prog_name="streamlit")
