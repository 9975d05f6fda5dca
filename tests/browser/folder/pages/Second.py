"""The second page of the app with a folder `pages`."""

from __future__ import annotations

from cases import logged, visits

with logged():
    visits()
