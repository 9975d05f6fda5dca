"""Lies: what a browser may send that no page of this package would, from a seed."""

from __future__ import annotations

import json
import os
import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

FIXED_SEED = 20261128

ALPHABET = string.ascii_letters + string.digits + "-_"
ODD_TEXT = (
    *("", " ", "\0", "a\0b", "\n", "é", "\ud800", "\udfff\ud800", "🌍", "\u202e", "\x1b[31m", "Ａ"),
    *("'", '"', "'; DROP TABLE pgstate.session; --", "%s", "%(id)s", "{schema}", "\\", "$1", "--"),
    *("../../etc/passwd", "<script>alert(1)</script>", "__proto__", "__class__", "None", "null"),
    *("true", "NaN", "1e999", "-0", "0x10", "١٢", "a" * 255, "a" * 256, "a" * 5000, "é" * 255),
)
NUMBERS = (
    *(0, 1, -1, 2, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**300),
    *(0.5, -0.0, 1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
)


def seeds() -> Iterator[int]:
    """A fixed one, and one that no run had before; FUZZ_SEED repeats one of a failed run."""
    given = os.environ.get("FUZZ_SEED")
    for seed in [int(given)] if given else [FIXED_SEED, random.SystemRandom().randrange(10**9)]:
        print(f"FUZZ_SEED={seed}")  # pytest shows it where the test fails
        yield seed


def rounds(short: int) -> int:
    """How many lies a test tells for each seed: `short` of them, or half of FUZZ."""
    return int(os.environ["FUZZ"]) // 2 if "FUZZ" in os.environ else short


class Lies(random.Random):
    """Tells lies. The same seed tells the same ones."""

    def text(self) -> str:
        if self.random() < 0.6:
            return self.choice(ODD_TEXT)
        size = self.choice((1, 3, 16, 64, 115, 128, 129, 300))
        letters = self.choice((ALPHABET, string.printable, "\0\ud800é🌍a.", "0123456789abcdef"))
        return "".join(self.choices(letters, k=size))

    def scalar(self) -> Any:
        kind = self.random()
        if kind < 0.4:
            return self.text()
        return self.choice(NUMBERS) if kind < 0.7 else self.choice((None, True, False))

    def value(self, depth: int = 3) -> Any:
        """Any JSON, of any shape."""
        kind = self.random()
        if depth == 0 or kind < 0.6:
            return self.scalar()
        if kind < 0.8:
            return [self.value(depth - 1) for _ in range(self.randrange(5))]
        if kind < 0.98:
            return {self.text(): self.value(depth - 1) for _ in range(self.randrange(5))}
        return self.nested(self.choice((50, 500)))

    def nested(self, levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value] if self.random() < 0.5 else {"a": value}
        return value

    def mapping(self, fields: Mapping[str, Callable[[], Any]]) -> Any:
        """A message with these fields, each true, a lie or not there; or no such message."""
        if self.random() < 0.05:
            return self.value()
        found = {}
        for name, true in fields.items():
            kind = self.random()
            if kind < 0.75:
                found[name] = true()
            elif kind < 0.95:
                found[name] = self.value()
        if self.random() < 0.1:
            found[self.text()] = self.value()
        return found

    def changed(self, text: str) -> str:
        """A text with something in it changed: cut, longer, doubled, another character."""
        place = self.randrange(len(text) + 1)
        kind = self.randrange(7)
        if kind == 0:
            return text[:place]
        if kind == 1:
            return text + self.text()
        if kind == 2:
            return text[:place] + self.text() + text[place:]
        if kind == 3:
            return text[place:] + text[:place]
        if kind == 4:
            return text.swapcase()
        other = self.choice(ALPHABET if kind == 5 else ODD_TEXT)
        return text[:place] + other + text[place + 1 :]

    def token(self, good: Sequence[str]) -> str:
        """A token that is none: changed ones, parts of several, and what only has the shape."""
        kind = self.random()
        if kind < 0.5 and good:
            return self.changed(self.choice(good))
        if kind < 0.7 and good:
            return ".".join(self.choice(good).split(".")[part] for part in range(3))
        if kind < 0.9:
            sizes = (64, self.randrange(4, 9), 43)
            return ".".join("".join(self.choices(ALPHABET, k=size)) for size in sizes)
        return self.text()

    def veiled(self, text: str, veil: bytes) -> str:
        """As the component veils a token in what it reports."""
        data = text.encode("latin-1", "replace")
        return bytes(a ^ b for a, b in zip(data, veil, strict=False)).hex()

    def state_text(self, state: object) -> str:
        """A component's state as text: JSON, which may hold NaN and lone surrogates, or none."""
        written = json.dumps(state)
        return self.changed(written) if self.random() < 0.05 else written
