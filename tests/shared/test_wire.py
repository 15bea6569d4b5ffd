"""The bodies of the HTTP function API."""

import json

import pytest

from pillion_shared import ABSENT, EncodingError, FunctionError, TransportError, wire


def test_a_call_names_path_arguments_and_format() -> None:
    """The body is Convex's, with the session under its name on the wire."""
    assert json.loads(wire.call("cart:add", wire.arguments({"n": 1, "session_id": "s"}))) == {
        "path": "cart:add",
        "args": {"n": 1.0, "sessionId": "s"},
        "format": "convex_encoded_json",
    }


def test_names_on_the_wire() -> None:
    """Of arguments that Python spells otherwise; one that comes under both is refused, not chosen from."""
    options = {"numItems": 2, "cursor": None}
    assert wire.arguments({"pagination_opts": options}) == wire.arguments({"paginationOpts": options})
    assert wire.on_wire({"n": 1, "session_id": "s"}) == {"n": 1, "sessionId": "s"}
    for fields in ({"session_id": "s", "sessionId": "t"}, {"paginationOpts": {}, "pagination_opts": {}}):
        with pytest.raises(EncodingError, match="leave one of them out"):
            wire.arguments(fields)


def test_a_call_of_what_can_not_travel_is_refused() -> None:
    """Before anything is sent, with the place."""
    with pytest.raises(EncodingError, match=r"^\$\.name: a value of type object can't travel"):
        wire.arguments({"name": object()})


def test_a_call_that_memory_can_not_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on MicroPython, whose heap is small: it is an error of ours, which says what to do."""

    def full(*args: object) -> object:
        raise MemoryError

    monkeypatch.setattr(wire, "encode", full)
    monkeypatch.setattr(json, "dumps", full)
    with pytest.raises(EncodingError, match=r"^\$: .*too large.*send less"):
        wire.arguments({"a": 1})
    with pytest.raises(EncodingError, match=r"^\$: .*too large.*send less"):
        wire.call("a:b", {})


def test_a_success_comes_back_as_its_value() -> None:
    """What the server writes, the page reads."""
    assert wire.result(200, json.dumps(wire.success({"n": 1}))) == {"n": 1}
    assert wire.success(None) == {"status": "success", "value": None}
    assert wire.success(1, ["[LOG] 'x'"])["logLines"] == ["[LOG] 'x'"]


@pytest.mark.parametrize("data", [{"code": "sold_out"}, None, ABSENT])
def test_a_failure_comes_back_with_its_data(data: object) -> None:
    """Data, the data None, and no data are three things."""
    with pytest.raises(FunctionError) as caught:
        wire.result(200, json.dumps(wire.failure("Sold out.", data, ["[LOG] 'x'"])))
    assert caught.value.data == data
    assert caught.value.message == "Sold out."
    assert caught.value.log_lines == ("[LOG] 'x'",)


def test_a_refusal_is_a_transport_error_with_its_code() -> None:
    """The function was never run."""
    with pytest.raises(TransportError, match=r"BadJsonBody.*not JSON") as caught:
        wire.result(400, json.dumps(wire.refusal("BadJsonBody", "This is not JSON.")))
    assert (caught.value.status, caught.value.code) == (400, "BadJsonBody")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "", "<html>", "[]", "null", "{}", '{"status": "success"}', '{"status": "odd", "value": 1}']
)
def test_another_answer_is_a_transport_error(text: str) -> None:
    """A proxy's page or another API's answer is not a value."""
    with pytest.raises(TransportError, match="HTTP 502"):
        wire.result(502, text)


def test_an_answer_with_a_broken_value_is_a_transport_error() -> None:
    """The place is named."""
    with pytest.raises(TransportError, match=r"\$\.a: not base64"):
        wire.result(200, '{"status": "success", "value": {"a": {"$bytes": "?"}}}')
