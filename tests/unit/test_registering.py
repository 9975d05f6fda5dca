"""`register` takes several classes, or a module with all that it defines, and names them itself."""

from __future__ import annotations

import dataclasses
import importlib
import sys
import threading
import types
from fractions import Fraction

import pytest
from libraries import pydantic

from streamlit_pgstate.codecs import Payload, decode, encode, register, registered
from streamlit_pgstate.errors import ConfigError, DecodeError, UnsupportedType


@pytest.fixture(autouse=True)
def _nothing_is_registered(monkeypatch):
    for name in ("_by_name", "_by_class", "_by_module"):
        monkeypatch.setattr(registered, name, {})
    monkeypatch.setattr(registered, "_own", registered._Own())


def again(value):
    return decode(encode(value, key="k"), key="k")


def name_of(value):
    """The name under which a value lies in its row."""
    return decode(
        Payload("json", encode(value, key="k").body.replace(b"$registered", b"registered")),
        key="k",
    )["registered"][0]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `mymodels` of the user's, which a function imports anew, as Streamlit does."""
    files = {
        "mymodels/__init__.py": "from mymodels.messages import Message, Role\n",
        "mymodels/messages.py": MESSAGES,
        "mymodels/users.py": SCRIPT.replace("Point", "User"),
        "mymodels/shown.py": "from mymodels.users import User\n"
        "__all__ = ['User', 'gone']\ndef __getattr__(name):\n    raise ImportError(name)\n",
        "mymodels/empty.py": "from mymodels.users import User\nVALUE = 5\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def imported(name):
        for known in [known for known in sys.modules if known.partition(".")[0] == "mymodels"]:
            monkeypatch.delitem(sys.modules, known)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return imported


MESSAGES = """
import abc, collections, dataclasses, enum
from decimal import Decimal
from typing import NamedTuple, TypedDict
from mymodels.users import User

class Role(enum.Enum):
    HUMAN = "human"

@dataclasses.dataclass
class Message:
    text: str
    role: Role = Role.HUMAN

    @dataclasses.dataclass
    class Part:
        x: int

class Place(NamedTuple):
    x: int

class Tool(TypedDict):
    x: int

@dataclasses.dataclass
class _Hidden:
    x: int

@dataclasses.dataclass
class Abstract(abc.ABC):
    x: int
    @abc.abstractmethod
    def f(self): ...

class Plain:
    pass

class Failure(Exception):
    pass

number = 5
"""


def test_a_module_gives_all_classes_of_its_own_that_need_no_functions(package):
    messages = package("mymodels.messages")
    register(messages)
    value = [messages.Message("a"), messages.Role.HUMAN, messages.Place(1)]
    assert again(value) == value
    names = {"Message", "Role", "Place"}
    assert registered._by_name.keys() == {f"mymodels.messages.{name}" for name in names}
    for other in (messages._Hidden(1), messages.User(1), messages.Plain()):
        with pytest.raises(UnsupportedType):
            encode(other, key="k")


def test_a_package_gives_what_it_takes_from_its_own_modules_under_one_name(package):
    mymodels = package("mymodels")
    register(mymodels)
    assert name_of(mymodels.Message("a")) == "mymodels.messages.Message"
    register(sys.modules["mymodels.messages"])
    assert name_of(mymodels.Message("a")) == "mymodels.messages.Message"


def test_a_module_with_all_gives_what_that_names_wherever_it_comes_from(package):
    shown = package("mymodels.shown")
    register(shown)
    assert name_of(shown.User(1)) == "mymodels.users.User"


def test_a_module_that_gives_nothing_says_what_to_type(package):
    with pytest.raises(ConfigError, match=r"empty shows no class .* Name the module within"):
        register(package("mymodels.empty"))


def test_several_classes_and_modules_are_registered_in_one_line(package):
    mymodels = package("mymodels")
    messages, users = sys.modules["mymodels.messages"], sys.modules["mymodels.users"]
    register(messages.Message, messages._Hidden, users)
    value = [mymodels.Message("a"), messages._Hidden(1), users.User(1)]
    assert again(value) == value


def test_a_class_has_the_name_of_its_place_or_the_one_that_it_is_given(package):
    messages = package("mymodels.messages")
    register(messages.Message.Part)
    assert name_of(messages.Message.Part(1)) == "mymodels.messages.Message.Part"
    register(messages.Message, name="message")
    assert name_of(messages.Message("a")) == "message"


def test_a_name_that_was_given_stays_when_the_module_is_registered_afterwards(package):
    messages = package("mymodels.messages")
    register(messages)
    payload = encode(messages.Message("a"), key="k")
    register(messages.Message, name="message")
    register(messages)
    assert name_of(messages.Message("a")) == "message"
    assert decode(payload, key="k") == messages.Message("a")


def test_functions_that_were_given_stay_when_the_module_is_registered_afterwards(package):
    messages = package("mymodels.messages")
    register(messages.Place, name="place", dump=lambda place: place.x, load=messages.Place)
    register(messages)
    assert encode(messages.Place(1), key="k").body == b'{"$registered": ["place", 1]}'


def test_a_module_that_runs_again_is_registered_again_with_its_new_classes(package):
    old = package("mymodels.messages")
    register(old)
    value = old.Message("a")
    payload = encode(value, key="k")
    new = package("mymodels.messages")
    assert new.Message is not old.Message
    register(new)
    assert type(decode(payload, key="k")) is new.Message
    assert type(decode(payload, key="k").role) is new.Role
    assert encode(value, key="k") == payload  # of the run before


def test_each_visitor_s_run_reads_the_classes_of_its_own_module(package):
    mine = package("mymodels.messages")
    register(mine)
    payload = encode(mine.Message("a"), key="k")

    def run_of_another_visitor():
        register(package("mymodels.messages"))

    other = threading.Thread(target=run_of_another_visitor)
    other.start()
    other.join()
    assert decode(payload, key="k") == mine.Message("a")


def test_a_class_that_moved_is_read_once_its_old_name_is_registered(package):
    users = package("mymodels.users")
    register(users.User, name="mymodels.old.User")
    payload = encode(users.User(1), key="k")
    for known in (registered._by_name, registered._by_class, vars(registered._own)):
        known.clear()  # in another process
    registered._own.__init__()
    register(users)
    with pytest.raises(DecodeError, match=r"register\(…, name='mymodels.old.User'\)"):
        decode(payload, key="k")
    register(users.User, name="mymodels.old.User")
    register(users.User)
    assert decode(payload, key="k") == users.User(1)
    assert name_of(users.User(1)) == "mymodels.users.User"


SCRIPT = "import dataclasses\n@dataclasses.dataclass\nclass Point:\n    x: int\n"


def page(source=SCRIPT):
    """What Streamlit does with a page: its classes are those of `__main__`."""
    module, before = types.ModuleType("__main__"), sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        exec(source, module.__dict__)
    finally:
        sys.modules["__main__"] = before
    return module


def test_a_class_of_the_script_needs_a_name_because_another_page_may_have_one_like_it():
    point = page().Point
    with pytest.raises(ConfigError) as caught:
        register(point)
    assert str(caught.value).endswith("pgstate.register(Point, name='point').")
    register(point, name="point")
    assert again(point(1)) == point(1)


def test_a_class_of_a_function_needs_a_name():
    @dataclasses.dataclass
    class Inner:
        x: int

    with pytest.raises(ConfigError, match=r"pgstate.register\(Inner, name='inner'\)"):
        register(Inner)


def test_two_pages_with_classes_of_one_name_each_keep_their_own():
    """Runs of two visitors at once: each in a thread of its own."""
    one, two = page().Point, page(SCRIPT + "    y: int = 0\n").Point
    register(one, name="point of one page")
    payload = encode(one(1), key="k")
    other = threading.Thread(target=register, args=(two,), kwargs={"name": "point of two"})
    other.start()
    other.join()
    assert encode(one(1), key="k") == payload
    assert type(decode(payload, key="k")) is one


def test_declared_classes_of_a_script_need_no_line_of_their_own():
    source = SCRIPT + "@dataclasses.dataclass\nclass Line:\n    points: list[Point]\n"
    old, new = page(source), page(source)
    register(old.Line, name="line")
    payload = encode(old.Line([old.Point(1)]), key="k")
    register(new.Line, name="line")
    assert decode(payload, key="k") == new.Line([new.Point(1)])
    with pytest.raises(UnsupportedType, match=r"register\(Point, name=\"point\"\)"):
        encode(new.Point(1), key="k")


WRONG = {
    "nothing": ((), {}, "needs a class or a module"),
    "a value": ((5,), {}, "needs a class or a module, and got a int"),
    "two names": ((Fraction, dict), {"name": "a"}, "belong to one class. Register it alone"),
    "a module's name": ((sys,), {"name": "a"}, "belong to one class"),
    "functions for two": ((Fraction, dict), {"dump": str, "load": str}, "belong to one class"),
    "no name for a class that needs functions": (
        (Fraction,),
        {},
        r"name='fractions.Fraction'\) needs dump and load: fractions.Fraction is not a dataclass",
    ),
    "what is kept": ((dict,), {}, "is kept already"),
}


@pytest.mark.parametrize(("given", "more", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_registered_is_said_and_nothing_is_registered(given, more, words):
    with pytest.raises(ConfigError, match=words):
        register(*given, **more)
    assert registered._by_name == {}


def test_if_one_of_several_cannot_be_registered_none_is(package):
    messages = package("mymodels.messages")
    with pytest.raises(ConfigError):
        register(messages.Message, messages.Plain)
    assert registered._by_name == {}


def test_a_name_that_another_class_has_is_refused(package):
    messages = package("mymodels.messages")
    register(messages.Role, name="mymodels.messages.Message")
    with pytest.raises(ConfigError, match=r"is the name of mymodels\.messages\.Role already"):
        register(messages)


if pydantic:

    def test_a_model_and_one_that_it_holds_may_be_registered_in_either_order(package):
        source = "import pydantic\nclass A(pydantic.BaseModel):\n    x: int\n"
        source += "class B(pydantic.BaseModel):\n    a: A\n"
        module = types.ModuleType("shop")
        sys.modules["shop"] = module
        exec(source, module.__dict__)
        register(module.B)
        declared = encode(module.B(a=module.A(x=1)), key="k")
        register(module.A, name="a")
        alone = encode(module.B(a=module.A(x=1)), key="k")
        for payload in (declared, alone):
            assert decode(payload, key="k") == module.B(a=module.A(x=1))
        assert b'["a", {"x": 1}, {}]' in alone.body
