"""The stream of docs/persist.md, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from cases import case

DOCUMENT = Path(__file__).parents[2] / "docs" / "persist.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
(STREAM,) = (block for block in BLOCKS if "write_stream" in block)


@case
def streamed_chat() -> None:
    exec(compile(STREAM, str(DOCUMENT), "exec"), {"__name__": "__main__"})
