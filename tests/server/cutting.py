"""A TCP proxy before a server that can cut a connection when an answer is on its way, and hold answers back."""

import socket
import threading
from contextlib import suppress


class CuttingProxy:
    """Passes bytes on.

    target: the port of the server, which may change. cuts: how often a connection was cut.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.cuts = 0
        self._text: bytes | None = None
        self._is_open = threading.Event()
        self.release()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(self, text: bytes) -> None:
        """Cuts the first connection on which the server sends `text`, before that is passed on."""
        with self._lock:
            self._text = text

    def hold(self) -> None:
        """What the server sends stays here, until `release`."""
        self._is_open.clear()

    def release(self) -> None:
        self._is_open.set()

    def cut(self) -> None:
        """Cuts all connections."""
        for end in list(self._ends):
            _cut(end)

    def close(self) -> None:
        self.release()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                try:
                    server = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    client.close()
                    continue
                self._ends |= {client, server}
                for from_, to, is_answer in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass, args=(from_, to, is_answer), daemon=True).start()

    def passed(self, octets: bytes, *, is_answer: bool) -> bytes:
        """What is passed on of what has come; if that isn't all, the connection is cut after it."""
        if is_answer:
            self._is_open.wait()
            if self._is_time(octets):
                return b""
        return octets

    def _pass(self, from_: socket.socket, to: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while octets := from_.recv(65536):
                passed = self.passed(octets, is_answer=is_answer)
                to.sendall(passed)
                if len(passed) < len(octets):
                    break
        _cut(from_)
        _cut(to)
        self._ends -= {from_, to}

    def _is_time(self, octets: bytes) -> bool:
        with self._lock:
            if self._text is None or self._text not in octets:
                return False
            self._text = None
            self.cuts += 1
            return True


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
