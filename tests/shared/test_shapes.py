"""Lists and dicts, told apart."""

from pillion_shared.shapes import is_dict, is_list


def test_lists_and_dicts_are_told_apart() -> None:
    """Tuples count as lists; strings as neither."""
    assert [is_list(value) for value in ([], (), {}, "", None)] == [True, True, False, False, False]
    assert [is_dict(value) for value in ([], (), {}, "", None)] == [False, False, True, False, False]
