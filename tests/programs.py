"""A program of the system that a test starts; apt installs it where it is lacking and may be."""

from __future__ import annotations

import os
import shutil
import subprocess


def program(name: str) -> str:
    """The path of a program whose Debian package has its name."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"
    found = shutil.which(name, path=path)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", name]
        subprocess.run(install, check=True)
        found = shutil.which(name, path=path)
    assert found, f"install {name} (apt-get install {name}): some tests need it"
    return found
