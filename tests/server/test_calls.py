"""What arrives, as a call; test_http_api.py holds the table of what is none."""

import pytest

from pillion_server.calls import Call, of_address, of_batch, of_body, of_run, of_time
from pillion_server.errors import Refused
from pillion_shared import Int64


def test_a_body() -> None:
    """Path, arguments and format; what else is in it is ignored."""
    body = b'{"path": "a.js:b", "args": [{"n": {"$integer": "AQAAAAAAAAA="}}], "format": "json", "more": 1}'
    assert of_body(body) == Call("a:b", {"n": Int64(1)}, plain=True)
    assert of_body(b'{"path": "a:b"}', "npm-1.0.0") == Call("a:b", {}, plain=False)


@pytest.mark.parametrize(
    ("address", "call"),
    [
        (b"path=a:b", Call("a:b", {}, plain=True)),
        (b"path=a%3Ab&args=%7B%22n%22%3A1%7D", Call("a:b", {"n": 1}, plain=True)),
        (b"path=a:b&args=[{}]&format=convex_encoded_json", Call("a:b", {}, plain=False)),
        (b"path=a:b&args={%22x%22:%22%C3%A9+%22}", Call("a:b", {"x": "é "}, plain=True)),
    ],
)
def test_an_address(address: bytes, call: Call) -> None:
    """The same, for the address bar."""
    assert of_address(address) == call


def test_a_function_in_an_address() -> None:
    """Its form is plain JSON unless it says otherwise, whatever the client."""
    assert of_run("dir/a/b", b'{"args": {"n": 1}}', "npm-1.0.0") == Call("dir/a:b", {"n": 1}, plain=True)
    assert of_run("a/b", b'{"path": "c:d", "format": "convex_json"}') == Call("a:b", {}, plain=False)
    assert of_run("a", b"{}") == Call("a:default", {}, plain=True)


def test_a_batch() -> None:
    """Each query is a call of its own."""
    body = b'{"queries": [{"path": "a:b"}, {"path": "c:d", "args": [{"n": 1}], "format": "convex_json"}]}'
    assert of_batch(body) == [Call("a:b", {}, plain=True), Call("c:d", {"n": 1}, plain=False)]


def test_a_time() -> None:
    """Beside the call."""
    assert of_time(b'{"path": "a:b", "ts": "AQAAAAAAAAA="}') == (Call("a:b", {}, plain=True), 1)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (b"", "BadJsonBody"),
        (b"args={}", "BadJsonBody"),
        (b"path=", "BadPath"),
        (b"path=a:b&args=", "BadArguments"),
        (b"path=a:b&args=x", "BadArguments"),
        (b"path=a:b&args=7", "BadArguments"),
        (b"path=a:b&format=xml", "BadFormat"),
        (b"path=%ff&args=%ff", "BadArguments"),
        (b"path=a:b&args=" + b"[" * 10_000, "BadArguments"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_an_address_that_is_no_call(address: bytes, code: str) -> None:
    """It is refused as a body would be."""
    with pytest.raises(Refused) as caught:
        of_address(address)
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"a": "\\ud800 and more of it"}', "half of a surrogate pair"),
        (b'"\\udfff"', "half of a surrogate pair"),
        (b'{"a": [1e400]}', "a number that no double can, such as 1e400"),
        (b"-1e400", "a number that no double can, such as 1e400"),
        (b'{"a": "b"', "truncated"),
        (b'{"a": "\\ud8', "truncated"),
        (b'{"a": ' + b"[" * 100_000, "."),
        (b"{'a': 1}", "malformed"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_not_json_is_explained(text: bytes, sentence: str) -> None:
    """By what its author can find in it, not by what a parser felt."""
    with pytest.raises(Refused, match=f"The body is not JSON: .*{sentence}") as caught:
        of_body(text)
    assert "$" not in caught.value.message
