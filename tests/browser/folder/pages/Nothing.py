"""A page without a verb of the app with a folder `pages`."""

from __future__ import annotations

from cases import logged, nothing

with logged():
    nothing()
