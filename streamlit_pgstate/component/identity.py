"""The identity of widgets: by it Streamlit knows which widget a value from the page is of.

When a tab goes over to another state, all widgets of its page get a new identity. The page draws
them anew, as after F5. What it still sends of the former ones has no effect, however late it comes.
"""

from __future__ import annotations

import functools
import logging
import threading
from typing import Any, Final

from streamlit_pgstate.component import KEY, script

_LOG = logging.getLogger(__name__)

_NUMBER: Final = f"_{KEY}_identity"
"""Where a tab has the number of its present identity; without it: the first, Streamlit's own."""

_lock = threading.Lock()


def renew() -> None:
    """Give all widgets of this tab's page, but for our own component, a new identity."""
    with _lock:
        _install()
    tab = script.tab()
    setattr(tab, _NUMBER, getattr(tab, _NUMBER, 0) + 1)


@functools.cache
def _install() -> None:
    """Have the number take part in each widget's id: once a process.

    `elements.lib.utils._compute_element_id`, which hashes what tells a widget from others, seen in
    1.51 to 1.67. Without it widgets keep their identity: then the page goes on showing what it has
    shown of the former state, up to F5.
    """
    from streamlit.elements.lib import utils

    compute = getattr(utils, "_compute_element_id", None)
    if compute is None:
        _LOG.warning(
            "Widgets keep what they show when a page goes over to another state: this version of "
            "Streamlit does not show how it names them. Reload such a page."
        )
        return

    @functools.wraps(compute)
    def compute_with_number(element_type: str, user_key: str | None = None, **parts: Any) -> str:
        is_ours = user_key is not None and user_key.startswith(KEY)
        number = 0 if is_ours or not script.is_script() else getattr(script.tab(), _NUMBER, 0)
        if number:
            parts[_NUMBER] = number
        element_id: str = compute(element_type, user_key, **parts)
        return element_id

    utils._compute_element_id = compute_with_number
