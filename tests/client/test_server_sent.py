"""What a stream of events says, by the HTML standard; the examples are of its section 9.2.6, and of its tests' kind."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion import server_sent
from pillion.server_sent import EventParser

STREAMS = [
    ("data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
    (": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
     [("message", "first event", "1"), ("message", "second event", "")]),
    ("data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
    ("data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
    ("event: add\ndata: 1\r\n\r\nevent: x\n\ndata: 2\r\r", [("add", "1", ""), ("message", "2", "")]),
    ("id: 7\n\ndata: a\n\n", [("message", "a", "7")]),
    ("id: 7\ndata: a\n\nid: a\0b\ndata: b\n\n", [("message", "a", "7"), ("message", "b", "7")]),
    ("retry: 20\nretry: -1\nretry: 2s\nretry:\ndata: a\nfoo: bar\n\n", [("message", "a", "")]),
    ("\ufeffdata: é\u2028x\n\n", [("message", "é\u2028x", "")]),
    ("\ufeff\ufeffdata: a\n\ndata: b\n\n", [("message", "b", "")]),
    ("data: a\r\n\r\n\ndata: b\r\r\n", [("message", "a", ""), ("message", "b", "")]),
    ("", []),
]  # fmt: skip


def events_of(parser: EventParser, parts: list[bytes]) -> list[tuple[str, str, str]]:
    """Type, data and ID of those in a stream that arrives in parts."""
    return [(event.event, event.data, event.id) for part in parts for event in parser.feed(part)]


@pytest.mark.parametrize(("stream", "wanted"), STREAMS)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_stream_says_the_same_in_whatever_parts_it_comes(
    stream: str, wanted: list[tuple[str, str, str]], size: int
) -> None:
    """Also between CR and LF, and within a character."""
    octets = stream.encode()
    parts = [octets[place : place + size] for place in range(0, len(octets), size)]
    assert events_of(EventParser(), parts) == wanted


@given(st.lists(st.tuples(st.text("ab \n:é"), st.text("xy1", min_size=1)), max_size=4), st.lists(st.integers(0, 60)))
def test_what_is_written_is_read(events: list[tuple[str, str]], cuts: list[int]) -> None:
    """Any data without a CR, cut anywhere."""
    text = "".join(
        f"id: {name}\n" + "".join(f"data: {line}\n" for line in data.split("\n")) + "\n" for data, name in events
    )
    octets = text.encode()
    places = sorted({min(cut, len(octets)) for cut in cuts} | {0, len(octets)})
    parts = [octets[begin:end] for begin, end in itertools.pairwise(places)]
    assert [(data, name) for _, data, name in events_of(EventParser(), parts)] == events


def test_a_new_connection_goes_on_after_the_last_event() -> None:
    """What was not whole is lost; its ID, too."""
    parser = EventParser("5")
    assert events_of(parser, [b"data: a\n\nid: 6\ndata: b"]) == [("message", "a", "5")]
    parser.begin()
    assert parser.last_id == "5"
    assert events_of(parser, [b"data: c\n\n"]) == [("message", "c", "5")]


def test_the_server_says_how_long_to_wait() -> None:
    """In milliseconds; here it is seconds."""
    parser = EventParser()
    assert parser.retry is None
    parser.feed(b"retry: 1500\n")
    assert parser.retry == 1.5


def test_what_is_not_utf8_is_replaced() -> None:
    """As browsers do."""
    (event,) = EventParser().feed(b"data: \xff\n\n")
    assert event.data == "\ufffd"
    assert repr(event) == "ServerSentEvent('message', 1 characters)"


def test_a_long_line_is_looked_through_once() -> None:
    """However many pieces it comes in: ten times as many take ten times as long, not a hundred times."""

    def seconds(pieces: int) -> float:
        parser = EventParser()
        begin = time.process_time()
        for _ in range(pieces):
            parser.feed(b"x" * 100)
        parser.feed(b"\n\n")
        return time.process_time() - begin

    assert min(seconds(40_000) for _ in range(3)) < 40 * min(seconds(4_000) for _ in range(3))


@pytest.mark.parametrize("piece", [b"data: xxxxxxxxxxxx\n", b"xxxxxxxxxxxx"])
def test_an_event_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    """The memory is not filled."""
    monkeypatch.setattr(server_sent, "MAX_LINE", 100)
    parser = EventParser()
    for _ in range(100 // len(piece)):
        parser.feed(piece)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        parser.feed(piece + piece)
