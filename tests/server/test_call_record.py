"""What there is to tell of a call."""

import re

from pillion_server.call_record import UNKNOWN, CallRecord


def test_the_fields() -> None:
    """Those of the log; a record that nobody has filled says so."""
    record = CallRecord("query")
    fields = record.fields()
    assert re.fullmatch("[0-9a-f]{16}", str(fields.pop("request_id")))
    assert float(str(fields.pop("duration_ms"))) >= 0
    assert fields == {"function": UNKNOWN, "kind": "query", "outcome": "abandoned"}


def test_its_clock_stops() -> None:
    """Once it has ended."""
    record = CallRecord("query")
    assert record.duration_ms <= record.duration_ms
    record.end()
    assert record.duration_ms == record.duration_ms == record.seconds * 1000 > 0


def test_requests_are_told_apart() -> None:
    """Each has one name for good."""
    one, two = CallRecord("query"), CallRecord("query")
    assert one.request_id == one.request_id != two.request_id
