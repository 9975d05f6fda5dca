"""Runs the tests of values with other versions of what they are made of, and without some of it.

And those of widgets and of the browser with the lowest version of Streamlit.

Each environment is made anew by uv, from pyproject.toml. Run: make matrix, or for some of them
python tests/matrix.py lowest without-polars. Nothing else is tested here than in make test.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".venv" / "matrix"
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
WORKERS = os.environ.get("WORKERS", "2")
TESTS = (
    "tests/unit",
    "tests/postgres/test_missing_libraries.py",
    "tests/postgres/test_stored_by_another.py",
)
SHOWN = (
    *("streamlit", "pandas", "numpy", "pyarrow", "polars", "scipy", "pillow", "pydantic"),
    *("plotly", "altair", "shapely", "geopandas", "pyproj"),
)
VERSIONS = f"""
import json, platform
from importlib.metadata import distributions
found = {{part.name.lower(): part.version for part in distributions()}}
print(json.dumps([platform.python_version(), *(found.get(name, "–") for name in {SHOWN})]))
"""


@dataclass(frozen=True)
class Environment:
    """What is installed.

    Attributes:
        name: for the command line and the folder.
        pins: requirements beside those of pyproject.toml.
        without: what is taken out again. Streamlit wants Pillow, and does without it until an
            app shows an image.
        python: another version than that which runs this.
        lowest: of all that pyproject.toml names the lowest version that it allows.
        more: tests that are run with it beside those of values.
    """

    name: str
    pins: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    python: str = sys.executable
    lowest: bool = False
    more: tuple[str, ...] = ()


BARE = (
    *("polars", "scipy", "pillow", "pydantic", "plotly", "altair", "matplotlib"),
    *("geopandas", "pyproj", "shapely"),
)

ENVIRONMENTS = (
    Environment("lowest", lowest=True, more=("tests/postgres/persist", "tests/browser")),
    Environment("pandas-2.2", ("pandas==2.2.*", "numpy>=2")),
    Environment("pandas-2.3", ("pandas==2.3.*", "numpy>=2")),
    Environment("newest"),
    Environment("without-polars", without=("polars",)),
    Environment("without-scipy", without=("scipy",)),
    Environment("without-pillow", without=("pillow",)),
    Environment("without-figures", without=("plotly", "altair", "matplotlib")),
    Environment("without-geopandas", without=("geopandas", "pyproj")),
    Environment("without-shapely", without=("geopandas", "shapely")),
    Environment("bare", without=BARE),
    Environment("python-3.12", python="3.12"),
    Environment("python-3.13", python="3.13"),
)


def main(names: list[str]) -> int:
    unknown = set(names) - {environment.name for environment in ENVIRONMENTS}
    if unknown:
        print(f"no environment: {', '.join(sorted(unknown))}")
        return 2
    chosen = [environment for environment in ENVIRONMENTS if environment.name in names or not names]
    rows = [["", "Python", *SHOWN, "result"], *map(run, chosen)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    return int(any(not row[-1].startswith("passed") for row in rows[1:]))


def run(environment: Environment) -> list[str]:
    """A row of the table: what was there, and what came of it."""
    print(f"--- {environment.name}", flush=True)
    python = make(environment)
    if python is None:
        return [environment.name, *["?"] * (1 + len(SHOWN)), "could not be made"]
    done = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True)
    versions = dict(zip(("Python", *SHOWN), json.loads(done.stdout), strict=True))
    assert all(versions[name] == "–" for name in environment.without), versions
    tests = subprocess.run(
        [
            python,
            "-m",
            "pytest",
            "-q",
            "-n",
            WORKERS,
            "-p",
            "no:cacheprovider",
            *TESTS,
            *environment.more,
        ],
        cwd=ROOT,
        check=False,
    )
    result = "passed" if tests.returncode == 0 else f"failed ({tests.returncode})"
    return [environment.name, *versions.values(), result]


def make(environment: Environment) -> Path | None:
    """Install; gives the interpreter."""
    folder = FOLDER / environment.name
    python = folder / "bin" / "python"
    shutil.rmtree(folder, ignore_errors=True)
    install = (
        *("pip", "install", "--quiet", "--python", str(python)),
        *("--resolution", "lowest-direct" if environment.lowest else "highest"),
        *("--editable", ".[embedded]", "--group", "test", *environment.pins),
    )
    remove = ("pip", "uninstall", "--quiet", "--python", str(python), *environment.without)
    commands = [("venv", "--quiet", "--python", environment.python, str(folder)), install]
    for command in [*commands, remove] if environment.without else commands:
        if subprocess.run([UV, *command], cwd=ROOT, check=False).returncode:
            return None
    return python


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
