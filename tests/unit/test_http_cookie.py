"""The HttpOnly cookie: its name, its attributes, and what becomes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from streamlit_pgstate.component.http_cookie import Kept, Place, aside_text, is_of_host
from streamlit_pgstate.page.cookie_keeper import Change, Keys, of_page, of_route
from streamlit_pgstate.postgres.ticket import Ticket, mark_of, mark_of_session
from streamlit_pgstate.postgres.ticket_sealer import TicketSealer
from streamlit_pgstate.postgres.token import Token, TokenSigner, fingerprint

NOW = 1_800_000_000.0


def headers(**values: str) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), text.encode()) for name, text in values.items()]


@pytest.mark.parametrize(
    ("given", "scheme", "place"),
    [
        (headers(host="a.org"), "http", Place(False, 80, "")),
        (headers(host="a.org:8501"), "http", Place(False, 8501, "")),
        (headers(host="[::1]:8501"), "http", Place(False, 8501, "")),
        (headers(host="a.org"), "https", Place(True, 443, "")),
        (headers(host="a.org"), "wss", Place(True, 443, "")),
        (headers(host="a.org", x_forwarded_proto="https"), "http", Place(True, 443, "")),
        (headers(host="a.org", x_forwarded_proto="HTTPS, http"), "http", Place(True, 443, "")),
        (headers(host="a.org", x_forwarded_proto="http"), "https", Place(False, 80, "")),
        (headers(host="a.org", origin="https://a.org"), "ws", Place(True, 443, "")),
        (headers(host="in:80", x_forwarded_host="a.org:444"), "https", Place(True, 444, "")),
        (headers(host="a.org:nonsense"), "http", Place(False, 80, "")),
        ([], "http", Place(False, 80, "")),
    ],
)
def test_the_place_is_what_the_browser_calls_it(
    given: list[tuple[bytes, bytes]], scheme: str, place: Place
) -> None:
    found = Place.of_request(given, scheme=scheme, base="")
    assert found == place
    assert Place.of_header(found.as_header().decode()) == place


@pytest.mark.parametrize("text", ["", "https", "https  ", "https x /a", "https -1 /a"])
def test_what_is_no_place_is_none(text: str) -> None:
    assert Place.of_header(text) is None


def test_over_https_the_cookie_is_host_only_and_secure() -> None:
    place = Place(True, 443, "/shop")
    name = place.cookie_name("app.identity")
    assert name == "__Host-Http-pgstate-app.app.identity.443.%2Fshop"
    assert place.set_cookie(name, "T", seconds=60) == (
        f"{name}=T; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure"
    )


def test_over_http_the_cookie_is_for_the_path_of_the_app() -> None:
    place = Place(False, 8501, "/shop")
    assert place.set_cookie("N", "T", seconds=60) == (
        "N=T; Max-Age=60; Path=/shop; HttpOnly; SameSite=Lax"
    )


@pytest.mark.parametrize("base", ["/a;Domain=evil.org", "/a b\r\nSet-Cookie: x=y", "/ä"])
def test_no_base_path_adds_anything_to_the_cookie(base: str) -> None:
    text = Place(False, 80, base).set_cookie("N", "T", seconds=60)
    assert re.fullmatch(r"N=T; Max-Age=60; Path=[^;\s]+; HttpOnly; SameSite=Lax", text)


def test_several_cookies_of_one_name_count_as_none() -> None:
    place = Place(False, 80, "")
    name = place.cookie_name("L")
    kept = Kept.at(place, "L", [f"{name}=one; x=y", f"{name}=two"])
    assert kept.tokens == ("one", "two")
    assert kept.token is None
    assert Kept.at(place, "L", [f"{name}=one; {name}=one"]).token == "one"


@pytest.mark.parametrize(
    ("origin", "of", "is_own"),
    [
        ("http://a.org:8501", headers(host="a.org:8501"), True),
        ("https://a.org", headers(host="a.org"), True),
        ("https://a.org", headers(host="a.org:443"), True),
        ("https://a.org", headers(host="in", x_forwarded_host="a.org"), True),
        ("https://A.org", headers(host="a.ORG"), True),
        ("https://b.org", headers(host="a.org"), False),
        ("https://a.org.b.org", headers(host="a.org"), False),
        ("http://a.org:8502", headers(host="a.org:8501"), False),
        ("null", headers(host="null"), False),
        ("", headers(host=""), False),
        ("file://", headers(host=""), False),
        ("https://", headers(host=""), False),
    ],
)
def test_only_a_page_of_the_same_host_may_ask(
    origin: str, of: list[tuple[bytes, bytes]], is_own: bool
) -> None:
    assert is_of_host(origin, of) is is_own


def signer(key: str, *, max_age: timedelta = timedelta(days=400)) -> TokenSigner:
    return TokenSigner(key * 32, app="app", max_age=max_age)


OURS = signer("k")
KEYS = Keys("app.identity", OURS, TicketSealer(*OURS.ticket_keys, place="p"), 60.0)
GOOD, OTHER, NEW = (OURS.mint().text for _ in range(3))
FOREIGN = signer("x").mint().text
FORGED = signer("x").mint(OURS.check(OTHER).session_id).text


@pytest.mark.parametrize(
    ("kept", "change"),
    [
        (Kept((GOOD,), ()), Change()),
        (Kept((GOOD,), (FOREIGN,)), Change()),
        (Kept((GOOD, OTHER), ()), Change()),
        (Kept((), ()), Change("new")),
        (Kept(("nonsense",), ()), Change("new")),
        (Kept((FOREIGN,), ()), Change("new", (FOREIGN,))),
        (Kept((FOREIGN,), (GOOD,)), Change(GOOD, (FOREIGN,))),
        (Kept(("nonsense",), (FOREIGN,)), Change("new", (FOREIGN,))),
    ],
    ids=[
        "a good token stays",
        "a good token stays beside one aside",
        "of several none is replaced",
        "a first visit",
        "what is no token is replaced",
        "a foreign token is set aside",
        "a good one that lies aside comes back",
        "what is no token is not set aside",
    ],
)
def test_what_becomes_of_the_cookies_with_the_page(kept: Kept, change: Change) -> None:
    found = of_page(kept, OURS)
    if change.token == "new":
        assert found.token is not None
        OURS.check(found.token)
        assert found.token not in kept.tokens + kept.aside
        assert found.aside == change.aside
    else:
        assert found == change


def test_a_token_of_another_clock_is_set_aside() -> None:
    strict = signer("k", max_age=timedelta(seconds=-10))
    assert of_page(Kept((GOOD,), ()), strict).aside == (GOOD,)


def kept_at(place: Place, *, token: str, aside: str) -> Kept:
    header = f"{place.cookie_name('L')}={token}; {place.aside_name('L')}={aside}"
    return Kept.at(place, "L", [header])


def test_four_tokens_lie_aside_at_most() -> None:
    many = tuple(signer(key).mint().text for key in "abcdef")
    aside = aside_text(many, beside=GOOD)
    assert kept_at(Place(False, 80, ""), token=GOOD, aside=aside).aside == many[:4]


@pytest.mark.parametrize(
    "planted",
    [
        GOOD,
        aside_text([GOOD], beside=GOOD),
        aside_text([GOOD], beside=FOREIGN),
        aside_text([GOOD], beside="")[:-1],
        aside_text([FOREIGN], beside=OTHER).replace(FOREIGN, GOOD),
        "",
        ".",
        "é",
    ],
    ids=[
        "a token alone",
        "from the browser of its owner",
        "beside a token of another key",
        "beside nothing",
        "beside ours, with another token in it",
        "empty",
        "no signature",
        "not ASCII",
    ],
)
def test_nobody_who_lacks_the_token_in_use_can_plant_a_token_aside(planted: str) -> None:
    place = Place(False, 80, "")
    assert kept_at(place, token=OTHER, aside=planted).aside == ()
    ours = aside_text([GOOD], beside=OTHER)
    assert kept_at(place, token=OTHER, aside=ours).aside == (GOOD,)


def test_without_a_token_in_use_nothing_lies_aside() -> None:
    place = Place(False, 80, "")
    for beside in ("", GOOD):
        header = f"{place.aside_name('L')}={aside_text([GOOD], beside=beside)}"
        assert Kept.at(place, "L", [header]).aside == ()
    planted = kept_at(place, token="", aside=aside_text([GOOD], beside=""))
    assert planted.aside == ()


@dataclass(frozen=True)
class Case:
    """A request to the route with a ticket for NEW, which may replace GOOD."""

    kept: Kept
    status: int
    change: Change = field(default_factory=Change)
    sets_aside: bool = False
    clears: bool = False
    ended: Token | None = None
    """A token of the session that the visitor has forgotten."""


TICKETS = {
    "the browser has what it may replace": Case(Kept((GOOD,), ()), 200, Change(NEW)),
    "the browser has the token already": Case(Kept((NEW,), ()), 204),
    "the browser has another token": Case(Kept((OTHER,), ()), 409),
    "the browser has none": Case(Kept((), ()), 409),
    "the browser has several": Case(Kept((GOOD, OTHER), ()), 409),
    "the former token is set aside": Case(
        Kept((GOOD,), (OTHER,)), 200, Change(NEW, (GOOD, OTHER)), sets_aside=True
    ),
    "the token lay aside": Case(
        Kept((GOOD,), (NEW, OTHER)), 200, Change(NEW, (GOOD, OTHER)), sets_aside=True
    ),
    "another token lies aside": Case(Kept((GOOD,), (OTHER,)), 200, Change(NEW, (OTHER,))),
    "the visitor is forgotten": Case(Kept((GOOD,), (OTHER,)), 200, Change(NEW, ()), clears=True),
    "another tab has got a token of the forgotten session": Case(
        Kept((OTHER,), ()), 200, Change(NEW, ()), clears=True, ended=OURS.check(OTHER)
    ),
    "another tab has got a token of another session": Case(
        Kept((OTHER,), ()), 409, Change(None, ()), clears=True, ended=OURS.mint()
    ),
    "a forged token names the forgotten session": Case(
        Kept((FORGED,), ()), 409, Change(None, ()), clears=True, ended=OURS.check(OTHER)
    ),
    "the second answer to the same": Case(
        Kept((NEW,), (OTHER,)), 204, Change(None, ()), clears=True
    ),
}


@pytest.mark.parametrize("case", TICKETS.values(), ids=TICKETS)
def test_what_the_route_does_with_a_ticket(case: Case) -> None:
    ended = () if case.ended is None else (mark_of_session(case.ended.session_id),)
    ticket = Ticket(NEW, (mark_of(GOOD),), case.sets_aside, ended, case.clears)
    text = KEYS.sealer.seal(ticket, now=NOW)
    reply = of_route("present", text, case.kept, KEYS, now=NOW)
    assert (reply.status, reply.change) == (case.status, case.change)


def test_a_ticket_that_was_used_replaces_nothing_again() -> None:
    text = KEYS.sealer.seal(Ticket(NEW, (mark_of(GOOD),)), now=NOW)
    assert of_route("present", text, Kept((GOOD,), ()), KEYS, now=NOW).change.token == NEW
    later = OURS.mint().text
    for kept in (Kept((NEW,), ()), Kept((later,), ()), Kept((), ())):
        assert of_route("present", text, kept, KEYS, now=NOW).change.token is None


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        pytest.param("check", fingerprint(GOOD), 204, id="it keeps this one"),
        pytest.param("check", fingerprint(OTHER), 409, id="it keeps another one"),
        ("check", "", 409),
        ("renew", "", 204),
        ("present", "nonsense", 400),
        ("delete", "", 400),
    ],
)
def test_what_the_route_answers_to_a_browser_with_a_good_token(
    verb: str, body: str, status: int
) -> None:
    reply = of_route(verb, body, Kept((GOOD,), ()), KEYS, now=NOW)
    assert (reply.status, reply.change) == (status, Change())


def test_a_browser_without_a_token_gets_one_when_it_asks() -> None:
    reply = of_route("renew", "", Kept((), ()), KEYS, now=NOW)
    assert reply.status == 200
    OURS.check(reply.change.token)
