"""How strategies are made: once, and known by their names."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st


def once(make):
    """Make a strategy once for the same arguments.

    To make and to check it for every example anew took 40 of 50 ms; and it shows as its name, not
    as the megabytes of all that it is made of.
    """

    @cache
    def made(*args, **options):
        strategy = make(*args, **options)

        def draw_it(draw):
            return draw(strategy)

        draw_it.__name__ = draw_it.__qualname__ = make.__name__
        return st.composite(draw_it)()

    return made
