"""Verbs while a module is imported: refused, as one visitor's value would be everybody's.

Whatever else runs the lines of a file runs them for one visitor, and is let through.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from streamlit_pgstate.component import imports

_numbers = itertools.count()

VERB = "V = pgstate.get('me', 'nobody')\n"


@pytest.fixture
def url(emptied_url: str) -> str:
    return emptied_url


@pytest.fixture
def folder(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an app that uses the test's own database."""
    monkeypatch.setenv("PGSTATE_URL", url)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def module(folder: Path) -> Iterator[Callable[..., str]]:
    """Write a module of a name of its own, and give the name."""
    names: list[str] = []

    def write(lines: str) -> str:
        names.append(f"imported_{next(_numbers)}")
        (folder / f"{names[-1]}.py").write_text(
            f"import streamlit as st\nimport streamlit_pgstate as pgstate\n{lines}\n"
        )
        return names[-1]

    yield write
    for name in names:
        sys.modules.pop(name, None)


def run(folder: Path, lines: str) -> AppTest:
    script = folder / "app.py"
    script.write_text(f"import streamlit as st\nimport streamlit_pgstate as pgstate\n{lines}\n")
    return AppTest.from_file(str(script), default_timeout=30).run()


def assert_refused(app: AppTest, name: str) -> None:
    assert app.exception[0].message.startswith(f"This runs while the module '{name}' is imported.")
    assert not app.markdown


@pytest.mark.parametrize(
    "lines",
    [
        VERB,
        "class C:\n    V = pgstate.get('me')",
        "pgstate.persist('name')",
        "pgstate.mount()",
        "STATE = pgstate.scope()",
        "STATE = pgstate.scope('app')",
        "pgstate.scope('tab')['a'] = 1",
        "pgstate.file_uploader('Upload', key='file')",
    ],
)
def test_a_verb_in_the_body_of_a_module_is_refused(
    folder: Path, module: Callable[..., str], lines: str
) -> None:
    name = module(lines)
    for before in ("", "pgstate.set('me', 'Ada')\n"):
        assert_refused(run(folder, f"{before}import {name}\nst.markdown('ran')"), name)


def test_so_is_one_in_a_function_that_a_module_calls_which_another_imports(
    folder: Path, module: Callable[..., str]
) -> None:
    helper = module("def me():\n    return pgstate.get('me')")
    inner = module(f"import {helper}\nV = [{helper}.me() for _ in range(1)]")
    outer = module(f"def load():\n    import {inner}\nload()")
    app = run(
        folder, f"import importlib, {helper}\n{helper}.me()\nimportlib.import_module('{outer}')"
    )
    assert_refused(app, inner)


def test_so_is_one_in_a_module_that_is_reloaded(folder: Path, module: Callable[..., str]) -> None:
    name = module(f"if 'loaded' in globals():\n    {VERB}\nloaded = True")
    assert_refused(run(folder, f"import importlib, {name}\nimportlib.reload({name})"), name)


ALLOWED = {
    "a function of a module": "{name}.show()",
    "its callback": "st.button('b', key='b', on_click={name}.show)\nshow = {name}.show\nshow()",
    "a module that is there already": "import {name}\n{name}.show()",
    "what a module computes when it is asked": "from {name} import LATER\nst.markdown(LATER)",
    "exec": "exec(compile(open({page!r}).read(), {page!r}, 'exec'), {{'__name__': '__main__'}})",
    "runpy": "import runpy\nrunpy.run_path({page!r})",
    "runpy as main": "import runpy\nrunpy.run_path({page!r}, run_name='__main__')",
    "runpy of a module": "import runpy\nrunpy.run_module('page', alter_sys=True)",
    "a loader": "import importlib.util\n"
    "spec = importlib.util.spec_from_file_location('page', {page!r})\n"
    "spec.loader.exec_module(importlib.util.module_from_spec(spec))",
    "a page": "st.navigation([st.Page({page!r})]).run()",
}


@pytest.mark.parametrize("way", ALLOWED)
def test_what_runs_for_one_visitor_is_let_through(
    folder: Path, module: Callable[..., str], way: str
) -> None:
    name = module(
        "def show():\n    st.markdown(pgstate.get('me'))\n"
        "def __getattr__(name):\n"
        "    if name == 'LATER': return pgstate.get('me')\n"
        "    raise AttributeError(name)"
    )
    (folder / "page.py").write_text(
        "import streamlit as st\nimport streamlit_pgstate as pgstate\n"
        "st.markdown(pgstate.get('me'))"
    )
    lines = ALLOWED[way].format(name=name, page=str(folder / "page.py"))
    app = run(folder, f"import {name}\npgstate.set('me', 'Ada')\n{lines}")
    assert not app.exception, app.exception[0].message
    assert [shown.value for shown in app.markdown] == ["Ada"]
    if app.button:
        assert [shown.value for shown in app.button("b").click().run().markdown] == ["Ada", "Ada"]


def test_a_page_of_the_folder_pages_is_let_through(folder: Path) -> None:
    (folder / "pages").mkdir()
    (folder / "pages" / "two.py").write_text(
        f"import streamlit as st\nimport streamlit_pgstate as pgstate\n{VERB}st.markdown(V)"
    )
    app = run(folder, "st.markdown(pgstate.get('me', 'first'))")
    assert app.markdown[0].value == "first"
    assert app.switch_page("pages/two.py").run().markdown[0].value == "nobody"


def test_settings_types_and_stores_are_allowed_in_a_module(
    folder: Path, module: Callable[..., str], url: str
) -> None:
    name = module(
        "import dataclasses\n"
        "@dataclasses.dataclass\nclass Own:\n    x: int\n"
        "pgstate.register(Own, name='own_of_test_imports')\n"
        "pgstate.configure(app='app of the module')\n"
        f"STORE = pgstate.connect({url!r})\nSTATE = STORE.state(STORE.new_token())\nSTATE['k'] = 1"
    )
    app = run(folder, f"import {name}\nst.markdown(str({name}.STATE['k']))")
    assert not app.exception, app.exception[0].message
    assert app.markdown[0].value == "1"


def test_where_nothing_is_imported_no_call_is_looked_through() -> None:
    assert not imports._locks
    assert len(imports._RUNS_A_MODULE) == 2
