"""Calls: each is noted before it begins and after it has ended, with how it ended."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from chaos import journal, verdict
from chaos.history import ACKNOWLEDGED, IDLE, REFUSED, UNKNOWN
from chaos.journal import Journal
from chaos.stored import Doubled, Mixed, Spoilt
from streamlit_pgstate import DecodeError, StoreUnavailable

T = TypeVar("T")

WRONG_VALUES = {
    Spoilt: verdict.HALF,
    DecodeError: verdict.HALF,
    Mixed: verdict.MIXED,
    Doubled: verdict.DOUBLED,
}
"""What is wrong with a value that raises this when it is read."""


class Nothing(Exception):
    """A call has found nothing to change, and so has changed nothing."""


class Caller:
    """Calls verbs on behalf of one hand, and keeps the journal of them.

    Args:
        journal: of this process.
        name: unlike that of any other caller of the run.
    """

    def __init__(self, journal: Journal, name: str) -> None:
        self.journal = journal
        self._name = name
        self._count = 0
        self.last = ""
        """How the last call has ended."""

    def next_name(self) -> str:
        self._count += 1
        return f"{self._name}.{self._count}"

    def call(
        self,
        action: Callable[[], T],
        *,
        name: str,
        answer: Callable[[T], dict[str, Any]] = lambda _: {},
        **facts: Any,
    ) -> T | None:
        """Call a verb; what it returned, or None where it has failed.

        Args:
            action: calls it.
            name: of this call: no other has it.
            answer: makes facts of what the verb has returned.
            **facts: about the call, for its judgement.
        """
        self.journal.write(journal.BEGINS, name=name, **facts)
        found = None
        try:
            found = action()
            ended = {"outcome": ACKNOWLEDGED, **answer(found)}
        except Nothing:
            ended = {"outcome": IDLE}
        except StoreUnavailable as error:
            is_refused = "othing was stored" in str(error)
            ended = {"outcome": REFUSED if is_refused else UNKNOWN, "error": str(error)}
        except tuple(WRONG_VALUES) as error:
            self.note_wrong_value(error)
            ended = {"outcome": UNKNOWN}
        except Exception as error:  # noqa: BLE001 - any is a finding, which the verdict shows
            self.note_strange(error)
            ended = {"outcome": UNKNOWN}
        self.journal.write(journal.ENDS, name=name, **ended)
        self.last = ended["outcome"]
        return found

    def note_wrong_value(self, error: Exception) -> None:
        promise = next(name for kind, name in WRONG_VALUES.items() if isinstance(error, kind))
        self.note_broken(promise, f"{type(error).__name__}: {error}")

    def note_strange(self, error: Exception) -> None:
        text = "".join(traceback.format_exception(error))
        self.note_broken(verdict.STRANGE, text)

    def note_broken(self, promise: str, how: str) -> None:
        self.journal.write(journal.BREAKS, promise=promise, how=how)
