"""CPython's own tests of mappings, `test.mapping_tests`, over states."""

from __future__ import annotations

import pytest

from streamlit_pgstate import State, Store

protocol = pytest.importorskip(
    "test.mapping_tests",
    reason="this Python comes without them; test_mapping.py tries the same without",
)


class TestCPythonsMappingTests(protocol.TestMappingProtocol):  # type: ignore[misc, name-defined]
    """`test.mapping_tests` over states. Where it has numbers as keys, the same with text."""

    # A second object of the same state is made by `Store.state`, and an empty one by a new token.
    test_copy = None
    test_fromkeys = None

    @pytest.fixture(autouse=True)
    def _states(self, store: Store) -> None:
        self.store = store

    def type2test(self, **values: object) -> State:
        state = self.store.state(self.store.new_token())
        state.update(values)
        return state

    def test_values(self) -> None:
        protocol.BasicTestMappingProtocol.test_values(self)
        assert list(self._full_mapping({"1": 2}).values()) == [2]

    def test_items(self) -> None:
        protocol.BasicTestMappingProtocol.test_items(self)
        assert list(self._full_mapping({"1": 2}).items()) == [("1", 2)]

    def test_clear(self) -> None:
        state = self._full_mapping({"1": 1, "2": 2, "3": 3})
        state.clear()
        assert state == {}
        with pytest.raises(TypeError):
            state.clear(None)

    def test_update(self) -> None:
        protocol.BasicTestMappingProtocol.test_update(self)
        state = self._empty_mapping()
        state.update({"1": 100})
        state.update({"2": 20})
        state.update()
        assert state == {"1": 100, "2": 20}
        state.update(self._full_mapping({"1": 2, "5": 6}).items())
        assert state == {"1": 2, "2": 20, "5": 6}
        state.update([("x", 100), ("y", 20)], x=1, z=3)
        assert state == {"1": 2, "2": 20, "5": 6, "x": 1, "y": 20, "z": 3}

        class HasKeys:
            def keys(self) -> list[str]:
                return ["1", "x"]

            def __getitem__(self, key: str) -> str:
                return f"value of {key}"

        state.clear()
        state.update(HasKeys())
        assert state == {"1": "value of 1", "x": "value of x"}

    def test_setdefault(self) -> None:
        """As there, up to the list that is appended to: see the tests of setdefault below."""
        protocol.BasicTestMappingProtocol.test_setdefault(self)
        state = self._empty_mapping()
        assert state.setdefault("key0") is None
        assert state.setdefault("key0", ()) is None

    def test_popitem(self) -> None:
        """As there, with up to 8 keys and not 2,048."""
        protocol.BasicTestMappingProtocol.test_popitem(self)
        for size in (1, 2, 4, 8):
            one, other = (
                self._full_mapping({repr(number): number for number in range(size)})
                for _ in range(2)
            )
            for _ in range(size):
                key, value = taken = one.popitem()
                assert value == int(key)
                assert other.popitem() == taken
            assert not one
            assert not other
