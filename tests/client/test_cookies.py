"""Cookies as text."""

from http.cookies import SimpleCookie

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.cookies import CookieAttributes, cookie_text, cookie_value, quote, unquote


def test_the_line_holds_every_attribute() -> None:
    """The standard library reads what is written."""
    attributes = CookieAttributes("/shop", "example.org", 60, "None", True, True)
    line = cookie_text("pillion-session", "abc", attributes, secure=True, max_age=60)
    partitioned = "; Partitioned"
    assert line.endswith(partitioned)
    morsel = SimpleCookie(line.removesuffix(partitioned))["pillion-session"]
    assert morsel.value == "abc"
    assert (morsel["path"], morsel["domain"], morsel["max-age"]) == ("/shop", "example.org", "60")
    assert (morsel["samesite"], morsel["secure"]) == ("None", True)


def test_what_is_not_asked_for_is_not_written() -> None:
    """A host-only cookie over http names neither Domain nor Secure."""
    line = cookie_text("k", "v", CookieAttributes(), secure=False, max_age=0)
    assert line == "k=v; Path=/; Max-Age=0; SameSite=Lax"


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_key_and_value_come_back(key: str, value: str) -> None:
    """Whatever they hold, they leave the cookie's syntax alone."""
    pair = cookie_text(key, value, CookieAttributes(), secure=False, max_age=9).partition("; Path")[0]
    assert cookie_value(f"!a=1; {pair}; !b=2", key) == value


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("", None),
        ("k", ""),
        ("k=1", "1"),
        ("kk=2; k=1", "1"),
        ("k=1; k=2", "1"),
        ("k=%zz", None),
        ("k=%FF", None),
    ],
)
def test_a_header_is_searched(header: str, value: str | None) -> None:
    """The first of a name wins; broken quoting is nothing."""
    assert cookie_value(header, "k") == value


def test_quoting_is_percent_encoding() -> None:
    """Only unreserved characters stay."""
    assert quote("a b;c=é") == "a%20b%3Bc%3D%C3%A9"
    assert unquote("a%20b%3Bc%3D%C3%A9") == "a b;c=é"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"same_site": "lax"}, "same_site is 'Lax'"),
        ({"max_age": 0}, "max_age is 1 to"),
        ({"path": "shop"}, "path begins with /"),
        ({"same_site": "None", "secure": False}, "only if it is secure"),
        ({"partitioned": True, "secure": False}, "only if it is secure"),
        ({"max_age": 401 * 24 * 3600}, "400 days"),
        ({"path": "/; Secure"}, "path"),
        ({"domain": "a\nb"}, "domain"),
    ],
)
def test_attributes_are_checked(arguments: dict[str, object], said: str) -> None:
    """What a browser would drop in silence is refused aloud."""
    with pytest.raises(ValueError, match=said):
        CookieAttributes(**arguments)  # type: ignore[arg-type]
