"""The two forms of an answer, and who gets which."""

import json
import math

import pytest

from pillion_server.errors import Refused
from pillion_server.formats import deprecation, is_plain, plain
from pillion_shared import Int64, encode

VECTORS = [
    (None, "null"),
    (True, "true"),
    ("é", '"é"'),
    (3, "3.0"),
    (0.5, "0.5"),
    (-0.0, "-0.0"),
    (math.nan, '"NaN"'),
    (math.inf, '"Infinity"'),
    (-math.inf, '"-Infinity"'),
    (Int64(0), '"0"'),
    (Int64(-1), '"-1"'),
    (Int64(2**53 + 1), '"9007199254740993"'),
    (Int64(2**63 - 1), '"9223372036854775807"'),
    (Int64(-(2**63)), '"-9223372036854775808"'),
    (b"", '""'),
    (b"\x00\x10\x83", '"ABCD"'),
    ([], "[]"),
    ([1, [b"\x00"]], '[1.0, ["AA=="]]'),
    ({}, "{}"),
    ({"a": Int64(1), "": {"b": [math.nan]}}, '{"a": "1", "": {"b": ["NaN"]}}'),
    ({"status": "success", "value": Int64(5)}, '{"status": "success", "value": "5"}'),
]


@pytest.mark.parametrize(("value", "written"), VECTORS, ids=lambda value: repr(value)[:30])
def test_the_vectors(value: object, written: str) -> None:
    """What JSON has no word for becomes a string."""
    assert json.dumps(plain(encode(value)), ensure_ascii=False, allow_nan=False) == written


@pytest.mark.parametrize(
    ("format", "client", "expected"),
    [
        ("json", None, True),
        ("convex_clean_json", "npm-1.0.0", True),
        ("convex_encoded_json", None, False),
        ("convex_json", "npm-1.48.0", False),
        (None, None, True),
        (None, "npm-1.48.0", True),
        (None, "npm-1.4.1", True),
        (None, "npm-1.4.0", False),
        (None, "npm-0.19.2", False),
        (None, "python-0.8.1", True),
        (None, "python-0.5.0", True),
        (None, "python-0.4.9", False),
        (None, "python-0.10.0-rc.1", True),
        (None, "curl-8.0.0", True),
        (None, "my-own-tool-0.0.1+build.5", True),
    ],
)
def test_who_gets_which(format: object, client: str | None, expected: bool) -> None:
    """The call's choice, else what its client's version expects; plain JSON if nobody knows the client."""
    assert is_plain(format, client) is expected


@pytest.mark.parametrize(
    ("format", "client", "code"),
    [
        ("xml", None, "BadFormat"),
        ("", None, "BadFormat"),
        (7, None, "BadFormat"),
        (["json"], None, "BadFormat"),
        (None, "", "BadClientVersion"),
        (None, "npm", "BadClientVersion"),
        (None, "npm-1.4", "BadClientVersion"),
        ("json", "npm-one", "BadClientVersion"),
        ("json", "1.48.0", "BadClientVersion"),
        ("json", "npm-1.48.0 x", "BadClientVersion"),
        ("json", "npm-1.48.0\n", "BadClientVersion"),
        ("json", "npm-1." + "9" * 10_000 + ".0", "BadClientVersion"),
        ("json", "npm-\u0661.4.1", "BadClientVersion"),
        ("json", "npm-0.19.1", "ClientVersionUnsupported"),
    ],
)
def test_what_is_refused(format: object, client: str | None, code: str) -> None:
    """Status 400, and the code says which of the two is wrong."""
    with pytest.raises(Refused) as caught:
        is_plain(format, client)
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize(
    ("client", "state"),
    [
        (None, None),
        ("npm", None),
        ("curl-0.0.1", None),
        ("npm-1.0.0", None),
        ("npm-0.99.99", "UpgradeRequired"),
        ("npm-0.19.1", "Unsupported"),
        ("NPM-0.1.0", "Unsupported"),
    ],
)
def test_who_is_told_to_update(client: str | None, state: str | None) -> None:
    """With a sentence that fits into a header."""
    headers = deprecation(client)
    assert headers.get("x-convex-deprecation-state") == state
    assert all(value.isascii() and value.isprintable() for value in headers.values())
