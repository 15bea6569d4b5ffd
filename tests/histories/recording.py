"""Runs planned transactions side by side, and records what their callers saw."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from histories.generating import Plan
from histories.history import Append, Read, Transaction

Answer = Mapping[str, Any] | None
"""The body of an answer, `None` when there was none."""


def record(plans: Iterable[Plan], call: Callable[[Plan], Awaitable[Answer]], callers: int) -> list[Transaction]:
    """The history of `plans`, each run once, by so many tasks of one event loop."""
    history: list[Transaction] = []
    waiting = iter(plans)

    async def caller() -> None:
        for plan in waiting:
            began = time.monotonic_ns()
            history.append(seen(plan, began, await call(plan)))

    async def main() -> None:
        await asyncio.gather(*(caller() for _ in range(callers)))

    asyncio.run(main())
    return history


def record_in_threads(plans: Iterable[Plan], calls: Iterable[Callable[[Plan], Answer]]) -> list[Transaction]:
    """The same, with a thread for each of `calls`; one ends when it gets no answer."""
    history: list[Transaction] = []
    waiting, turn = iter(plans), threading.Lock()

    def caller(call: Callable[[Plan], Answer]) -> None:
        while True:
            with turn:
                plan = next(waiting, None)
            if plan is None:
                return
            began = time.monotonic_ns()
            answer = call(plan)
            history.append(seen(plan, began, answer))
            if answer is None:
                return

    threads = [threading.Thread(target=caller, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return history


def seen(plan: Plan, began: int, answer: Answer) -> Transaction:
    """What a caller who just got this answer knows."""
    ended = time.monotonic_ns() if answer else None
    if answer and answer["status"] == "success":
        steps = zip(plan.steps, answer["value"], strict=True)
        return Transaction(
            tuple(
                Read(key, tuple(map(int, found))) if value is None else Append(key, value)
                for (key, value), found in steps
            ),
            began,
            ended,
        )
    appends = tuple(Append(key, value) for key, value in plan.steps if value is not None)
    return Transaction(appends, began, ended, failed=answer is not None)
