"""What a client says."""

import json
from typing import Any

import pytest

from pillion_shared import EncodingError, frames


def fields(text: str) -> Any:
    return json.loads(text)


def test_connect() -> None:
    """The timestamp is left out where nothing was seen."""
    wanted = {
        "type": "Connect",
        "sessionId": "c",
        "connectionCount": 0,
        "lastCloseReason": "InitialConnect",
        "clientTs": 5,
    }
    assert fields(frames.connect("c", 0, frames.INITIAL_CONNECT, 0, 5)) == wanted
    assert fields(frames.connect("c", 0, frames.INITIAL_CONNECT, 1, 5)) == wanted | {
        "maxObservedTimestamp": "AQAAAAAAAAA="
    }


def test_the_query_set() -> None:
    """A journal goes along where there is one."""
    changes = [frames.add(1, "a:b", {"n": 1.0}, None), frames.add(2, "a:b", {}, "j"), frames.remove(0)]
    assert fields(frames.modify_query_set(4, changes)) == {
        "type": "ModifyQuerySet",
        "baseVersion": 4,
        "newVersion": 5,
        "modifications": [
            {"type": "Add", "queryId": 1, "udfPath": "a:b", "args": [{"n": 1.0}]},
            {"type": "Add", "queryId": 2, "udfPath": "a:b", "args": [{}], "journal": "j"},
            {"type": "Remove", "queryId": 0},
        ],
    }


@pytest.mark.parametrize("kind", [frames.MUTATION, frames.ACTION])
def test_calls(kind: str) -> None:
    """Their arguments are a list of one."""
    wanted = {"type": kind, "requestId": 7, "udfPath": "a:b", "args": [{"n": 1.0}]}
    assert fields(frames.request(kind, 7, "a:b", {"n": 1.0})) == wanted


def test_authenticate() -> None:
    """A user, or nobody."""
    assert fields(frames.authenticate(0, "jwt")) == {
        "type": "Authenticate", "baseVersion": 0, "tokenType": "User", "value": "jwt"
    }  # fmt: skip
    assert fields(frames.authenticate(1, None)) == {"type": "Authenticate", "baseVersion": 1, "tokenType": "None"}


def test_what_memory_can_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on MicroPython, whose heap is small."""

    def full(_frame: object) -> str:
        raise MemoryError

    monkeypatch.setattr(json, "dumps", full)
    with pytest.raises(EncodingError, match="too large"):
        frames.request(frames.MUTATION, 0, "a:b", {})
