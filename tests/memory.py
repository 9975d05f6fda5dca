"""Where the data of the tests' servers lies: in memory, if the machine has a file system there.

On ext4 a third of the CPU of tests/postgres went to the files of databases that are made and
dropped: the kernel looks for the number of a file that was not in use in the last five seconds.
"""

from __future__ import annotations

import os
import shutil

_FOLDER = "/dev/shm"
_ROOM = 4 * 2**30  # each worker's server keeps up to 1 GB of its log


def folder() -> str | None:
    """One in memory that has room, or None: then the folder of temporary files will do."""
    if not os.path.isdir(_FOLDER) or shutil.disk_usage(_FOLDER).free < _ROOM:
        return None
    return _FOLDER
