"""What a session ID looks like, and how it is shown."""

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_shared import is_session_id, is_token, is_uuid4, show, token, uuid4
from pillion_shared.ids import quotable, without_ids

UUID = "3b241101-e2bb-4255-8caf-4136c566a962"


@given(st.binary(min_size=16, max_size=16))
def test_sixteen_bytes_make_a_version_4_uuid(octets: bytes) -> None:
    """The standard library makes the same UUID of the same bytes."""
    made = uuid4(octets)
    assert made == str(uuid.UUID(bytes=octets, version=4))
    assert is_uuid4(made)
    assert is_session_id(made)


@given(st.binary(min_size=32, max_size=32))
def test_thirty_two_bytes_make_a_token(octets: bytes) -> None:
    """The standard library reads the same bytes out of it: none of the 256 bits is lost."""
    made = token(octets)
    assert base64.urlsafe_b64decode(made + "=") == octets
    assert is_token(made)
    assert is_session_id(made)
    assert not is_uuid4(made)


@pytest.mark.parametrize("value", [None, 3, "", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "+", b"a" * 43])
def test_rubbish_is_no_token(value: object) -> None:
    """It is 43 characters of base64url."""
    assert not is_token(value)


RUBBISH: list[object] = [
    None,
    "",
    "undefined",
    "null",
    f'"{UUID}"',
    UUID.upper(),
    UUID[:-1],
    UUID + "0",
    " " + UUID[1:],
    UUID.replace("-", ""),
    UUID[:14] + "1" + UUID[15:],
    UUID[:19] + "7" + UUID[20:],
    "g" + UUID[1:],
    "x" * 1_000_000,
    UUID.encode(),
    3,
]


@pytest.mark.parametrize("value", RUBBISH, ids=lambda value: repr(value)[:40])
def test_rubbish_is_no_uuid(value: object) -> None:
    """What storage may hold by accident is refused."""
    assert not is_uuid4(value)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("a" * 19, False),
        ("a" * 20, True),
        ("aZ09-_" * 10, True),
        ("a" * 128, True),
        ("a" * 129, False),
        ("a" * 20 + " ", False),
        ("a" * 20 + "\n", False),
        ("ä" * 20, False),
        ("a" * 20 + "'", False),
        (None, False),
        (b"a" * 20, False),
    ],
)
def test_the_shape_of_any_session_id(value: object, answer: bool) -> None:
    """20 to 128 characters of the URL-safe alphabet."""
    assert is_session_id(value) is answer


def test_an_id_is_shown_by_a_few_digits_of_its_hash() -> None:
    """The form for logs tells sessions apart and gives none away."""
    assert show(UUID) == "sess_" + __import__("hashlib").sha256(UUID.encode()).hexdigest()[:6]
    assert show(None) == "sess_none"
    assert UUID[:6] not in show(UUID)


def test_ids_are_taken_out_of_what_others_say() -> None:
    """Errors of a user's storage may quote what they were given."""
    said = without_ids(f"can't store {UUID}", None, UUID)
    assert said == f"can't store {show(UUID)}"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", ""),
        ("$.items[2]", "$.items[2]"),
        (UUID, show(UUID)),
        (f"{UUID}:add", f"{show(UUID)}:add"),
        (f"'cart:{UUID}'", f"'cart:{show(UUID)}'"),
        (f"a\n{UUID}\n{'x' * 128}.", f"a\n{show(UUID)}\n{show('x' * 128)}."),
        ("x" * 19, "x" * 19),
        ("x" * 500, show("x" * 500)),
    ],
)
def test_what_is_quoted_holds_no_id(text: str, quoted: str) -> None:
    """Whichever it is, and whatever stands around it."""
    assert quotable(text) == quoted
