"""The frames of the sync protocol."""

import json
from typing import Any

import msgspec
import pytest

from pillion_server import sync_frames as frames
from pillion_server.sync_frames import Shown, Version
from pillion_shared import frames as sent
from pillion_shared.server_frames import read


def test_what_clients_send() -> None:
    """By its type, without what isn't known."""
    text = (
        '{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"x":1,"modifications":[{"type":"Remove","queryId":1}]}'
    )
    assert frames.parse(text) == frames.ModifyQuerySet(0, 1, [frames.Remove(1)])
    assert frames.parse('{"type":"Event"}') == frames.Event()
    half = frames.parse('{"type":"Action","requestId":1,"udfPath":"a:b","args":[{"x":"\\ud800"}]}')
    assert isinstance(half, frames.Action)
    assert half.args == [{"x": "\ud800"}]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"type":"secret"}', "{" * 100_000, '{"type":"Connect","sessionId":7}', '{"type":"Event","x":NaN}'],
)
def test_what_is_no_frame(text: str) -> None:
    """The reason repeats nothing of it."""
    with pytest.raises(ValueError, match=r"^[^{]+$") as caught:
        frames.parse(text)
    assert "secret" not in str(caught.value)


def test_the_types_have_one_spelling() -> None:
    """That of pillion_shared, whose client makes what is read here."""
    add = sent.add(1, "a:b", {"x": 1}, "j")
    assert frames.parse(sent.connect("c", 0, None, 5, 7)) == frames.Connect("c", "BQAAAAAAAAA=", 7)
    assert frames.parse(sent.modify_query_set(0, [add, sent.remove(2)])) == frames.ModifyQuerySet(
        0, 1, [frames.Add(1, "a:b", [{"x": 1}], "j"), frames.Remove(2)]
    )
    assert frames.parse(sent.request(sent.MUTATION, 3, "a:b", {})) == frames.Mutation(3, "a:b", [{}])
    assert frames.parse(sent.request(sent.ACTION, 3, "a:b", {})) == frames.Action(3, "a:b", [{}])
    assert frames.parse(sent.authenticate(1, "t")) == frames.Authenticate(1, sent.USER, "t")
    assert frames.parse(sent.authenticate(1, None)) == frames.Authenticate(1, sent.NONE)


def test_what_is_said_is_read() -> None:
    """By the other side."""
    done = {"status": "success", "value": 1, "ts": "BQAAAAAAAAA="}
    texts = [
        frames.transition(Version(), Version(1), [frames.removed(1)], frames.NO_SKEW),
        frames.mutation_response(1, done),
        frames.action_response(1, done),
        frames.auth_error("no", 2, attempted=False),
        frames.fatal_error("no"),
        frames.PING,
    ]
    expected = "Transition MutationResponse ActionResponse AuthError FatalError Ping"
    assert " ".join(type(read(text)).__name__ for text in texts) == expected


def test_failures_that_say_the_same() -> None:
    """Are equal, though each has the number of its call."""

    def failed(number: str, why: str = "Server Error") -> Shown:
        return frames.shown({"status": "error", "errorMessage": f"[Request ID: {number}] {why}"}, None)

    assert failed("0123456789abcdef") == failed("fedcba9876543210")
    assert failed("0123456789abcdef").text(1) != failed("fedcba9876543210").text(1)
    assert failed("0123456789abcdef") != failed("0123456789abcdef", "Other")
    said = "[Request ID: 0123456789abcdef] a"
    values = [frames.shown({"status": "success", "value": text}, None) for text in (said, said.replace("1", "2"))]
    assert values[0] != values[1]


def test_a_transition() -> None:
    """Its texts are joined as they are."""
    shown = frames.shown({"status": "success", "value": msgspec.Raw(b"1.0"), "logLines": ["[LOG] 1"]}, "j")
    failed = frames.shown({"status": "error", "errorMessage": "no", "errorData": None}, None)
    parts = [frames.removed(1), shown.text(2), failed.text(3)]
    made: dict[str, Any] = json.loads(frames.transition(Version(), Version(1, 2, 1), parts, frames.NO_SKEW))
    assert made["startVersion"] == {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
    assert made["endVersion"] == {"querySet": 1, "identity": 2, "ts": "AQAAAAAAAAA="}
    assert made["modifications"] == [
        {"type": "QueryRemoved", "queryId": 1},
        {"type": "QueryUpdated", "queryId": 2, "value": 1.0, "logLines": ["[LOG] 1"], "journal": "j"},
        {"type": "QueryFailed", "queryId": 3, "errorMessage": "no", "errorData": None, "logLines": [], "journal": None},
    ]
