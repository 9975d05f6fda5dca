"""The scripts whose widgets nobody can set: data editors, uploads, photos and recordings."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import pandas as pd
import streamlit as st
from cases import case, logged, note

import streamlit_pgstate as pgstate


def frame() -> pd.DataFrame:
    """One column of each kind that an editor's column may have."""
    return pd.DataFrame(
        {
            "name": ["ada", "bob", "cyd"],
            "count": [1, 2, 3],
            "done": [True, False, True],
            "price": [0.5, 1.5, 2.5],
            "day": [datetime.date(2024, 1, day) for day in (1, 2, 3)],
            "kind": pd.Categorical(["x", "y", "x"]),
        }
    )


def note_table(table: pd.DataFrame) -> None:
    note(
        id=str(pgstate.scope().id),
        rows=[[str(cell) for cell in row] for row in table.itertuples(index=False)],
        dtypes=[str(dtype) for dtype in table.dtypes],
        index=[str(label) for label in table.index],
        edits=st.session_state["table"],
        stored=pgstate.get("table"),
    )


@case
def table() -> None:
    """The base changes with `?base=`; `?rows=` says which rows may come and go."""
    base = frame()
    if "base" in st.query_params or st.toggle("another table"):
        base["count"] += 100
    note_table(
        pgstate.data_editor(
            base,
            key="table",
            num_rows=st.query_params.get("rows", "dynamic"),
            on_change=lambda: st.session_state.update(called=st.session_state.get("called", 0) + 1),
        )
    )
    note(called=st.session_state.get("called", 0))
    st.button("run")
    if st.button("delete"):
        pgstate.delete("table")


@case
def table_fed_back() -> None:
    """Gives the editor its own output, as many do."""
    if "frame" not in st.session_state or st.button("begin again"):
        st.session_state.frame = frame()
    st.session_state.frame = pgstate.data_editor(
        st.session_state.frame, key="table", num_rows="dynamic"
    )
    note_table(st.session_state.frame)
    st.button("run")


@case
def table_kept_by_the_script() -> None:
    """Gives the editor what it has stored of the editor's own output."""
    table = pgstate.data_editor(pgstate.get("frame", frame()), key="table", num_rows="dynamic")
    pgstate.set("frame", table)
    note_table(table)
    st.button("run")


@case
def table_saved() -> None:
    """Saves the edited table and deletes the edits: `?how=` says when, `?kept=` says where."""
    how, kept = st.query_params["how"], st.query_params["kept"]
    first = frame()[["name", "count"]].to_dict("records")
    if kept == "persist":
        pgstate.persist(saved=first)
    saved = st.session_state.saved if kept == "persist" else pgstate.get("saved", first)
    table = pd.DataFrame(saved)
    edited = pgstate.data_editor(table, key="table", num_rows="dynamic")
    note_table(edited)
    note(given=list(table["name"]))

    def save() -> None:
        if kept == "persist":
            st.session_state.saved = edited.to_dict("records")
        else:
            pgstate.set("saved", edited.to_dict("records"))
        pgstate.delete("table")

    if how == "callback":
        st.button("save", on_click=save)
    elif how == "auto":
        if not edited.equals(table):
            save()
            st.rerun()
    elif st.button("save"):
        save()
        if how == "button":
            st.rerun()
    if st.button("reset"):
        pgstate.delete("table")
    st.button("run")


@case
def table_saved_by_its_callback() -> None:
    """Saves what `st.session_state` has of the edits, as is usual with a database."""
    table = pd.DataFrame(pgstate.get("saved", frame()[["name", "count"]].to_dict("records")))

    def save() -> None:
        for row, cells in st.session_state["table"]["edited_rows"].items():
            for name, value in cells.items():
                table.loc[row, name] = value
        pgstate.set("saved", table.to_dict("records"))
        pgstate.delete("table")

    note_table(pgstate.data_editor(table, key="table", on_change=save))
    note(given=list(table["name"]))
    st.button("run")


@case
def table_sent() -> None:
    """Sends what was filled in to somewhere else, and begins with an empty sheet again."""
    sheet = pd.DataFrame({"name": [""], "count": [0]})

    def send() -> None:
        [cells] = st.session_state["table"]["edited_rows"].values()
        pgstate.modify("sent", lambda sent: [*sent, cells["name"]], default=[])
        pgstate.delete("table")

    note_table(pgstate.data_editor(sheet, key="table", on_change=send))
    note(sent=pgstate.get("sent"))


@case
def table_in_form_saved() -> None:
    """A form that empties itself, around a table that is saved."""
    table = pd.DataFrame(pgstate.get("saved", frame()[["name", "count"]].to_dict("records")))
    with st.form("form", clear_on_submit=True):
        edited = pgstate.data_editor(table, key="table", num_rows="dynamic")
        sent = st.form_submit_button("save")
    note_table(edited)
    note(given=list(table["name"]))
    if sent:
        pgstate.set("saved", edited.to_dict("records"))
        pgstate.delete("table")
        st.rerun()


@case
def table_grown() -> None:
    """A table whose rows change by buttons, above an editor of it."""
    first = pd.DataFrame({"name": ["ada", "bob"], "count": [1, 2]})
    new = pd.DataFrame({"name": ["new"], "count": [2.5]})
    table = pgstate.get("rows", first)
    if st.button("add"):
        table = pd.concat([table, new], ignore_index=True)
    if st.button("add a label twice"):
        table = pd.concat([table, new])
    if st.button("change"):
        table.loc[0, "name"] = "zoe"
    pgstate.set("rows", table)
    note_table(pgstate.data_editor(table, key="table", num_rows="dynamic"))
    st.button("run")


