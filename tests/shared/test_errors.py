"""The error tree and what its members carry."""

import pytest

import pillion_shared
from pillion_shared import ABSENT, FunctionError, PillionError, SessionError, TransportError
from pillion_shared.errors import NotReadyError, StorageError


def test_everything_is_caught_by_the_root() -> None:
    """Every exported error descends from PillionError."""
    errors = [value for name, value in vars(pillion_shared).items() if name.endswith("Error")]
    assert len(errors) == 12
    assert all(issubclass(error, PillionError) for error in errors)


@pytest.mark.parametrize("error", [StorageError, NotReadyError])
def test_what_a_session_raises_is_a_session_error(error: type[Exception]) -> None:
    """The session's own troubles share a branch."""
    assert issubclass(error, SessionError)


@pytest.mark.parametrize(
    ("data", "given", "said"),
    [
        ("Sold out.", "", "Sold out."),
        ({"code": "sold_out", "message": "Sold out."}, "", "Sold out."),
        ({"code": "sold_out"}, "", "The function failed: {'code': 'sold_out'}"),
        ([1] * 1000, "", "The function failed: " + str([1] * 1000)[:200] + "..."),
        (None, "", "The function failed."),
        (ABSENT, "", "The function failed."),
        ({"message": "from data"}, "given", "given"),
        ({"message": 3}, "", "The function failed: {'message': 3}"),
    ],
)
def test_a_function_error_says_a_sentence(data: object, given: str, said: str) -> None:
    """The message is the given one, else it is taken from the data."""
    error = FunctionError(data, given)
    assert (error.data, error.message, str(error)) == (data, said, said)


def test_a_sentence_made_of_data_holds_no_session_id() -> None:
    """The function may say one in words of its own; the data stays what it is."""
    data = {"id": "3b241101-e2bb-4255-8caf-4136c566a962"}
    error = FunctionError(data)
    assert error.message.startswith("The function failed: {'id': 'sess_")
    assert error.data == data


def test_absent_is_not_none() -> None:
    """No data and the data None are different things."""
    assert FunctionError().data is ABSENT
    assert FunctionError(None).data is None
    assert not ABSENT
    assert repr(ABSENT) == "ABSENT"


def test_a_transport_error_carries_status_and_code() -> None:
    """What the server refused can be told apart by code."""
    error = TransportError("no", 413, "TooLarge")
    assert (error.status, error.code, str(error)) == (413, "TooLarge", "no")
