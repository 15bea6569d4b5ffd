"""What is given to builders."""

from collections.abc import Callable

import pytest

from pillion_server import DefinitionError
from pillion_server.misuse import expect
from server.world import RAW_ID


def test_what_is_expected_passes() -> None:
    """Of one type, of several, or of an abstract one."""
    expect(1, int, "a number")
    expect(None, (int, type(None)), "a number or nothing")
    expect(print, Callable, "a function")


def test_what_is_not_is_named() -> None:
    """Short, by its type if it is no single value, and never with a whole ID."""
    for given, shown in (("a", "'a'"), (None, "None"), ([1], "an object of type list"), ({}, "an object of type dict")):
        with pytest.raises(TypeError) as caught:
            expect(given, int, "It takes a number")
        assert str(caught.value) == f"It takes a number, not {shown}."
    for given in (RAW_ID, "x" * 1000):
        with pytest.raises(TypeError) as caught:
            expect(given, int, "It takes a number")
        assert RAW_ID not in str(caught.value)
        assert len(str(caught.value)) < 120


def test_what_is_left_out_and_another_error() -> None:
    """A bool is an int, and a str an iterable, to `isinstance`."""
    with pytest.raises(DefinitionError, match="It takes a number, not True"):
        expect(True, int, "It takes a number", DefinitionError, but=bool)
