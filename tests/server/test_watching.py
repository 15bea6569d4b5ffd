"""Sessions among the arguments, watched."""

from collections.abc import Callable

import pytest

from pillion_server import SessionId
from pillion_server.keys import key_of
from pillion_server.sessions import Digests
from pillion_server.watching import WatchedSessions
from pillion_shared import encode
from server.world import RAW_ID


@pytest.fixture
def watched() -> WatchedSessions:
    """Nothing made yet."""
    return WatchedSessions(Digests(b"a secret of the tests"))


@pytest.mark.parametrize(
    "look",
    [
        lambda session: session == "x",
        lambda session: session != "x",
        lambda session: {session: 1},
        lambda session: f"{session}",
        str,
        repr,
        lambda session: session[:4],
        lambda session: session.startswith("sid."),
        lambda session: key_of((session,)),
        lambda session: encode([session]),
    ],
)
def test_a_look_is_seen(watched: WatchedSessions, look: Callable[[SessionId], object]) -> None:
    """Whatever is done with it, it behaves like the session."""
    plain = Digests(b"a secret of the tests").of(RAW_ID)
    session = watched.of(RAW_ID)
    assert not watched.read
    assert look(session) == look(plain)
    assert watched.read


def test_being_handed_on_is_no_look(watched: WatchedSessions) -> None:
    """Into a context, a list, another variable."""
    session = watched.again(SessionId("sid." + "a" * 43, via="sid." + "b" * 43))
    assert isinstance(session, SessionId)
    assert [session][0] is session
    assert session.via == "sid." + "b" * 43
    assert not watched.read
    assert watched.names == (("sid." + "a" * 43, "sid." + "b" * 43),)
