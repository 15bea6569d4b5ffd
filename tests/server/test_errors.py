"""The server's own errors."""

import pytest

from pillion_server import errors
from pillion_shared import PillionError


@pytest.mark.parametrize("name", ["CallError", "ArgumentError", "DatabaseError", "DefinitionError", "StartError"])
def test_all_are_pillions(name: str) -> None:
    """One `except PillionError` catches them, and the tree in the docstring names them."""
    assert issubclass(getattr(errors, name), PillionError)
    assert errors.__doc__ is not None
    assert name in errors.__doc__


def test_a_definition_error_is_a_value_error() -> None:
    """It is what a decorator raises for a bad function."""
    assert issubclass(errors.DefinitionError, ValueError)
    assert issubclass(errors.ArgumentError, errors.CallError)
