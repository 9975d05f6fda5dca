"""The identity of widgets, by which Streamlit assigns the values that the page sends to widgets.

When a tab goes over to another state, all widgets of its page get a new identity. The page draws
them anew, as after F5. Values that it still sends for the former widgets have no effect.
"""

from __future__ import annotations

import functools
import logging
import threading
from typing import Any, Final

from streamlit_pgstate.component import KEY, script

_LOG = logging.getLogger(__name__)

_NUMBER: Final = f"_{KEY}_identity"
"""The attribute in which a tab keeps the number of its present identity. A tab without it has the
first identity, which is Streamlit's own."""

_lock = threading.Lock()


def renew() -> None:
    """Give all widgets of this tab's page a new identity, except this package's component."""
    with _lock:
        _install()
    tab = script.tab()
    setattr(tab, _NUMBER, getattr(tab, _NUMBER, 0) + 1)


@functools.cache
def _install() -> None:
    """Include the number in each widget's id, from now on in this process.

    Private part: `elements.lib.utils._compute_element_id`, which hashes what distinguishes a widget
    from others, seen in 1.51 to 1.67. Without it widgets keep their identity, and the page shows
    values of the former state until F5.
    """
    from streamlit.elements.lib import utils

    compute = getattr(utils, "_compute_element_id", None)
    if compute is None:
        _LOG.warning(
            "This version of Streamlit does not show how it makes the ids of widgets. When a page "
            "goes over to another state, its widgets go on showing values of the former state. "
            "Reload such a page."
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
