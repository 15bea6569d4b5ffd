"""Where a request carries the ID."""

import json
from typing import Any

import pytest

from pillion.placing import Placement, with_header
from pillion_shared import SessionId

ID = SessionId("0123456789abcdefghij")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("placement", "headers", "body", "wanted"),
    [
        (Placement(), {}, None, ({"Authorization": f"Session {ID}"}, None)),
        (Placement(), {"X-A": "b"}, "x", ({"X-A": "b", "Authorization": f"Session {ID}"}, "x")),
        (Placement(), {"authorization": "Bearer t"}, None, ({"authorization": "Bearer t"}, None)),
        (Placement("X-Session-Id"), {}, None, ({"X-Session-Id": ID}, None)),
        (Placement("X-Session-Id"), {"x-session-id": "mine"}, None, ({"x-session-id": "mine"}, None)),
        (Placement(field="sid"), FORM, "", (FORM, f"sid={ID}")),
        (Placement(field="sid"), FORM, "a=1", (FORM, f"a=1&sid={ID}")),
        (Placement(field="sid"), FORM, "sid=mine&a=1", (FORM, "sid=mine&a=1")),
        (Placement(field="s id"), FORM, "s+id=mine", (FORM, "s+id=mine")),
        (Placement(field="s id"), FORM, "a=%26", (FORM, f"a=%26&s+id={ID}")),
        (Placement(field="sid"), JSON, '{"sid": "mine"}', (JSON, '{"sid": "mine"}')),
    ],
)
def test_the_id_is_put_where_nothing_is(
    placement: Placement, headers: dict[str, str], body: Any, wanted: tuple[dict[str, str], Any]
) -> None:
    """A value of the caller's own stays, whatever case its name is written in."""
    before = dict(headers)
    assert placement.put(ID, headers, body) == wanted
    assert headers == before


def test_a_json_body_gets_one_more_field() -> None:
    """At the top; what is there stays as it is written, which no parser would give back."""
    _, body = Placement(field="sid").put(ID, JSON, ' {"a": {"b": 1.0e3}}')
    assert json.loads(body) == {"a": {"b": 1000}, "sid": ID}
    assert '"a": {"b": 1.0e3}' in body
    assert Placement(field="sid").put(ID, {"Content-Type": "Application/vnd.api+JSON"}, "{}")[1] == f'{{"sid": "{ID}"}}'


@pytest.mark.parametrize(
    ("headers", "body"), [({}, None), ({}, "text"), (JSON, "[1]"), (JSON, "{"), (JSON, b"{}"), ({}, b"x")]
)
def test_a_body_without_fields_is_refused(headers: dict[str, str], body: Any) -> None:
    """The ID is never put anywhere else, least of all into the address."""
    with pytest.raises(ValueError, match=r"no field 'sid'|Expecting"):
        Placement(field="sid").put(ID, headers, body)


def test_only_authorization_lets_the_browser_follow_redirects() -> None:
    """It alone is dropped on the way to another origin."""
    assert Placement().follows_redirects
    assert Placement("authorization").follows_redirects
    assert not Placement("X-Session-Id").follows_redirects
    assert not Placement(field="sid").follows_redirects


def test_a_header_and_a_field_are_one_too_many() -> None:
    """One ID per call."""
    with pytest.raises(ValueError, match="not both"):
        Placement("X-Session-Id", "sid")


def test_a_header_of_the_callers_own_stays() -> None:
    """And the caller's dict is left alone."""
    headers = {"accept": "text/html"}
    assert with_header(headers, "Accept", "x") == headers
    assert with_header(headers, "X", "y") == {"accept": "text/html", "X": "y"}
    assert headers == {"accept": "text/html"}


@pytest.mark.parametrize("name", ["", "X Id", "X:Id", "X\n", "é"])
def test_what_is_no_header_is_refused(name: str) -> None:
    """By us: the browser would throw."""
    with pytest.raises(ValueError, match="no name of a header"):
        Placement(name)


@pytest.mark.parametrize("name", ["Cookie", "HOST", "sec-fetch-mode"])
def test_a_header_that_browsers_leave_out_is_refused(name: str) -> None:
    """The call would go without the session, and nobody would see."""
    with pytest.raises(ValueError, match="Browsers let nobody set"):
        Placement(name)
