"""The main page of an app with a folder `pages`."""

from __future__ import annotations

from cases import logged, visits

with logged():
    visits()
