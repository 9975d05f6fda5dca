from __future__ import annotations
def test_a_set_is_one_round_trip(store, round_trips):
    state = store.state(store.new_token())
    with round_trips() as trips:
        state.set("a", 1)
    assert len(trips) == 1
    with round_trips() as trips:
        state.set("a", 1)
    assert not trips
