"""Mutations and actions, from the call to the end."""

import json
from typing import Any

from pillion.calls import Call, Calls, lost_action
from pillion_shared import FunctionError, frames
from pillion_shared.server_frames import ActionResponse, MutationResponse, Result


def calls_of(*kinds: str) -> tuple[Calls, list[Call]]:
    calls = Calls()
    return calls, [calls.add(kind, "a:b", {"n": 1.0}, 5.0) for kind in kinds]


def ids(calls: list[Call]) -> list[int]:
    return [call.id for call in calls]


def succeed(calls: Calls, number: int, timestamp: int) -> Any:
    return calls.respond(MutationResponse(number, Result(number), timestamp), timestamp)


def test_they_are_sent_once_in_their_order() -> None:
    """With numbers that mutations and actions share."""
    calls, made = calls_of(frames.MUTATION, frames.ACTION, frames.MUTATION)
    assert ids(calls.due()) == [0, 1, 2]
    assert calls.due() == []
    assert json.loads(made[1].text) == {"type": "Action", "requestId": 1, "udfPath": "a:b", "args": [{"n": 1.0}]}
    assert (calls.pending(frames.MUTATION), calls.pending(frames.ACTION)) == (2, 1)
    assert calls.oldest() is made[0]


def test_a_mutation_ends_when_its_effect_is_shown() -> None:
    """A second answer changes nothing; a failure ends it at once, and so does an action's answer."""
    calls, made = calls_of(frames.MUTATION, frames.MUTATION, frames.ACTION)
    calls.due()
    assert succeed(calls, 0, 7) is None
    assert calls.respond(MutationResponse(0, Result(None, FunctionError()), None), None) is None
    assert calls.show(6) == []
    assert calls.respond(MutationResponse(1, Result(None, FunctionError()), None), None) is made[1]
    assert calls.respond(ActionResponse(2, Result(3)), None) is made[2]
    assert calls.show(7) == [made[0]]
    assert made[0].result is not None
    assert made[0].result.value == 0
    assert calls.oldest() is None
    assert succeed(calls, 0, 7) is None
    assert succeed(calls, 99, 7) is None


def test_a_new_connection() -> None:
    """Mutations are sent again, as they were, the committed ones too; sent actions have ended."""
    calls, made = calls_of(frames.MUTATION, frames.ACTION, frames.MUTATION)
    calls.due()
    succeed(calls, 0, 7)
    texts = [call.text for call in made]
    late = calls.add(frames.ACTION, "a:b", {}, 6.0)
    assert calls.restart() == [made[1]]
    assert [call.text for call in calls.due()] == [texts[0], texts[2], late.text]
    assert "it may have run or not" in str(lost_action().error)


def test_giving_up() -> None:
    """What was never sent never will be; what was sent is carried to its end."""
    calls, made = calls_of(frames.MUTATION)
    calls.due()
    unsent = calls.add(frames.MUTATION, "a:b", {}, 6.0)
    assert calls.give_up(unsent)
    assert not calls.give_up(unsent)
    assert not calls.give_up(made[0])
    assert calls.due() == []
    calls.restart()
    assert calls.due() == [made[0]]
    assert calls.end() == [made[0]]
    assert calls.end() == []


def test_numbers_are_never_used_again() -> None:
    """Not even those of calls that were given up."""
    calls, made = calls_of(frames.MUTATION)
    calls.give_up(made[0])
    assert calls.add(frames.MUTATION, "a:b", {}, 6.0).id == 1


def test_one_that_is_held_holds_those_after_it() -> None:
    calls, made = calls_of(frames.MUTATION, frames.MUTATION, frames.ACTION)
    made[0].is_held = made[1].is_held = True
    assert calls.due() == []
    made[1].is_held = False
    assert calls.due() == []
    made[0].is_held = False
    made[1].is_held = True
    assert ids(calls.due()) == [0]
    assert calls.give_up(made[1])
    assert ids(calls.due()) == [2]


def test_those_of_an_earlier_page_keep_their_numbers() -> None:
    calls = Calls()
    for number in (3, 7):
        calls.restore(number, "a:b", {}, 1.0)
    assert ids(calls.due()) == [3, 7]
    assert calls.add(frames.MUTATION, "a:b", {}, 2.0).id == 8
    assert calls.pending(frames.MUTATION) == 3
