"""Lists and dicts of unknown content, as parsed JSON has them: `isinstance` in a form that type checkers follow."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeGuard


def is_list(value: object) -> "TypeGuard[list[object] | tuple[object, ...]]":
    """Whether `value` is a list or a tuple."""
    return isinstance(value, (list, tuple))


def is_dict(value: object) -> "TypeGuard[dict[object, object]]":
    """Whether `value` is a dict."""
    return isinstance(value, dict)
