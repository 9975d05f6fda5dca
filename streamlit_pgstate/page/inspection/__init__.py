"""The inspector: a page of an app that shows operators what is stored, and changes it if asked.

`admission` decides who may see it, and `reader` has the connections. `page` draws all of it from
`session_list`, `session_page`, `growth_plots` and `expiry_plot`; a session shows its keys, of which
`value` draws a preview and `versions` the history. `difference` compares two versions as
`text_form` writes them. `alone` is the script that `pgstate inspect` runs,
and `server` serves it.

It reads through connections of its own, so it takes none that visitors wait for, and it never opens
a session as a visitor does: no read writes a row, and none moves an expiry.
"""

from __future__ import annotations
