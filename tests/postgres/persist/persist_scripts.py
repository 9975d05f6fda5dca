"""What the tests of this folder share: a script with one widget, and its runs."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def ran(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, app.exception
    return app


SIZE = 'pgstate.persist("size"); st.text_input("Size", key="size")'
