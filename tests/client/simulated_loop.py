"""An event loop with a clock of its own, which jumps to whatever is due next, and with windows that stand still.

What a window runs carries it in its context: callbacks of a window that is frozen, or gone, are kept back.
"""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

Callback = Callable[..., object]


class Still:
    """What a window is to the loop. running: whether its callbacks run; the others are kept in `held`."""

    def __init__(self) -> None:
        self.running = True
        self.held: list[tuple[Callback, tuple[Any, ...], contextvars.Context]] = []


window_of: contextvars.ContextVar[Still | None] = contextvars.ContextVar("window", default=None)


class SimulatedLoop(asyncio.BaseEventLoop):
    """No sockets, no threads, no waiting: an hour passes in no time."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self
        self._seconds = 0.0

    def time(self) -> float:
        return self._seconds

    def select(self, timeout: float | None) -> list[object]:
        """Passes the time until the next timer."""
        if timeout is None:
            raise RuntimeError("Nothing will ever happen any more.")
        self._seconds += timeout
        return []

    def call_soon(self, callback: Callback, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        context = contextvars.copy_context() if context is None else context
        window = context.get(window_of)
        if window is None:
            return super().call_soon(callback, *args, context=context)
        return super().call_soon(self._run, window, callback, args, context, context=context)

    def call_at(
        self, when: float, callback: Callback, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        context = contextvars.copy_context() if context is None else context
        window = context.get(window_of)
        if window is None:
            return super().call_at(when, callback, *args, context=context)
        return super().call_at(when, self._run, window, callback, args, context, context=context)

    def release(self, window: Still) -> None:
        """Lets the window run again, from where it stood still."""
        window.running = True
        held, window.held = window.held, []
        for callback, args, context in held:
            self.call_soon(callback, *args, context=context)

    def _run(self, window: Still, callback: Callback, args: tuple[Any, ...], context: contextvars.Context) -> None:
        if window.running:
            callback(*args)
        else:
            window.held.append((callback, args, context))

    def _process_events(self, event_list: list[object]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
