"""How numbers are shown, by the benchmarks and by docs/performance.py."""

from __future__ import annotations


def shown(number: float, unit: str = "s") -> str:
    """Return the number with its unit, as a reader would write it.

    Args:
        number: in seconds, if the unit is "s".
        unit: "s"; "x" for a ratio; or a word that stands behind the number.
    """
    if unit == "x":
        return f"{number:.2f}x"
    if unit != "s":
        return f"{number:,.0f} {unit}" if abs(number) >= 100 else f"{number:.3g} {unit}"
    for factor, name in ((1.0, "s"), (1e3, "ms")):
        if number * factor >= 1:
            return f"{number * factor:.2f} {name}"
    return f"{number * 1e6:.1f} µs"
