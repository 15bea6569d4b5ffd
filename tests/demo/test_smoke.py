"""What the smoke page calls."""

import asyncio
from collections.abc import Callable

from demo.visitor import Visitor
from pillion import api


def test_calls_are_counted_by_session(visitor: Callable[[], Visitor]) -> None:
    """Each has its own count."""
    one, two = visitor(), visitor()
    assert [one.mutation(api.smoke.call, runtime="here") for _ in range(3)] == [1, 2, 3]
    assert two.mutation(api.smoke.call, runtime="there") == 1
    assert one.query(api.smoke.seen) == {"runtime": "here", "calls": 3}


def test_a_refresh_carries_the_count_along(visitor: Callable[[], Visitor]) -> None:
    """Also when nothing was counted yet."""
    tab = visitor()
    carry = lambda new: tab.session.mutation(api.smoke.carry, new=new)  # noqa: E731 - as pages write it
    asyncio.run(tab.session.refresh(carry))
    assert tab.query(api.smoke.seen) == {"runtime": None, "calls": 0}
    tab.mutation(api.smoke.call, runtime="here")
    asyncio.run(tab.session.refresh(carry))
    assert tab.mutation(api.smoke.call, runtime="here") == 2
