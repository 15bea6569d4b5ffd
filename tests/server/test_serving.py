"""An app on a socket."""

import socket

import pytest

from pillion_server import StartError
from pillion_server.serving import listen


def test_answers_are_not_held_back() -> None:
    """asyncio switches Nagle's algorithm off only for sockets that say they are TCP; else an answer waits 40 ms."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_port_in_use() -> None:
    """The sentence says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError, match="take another --port"):
        listen("127.0.0.1", taken.getsockname()[1])
