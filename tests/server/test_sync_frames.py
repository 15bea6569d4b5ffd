"""The frames of the sync protocol."""

import json
from typing import Any

import msgspec
import pytest

from pillion_server import sync_frames as frames
from pillion_server.sync_frames import Version


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


def test_a_transition() -> None:
    """Its texts are joined as they are."""
    shown = frames.shown({"status": "success", "value": msgspec.Raw(b"1.0"), "logLines": ["[LOG] 1"]}, "j")
    failed = frames.shown({"status": "error", "errorMessage": "no", "errorData": None}, None)
    parts = [frames.removed(1), shown.text(2), failed.text(3)]
    made: dict[str, Any] = json.loads(frames.transition(Version(), Version(1, 2, 1), parts, None))
    assert made["startVersion"] == {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
    assert made["endVersion"] == {"querySet": 1, "identity": 2, "ts": "AQAAAAAAAAA="}
    assert made["modifications"] == [
        {"type": "QueryRemoved", "queryId": 1},
        {"type": "QueryUpdated", "queryId": 2, "value": 1.0, "logLines": ["[LOG] 1"], "journal": "j"},
        {"type": "QueryFailed", "queryId": 3, "errorMessage": "no", "errorData": None, "logLines": [], "journal": None},
    ]
