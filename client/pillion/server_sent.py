"""Server-sent events: what a stream of bytes says, by the rules of the HTML standard, section 9.2.6. No I/O."""

MAX_LINE = 16 * 1024 * 1024
"""The longest event, in bytes of its stream; one that never ends must not fill the memory."""

_MARK = b"\xef\xbb\xbf"


class ServerSentEvent:
    """One event. event: its type, `"message"` unless the server says so. id: the last one that the server has given."""

    def __init__(self, event: str, data: str, id: str) -> None:
        self.event = event
        self.data = data
        self.id = id

    def __repr__(self) -> str:
        return f"ServerSentEvent({self.event!r}, {len(self.data)} characters)"


class EventParser:
    """Takes the bytes of a stream as they come, and gives the events that are whole.

    last_id: the last event ID, for the `Last-Event-ID` of the next connection. retry: the seconds that the server
    wants between connections, `None` until it says so.
    """

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry: float | None = None
        self.begin()

    def begin(self) -> None:
        """A new connection: what was not whole is lost."""
        self._rest: list[bytes] = []  # the pieces of a line that has not ended
        self._rest_size = 0
        self._start: bytes | None = b""  # what may be a byte order mark
        self._skips_lf = False
        self._data: list[str] = []
        self._event = ""
        self._id = self.last_id
        self._size = 0

    def feed(self, octets: bytes) -> "list[ServerSentEvent]":
        """The events that end in these bytes. Raises `ValueError` for an event that is too long."""
        if self._start is not None:
            start = self._start + octets
            if len(start) < len(_MARK) and _MARK[: len(start)] == start:
                self._start = start
                return []
            self._start, octets = None, start[len(_MARK) :] if start[: len(_MARK)] == _MARK else start
        found: list[ServerSentEvent] = []
        for line in self._lines(octets):
            event = self._take(line)
            if event is not None:
                found.append(event)
        if self._size + self._rest_size > MAX_LINE:
            raise ValueError(f"an event of more than {MAX_LINE} bytes")
        return found

    def _lines(self, octets: bytes) -> "list[str]":
        """Those that end in these bytes, by LF, CR or both."""
        if octets and self._skips_lf:
            self._skips_lf = False
            octets = octets[1:] if octets[:1] == b"\n" else octets
        if octets:
            self._skips_lf = octets[-1:] == b"\r"
        *lines, rest = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if lines:
            lines[0] = b"".join(self._rest + [lines[0]])
            self._rest, self._rest_size = [], 0
        self._rest.append(rest)
        self._rest_size += len(rest)
        return [_decoded(line) for line in lines]

    def _take(self, line: str) -> "ServerSentEvent | None":
        if not line:
            return self._dispatched()
        self._size += len(line)
        field, _, value = line.partition(":")
        if value[:1] == " ":
            value = value[1:]
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._event = value
        elif field == "id" and "\0" not in value:
            self._id = value
        elif field == "retry" and value and all(character in "0123456789" for character in value):
            self.retry = int(value) / 1000
        return None

    def _dispatched(self) -> "ServerSentEvent | None":
        self.last_id = self._id
        data, event = self._data, self._event or "message"
        self._data, self._event, self._size = [], "", 0
        return ServerSentEvent(event, "\n".join(data), self.last_id) if data else None


def _decoded(octets: bytes) -> str:
    """UTF-8; what is none of it is replaced, as browsers do."""
    try:
        return octets.decode()
    except UnicodeError:
        pass
    return octets.decode("utf-8", "replace")
