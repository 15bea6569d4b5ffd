"""`ContextVar`, which MicroPython lacks: there all code runs in one context."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import ContextVar

    HAS_CONTEXTS = True
else:
    try:
        from contextvars import ContextVar

        HAS_CONTEXTS = True
    except ImportError:
        HAS_CONTEXTS = False

        class ContextVar:
            """A variable with one value."""

            def __init__(self, name: str, *, default: object) -> None:
                self._value = default

            def get(self) -> object:
                return self._value

            def set(self, value: object) -> None:
                self._value = value


__all__ = ["HAS_CONTEXTS", "ContextVar"]
