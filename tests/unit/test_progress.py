"""Long work is shown to whoever waits for it; short work to nobody."""

from __future__ import annotations

import threading

import pytest

from streamlit_pgstate.state import progress
from streamlit_pgstate.state.progress import Work


class Visitor:
    """Remembers what it was shown, and tells when."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, float]] = []
        self.sees = threading.Event()
        self.is_over = threading.Event()

    def show(self, text: str, fraction: float) -> None:
        self.shown.append((text, fraction))
        self.sees.set()

    def hide(self) -> None:
        self.is_over.set()


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> Visitor:
    visitor = Visitor()
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    return visitor


def test_long_work_is_shown_until_it_ends(visitor: Visitor) -> None:
    with Work("Saving 'matrix'", lambda: visitor):
        assert visitor.sees.wait(10)
        assert not visitor.is_over.is_set()
    assert visitor.is_over.is_set()
    assert visitor.shown == [("Saving 'matrix' …", 0.0)]


def test_how_far_it_is_is_shown(visitor: Visitor) -> None:
    with Work("Saving 'matrix'", lambda: visitor) as work:
        work.reach(3 * 2**20, 12 * 2**20)
        assert visitor.sees.wait(10)
        visitor.sees.clear()
        work.reach(12 * 2**20, 12 * 2**20)
        assert visitor.sees.wait(10)
    assert visitor.shown == [
        ("Saving 'matrix': 3 of 12 MiB", 0.25),
        ("Saving 'matrix': 12 of 12 MiB", 1.0),
    ]


def test_what_cannot_be_shown_does_not_disturb_the_work(visitor: Visitor) -> None:
    def show(text: str, fraction: float) -> None:
        visitor.sees.set()
        raise RuntimeError

    visitor.show = show  # type: ignore[method-assign]  # a page that is gone, say
    with Work("Saving 'matrix'", lambda: visitor):
        assert visitor.sees.wait(10)


def test_an_error_ends_what_is_shown(visitor: Visitor) -> None:
    with pytest.raises(ZeroDivisionError), Work("Saving 'matrix'", lambda: visitor):
        raise ZeroDivisionError(visitor.sees.wait(10))
    assert visitor.sees.is_set()
    assert visitor.is_over.is_set()


def test_two_who_wait_see_each_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    visitors = {name: Visitor() for name in ("one", "two")}
    both = threading.Barrier(2)

    def work() -> None:
        name = threading.current_thread().name
        with Work(name, lambda: visitors[name]):
            assert visitors[name].sees.wait(10)
            both.wait(10)

    threads = [threading.Thread(target=work, name=name) for name in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: visitor.shown for name, visitor in visitors.items()} == {
        "one": [("one …", 0.0)],
        "two": [("two …", 0.0)],
    }


def test_short_work_is_shown_to_nobody(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    with Work("long enough for the thread that looks to have looked", lambda: visitor):
        assert not visitor.sees.wait(0.5)
    assert not visitor.is_over.is_set()


def test_where_nobody_waits_no_thread_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = progress._Watch()
    monkeypatch.setattr(progress, "_watch", watch)
    with Work("Saving 'matrix'", lambda: None) as work:
        work.reach(1, 2)
    assert watch._thread is None


def test_the_thread_that_looks_ends_when_there_is_nothing_to_see(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = progress._Watch()
    monkeypatch.setattr(progress, "_watch", watch)
    monkeypatch.setattr(progress, "_RESTS_AFTER", 0.0)
    with Work("Saving 'matrix'", lambda: visitor):
        thread = watch._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
    visitor.sees.clear()
    with Work("Saving 'matrix' again", lambda: visitor):
        assert visitor.sees.wait(10)