@case
def table_hidden() -> None:
    if st.toggle("show", value=True):
        note_table(pgstate.data_editor(frame(), key="table", num_rows="dynamic"))
    st.button("run")


@case
def table_in_form() -> None:
    with st.form("form"):
        table = pgstate.data_editor(frame(), key="table", num_rows="dynamic")
        st.form_submit_button("send")
    note_table(table)


@case
def table_in_fragment() -> None:
    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            note_table(pgstate.data_editor(frame(), key="table", num_rows="dynamic"))

    part()


@case
def table_in_dialog() -> None:
    @st.dialog("Dialog")
    def dialog() -> None:
        with logged(fragment=True):
            note_table(pgstate.data_editor(frame(), key="table", num_rows="dynamic"))

    if st.button("open"):
        dialog()


@case
def table_below_a_stop() -> None:
    """The run of an edit does not come to the editor."""
    if st.session_state.pop("stop", False):
        st.stop()
    pgstate.data_editor(frame(), key="table", on_change=lambda: st.session_state.update(stop=True))


def _facts(file: Any) -> Any:
    if file is None:
        return None
    if isinstance(file, list):
        return [_facts(one) for one in file]
    content = file.read()
    digest = hashlib.sha256(content).hexdigest()
    return [type(file).__name__, file.name, file.type, file.size, digest, file.file_id]


def note_files(**files: Any) -> None:
    note(**{name: _facts(file) for name, file in files.items()})
    note(versions={key: pgstate.scope()._session.entry_version(key) for key in files})


@case
def upload() -> None:
    changed = st.session_state.setdefault("changed", [])
    one = pgstate.file_uploader(
        "One file", key="one", on_change=lambda: changed.append(_facts(st.session_state["one"]))
    )
    many = pgstate.file_uploader("Many files", key="many", accept_multiple_files=True)
    note_files(one=one, many=many)
    note(changed=changed)
    st.button("run")
    if st.button("delete"):
        pgstate.delete("one")


@case
def upload_of_a_type() -> None:
    note_files(one=pgstate.file_uploader("One file", type=["csv"], key="one", help="Some help"))


@case
def upload_of_a_folder() -> None:
    many = pgstate.file_uploader("A folder", key="many", accept_multiple_files="directory")
    note_files(many=many)


@case
def upload_disabled() -> None:
    is_disabled = st.toggle("disable")
    note_files(one=pgstate.file_uploader("One file", key="one", disabled=is_disabled))


@case
def upload_in_form() -> None:
    with st.form("form"):
        one = pgstate.file_uploader("One file", key="one")
        many = pgstate.file_uploader("Many files", key="many", accept_multiple_files=True)
        st.form_submit_button("send")
    note_files(one=one, many=many)


@case
def upload_in_fragment() -> None:
    @st.fragment
    def part() -> None:
        with logged(fragment=True):
            note_files(one=pgstate.file_uploader("One file", key="one"))

    part()


@case
def upload_in_places() -> None:
    with st.sidebar:
        one = pgstate.file_uploader("One file", key="one")
    left, right = st.columns(2)
    with left:
        photo = pgstate.camera_input("A photo", key="photo")
    with right:
        sound = pgstate.audio_input("A recording", key="sound")
    note_files(one=one, photo=photo, sound=sound)


@case
def upload_hidden() -> None:
    if st.toggle("show", value=True):
        note_files(one=pgstate.file_uploader("One file", key="one"))
    st.button("run")


@case
def camera() -> None:
    note_files(photo=pgstate.camera_input("A photo", key="photo", help="Some help"))


@case
def camera_in_form() -> None:
    with st.form("form"):
        photo = pgstate.camera_input("A photo", key="photo")
        st.form_submit_button("send")
    note_files(photo=photo)


@case
def recorder() -> None:
    note_files(sound=pgstate.audio_input("A recording", key="sound"))


@case
def widgets_without_a_key() -> None:
    pgstate.file_uploader("One file")  # type: ignore[call-overload]


def _ends(how: str) -> None:
    """End the run of a click on the button of this name."""
    match how:
        case "stop":
            st.stop()
        case "raise":
            raise ValueError("the script is broken")
        case "rerun":
            st.rerun()


def end_buttons(place: str = "") -> None:
    for how in ("stop", "raise", "rerun"):
        if st.button(f"{how}{place}"):
            _ends(how)


@case
def upload_in_form_below_ends() -> None:
    """The run that a form is sent with ends above it, in the way chosen."""
    st.button("run")
    how = st.radio("how", ["none", "stop", "raise", "rerun"])
    if st.session_state.pop("sent", False):
        _ends(how)
    with st.form("form"):
        many = pgstate.file_uploader("Many files", key="many", accept_multiple_files=True)
        table = pgstate.data_editor(frame()[["name"]], key="table")
        st.form_submit_button("send", on_click=lambda: st.session_state.update(sent=True))
    note_files(many=many)
    note(names=list(table["name"]))


@case
def upload_in_fragments_below_ends() -> None:
    """A fragment in a fragment: the page, the outer and the inner one may end above it."""
    st.button("run")
    end_buttons()

    @st.fragment
    def inner() -> None:
        with logged(fragment=True):
            st.button("run inner")
            end_buttons(" inner")
            many = pgstate.file_uploader("Many files", key="many", accept_multiple_files=True)
            table = pgstate.data_editor(frame()[["name"]], key="table")
            note_files(many=many)
            note(names=list(table["name"]))

    @st.fragment
    def outer() -> None:
        with logged(fragment=True):
            st.button("run outer")
            end_buttons(" outer")
            inner()

    outer()

    @st.fragment
    def elsewhere() -> None:
        with logged(fragment=True):
            st.button("run elsewhere")
            end_buttons(" elsewhere")

    elsewhere()
