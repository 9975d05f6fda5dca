"""The archive: a session as a folder of files, which people can read and another database can take.

`export` writes the folder and `importing` reads it. `manifest` lists what it holds, `forms` says as
which file a value is written, and `file_names` makes names of files from keys.
"""

from __future__ import annotations
