"""What a server says, well and badly."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_shared import ABSENT, FunctionError, TransportError
from pillion_shared.errors import FrameError
from pillion_shared.server_frames import (
    ActionResponse,
    AuthError,
    FatalError,
    MutationResponse,
    Ping,
    QueryRemoved,
    QueryResult,
    Transition,
    TransitionChunk,
    read,
)
from pillion_shared.versions import Version

START = {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
END = {"querySet": 1, "identity": 0, "ts": "AQAAAAAAAAA="}


def frame(kind: str, **fields: Any) -> Any:
    return read(json.dumps({"type": kind} | fields))


def transition(*modifications: Any) -> Any:
    return frame("Transition", startVersion=START, endVersion=END, modifications=modifications, clientClockSkew=3)


def test_a_transition() -> None:
    """Values, failures and removals; fields that nobody knows are passed over."""
    found = transition(
        {"type": "QueryUpdated", "queryId": 0, "value": {"n": {"$integer": "AQAAAAAAAAA="}}, "journal": "j", "new": 1}
        | {"logLines": ["[LOG] 'x'"]},
        {"type": "QueryFailed", "queryId": 1, "errorMessage": "no", "errorData": None, "logLines": []},
        {"type": "QueryFailed", "queryId": 2, "errorMessage": "no"},
        {"type": "QueryRemoved", "queryId": 3},
    )  # fmt: skip
    assert isinstance(found, Transition)
    assert (found.start, found.end, found.clock_skew) == (Version(), Version(1, 0, 1), 3)
    value, failed, bare, removed = found.modifications
    assert isinstance(value, QueryResult)
    assert (value.query_id, value.result.value, value.journal) == (0, {"n": 1}, "j")
    assert value.result.log_lines == ("[LOG] 'x'",)
    for each, data in ((failed, None), (bare, ABSENT)):
        assert isinstance(each, QueryResult)
        assert isinstance(each.result.error, FunctionError)
        assert (each.result.error.message, each.result.error.data) == ("no", data)
    assert isinstance(removed, QueryRemoved)
    assert removed.query_id == 3


def test_a_value_that_is_none_harms_only_its_query() -> None:
    """A new connection would bring the same."""
    found = transition(
        {"type": "QueryUpdated", "queryId": 0, "value": {"$new": 1}}, {"type": "QueryUpdated", "queryId": 1, "value": 5}
    )
    assert isinstance(found.modifications[0].result.error, TransportError)
    assert found.modifications[1].result.value == 5
    answer = frame("MutationResponse", requestId=1, success=True, result={"$new": 1}, ts="AQAAAAAAAAA=")
    assert isinstance(answer.result.error, TransportError)
    assert answer.timestamp == 1


def test_responses() -> None:
    """Of mutations and actions, which lack a timestamp."""
    good = frame("MutationResponse", requestId=1, success=True, result=2.0, ts="AQAAAAAAAAA=", logLines=[])
    assert isinstance(good, MutationResponse)
    assert (good.request_id, good.result.value, good.result.error, good.timestamp) == (1, 2, None, 1)
    bad = frame("MutationResponse", requestId=1, success=False, result="no", ts=None, errorData={"a": 1})
    assert isinstance(bad.result.error, FunctionError)
    assert (bad.result.error.data, bad.timestamp) == ({"a": 1}, None)
    assert (
        frame("MutationResponse", requestId=1, success=False, result="no", errorData={"$x": 1}).result.error.data
        is ABSENT
    )
    action = frame("ActionResponse", requestId=3, success=True, result=None)
    assert isinstance(action, ActionResponse)
    assert (action.request_id, action.result.value, action.result.error) == (3, None, None)
    assert repr(action.result) == "Result()"
    assert repr(bad.result) == "Result(FunctionError)"


def test_the_rest() -> None:
    chunk = frame("TransitionChunk", chunk="{", partNumber=0, totalParts=2, transitionId="9")
    assert isinstance(chunk, TransitionChunk)
    assert (chunk.text, chunk.number, chunk.total, chunk.transition_id) == ("{", 0, 2, "9")
    error = frame("AuthError", error="late", baseVersion=2, authUpdateAttempted=False)
    assert isinstance(error, AuthError)
    assert (error.message, error.base, error.is_update) == ("late", 2, False)
    fatal = frame("FatalError", error="you")
    assert isinstance(fatal, FatalError)
    assert fatal.message == "you"
    assert isinstance(frame("Ping"), Ping)


@pytest.mark.parametrize(
    "text",
    [
        None,
        b"{}",
        "",
        "[",
        "[]",
        "[" * 100_000,
        "{}",
        '{"type": 3}',
        '{"type": "Surprise"}',
        '{"type": "Transition"}',
        '{"type": "Transition", "modifications": []}',
        '{"type": "TransitionChunk"}',
        '{"type": "MutationResponse", "requestId": 1, "success": true, "result": 1}',
        '{"type": "MutationResponse", "requestId": 1, "success": true, "ts": "AQAAAAAAAAA="}',
        '{"type": "MutationResponse", "requestId": "1", "success": false, "result": ""}',
        '{"type": "ActionResponse", "requestId": 1}',
        '{"type": "AuthError", "baseVersion": -1}',
    ],
)
def test_bad_frames(text: object) -> None:
    """One error for all of them."""
    with pytest.raises(FrameError):
        read(text)


@pytest.mark.parametrize(
    "modification",
    [
        None,
        {"type": "QueryUpdated", "queryId": 0},
        {"type": "QueryUpdated", "value": 0},
        {"type": "QueryForgotten", "queryId": 0},
        {"type": "QueryUpdated", "queryId": 0, "value": 0, "journal": 3},
    ],
)
def test_bad_modifications(modification: Any) -> None:
    with pytest.raises(FrameError):
        transition({"type": "QueryUpdated", "queryId": 1, "value": 0}, modification)


def test_an_error_holds_no_id() -> None:
    """It may be in what the server says."""
    secret = "11111111-1111-4111-8111-111111111111"
    with pytest.raises(FrameError) as caught:
        frame(secret)
    assert secret not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


FIELDS = [
    "requestId",
    "success",
    "result",
    "ts",
    "logLines",
    "modifications",
    "startVersion",
    "endVersion",
    "chunk",
    "partNumber",
]


@given(
    kind=st.sampled_from(["Transition", "MutationResponse", "ActionResponse", "AuthError", "TransitionChunk"]),
    fields=st.dictionaries(st.sampled_from(FIELDS), JSON),
)
def test_nothing_but_a_frame_or_its_error(kind: str, fields: dict[str, Any]) -> None:
    """Whatever comes."""
    with contextlib.suppress(FrameError):
        read(json.dumps({"type": kind} | fields))
