"""One socket after the other."""

from pillion.link import CLOSED, CONNECTING, IDLE, OPEN, PROBE_SECONDS, SILENCE_SECONDS, WAITING, Link


def test_a_life() -> None:
    """Idle, connecting, open, waiting, and again, until it is closed."""
    link = Link(lambda: 0.5)
    assert (link.state, link.until) == (IDLE, None)
    assert link.connect(1.0) == 1
    assert (link.state, link.until) == (CONNECTING, 1.0 + SILENCE_SECONDS)
    assert link.opened(1, 2.0)
    assert not link.opened(1, 2.0)
    assert (link.state, link.until) == (OPEN, 2.0 + SILENCE_SECONDS)
    link.lose("", 3.0)
    assert (link.state, link.until) == (WAITING, 3.1)
    assert not link.is_due(3.05)
    assert link.is_due(3.1)
    link.hurry(3.05)
    assert link.is_due(3.05)
    assert link.connect(4.0) == 2
    link.close()
    assert (link.state, link.until) == (CLOSED, None)
    assert not link.is_due(1e9)


def test_sockets_of_the_past_do_not_count() -> None:
    """Whatever comes from them."""
    link = Link(lambda: 0.5)
    link.connect(0.0)
    link.opened(1, 0.0)
    link.lose("", 0.0)
    assert not link.has(1)
    link.connect(1.0)
    assert not link.opened(1, 1.0)
    assert not link.heard(2, 1.0)  # it isn't open
    assert link.opened(2, 1.0)
    assert not link.heard(1, 2.0)
    assert not link.has(1)
    assert link.heard(2, 2.0)
    assert link.has(2)


def test_silence() -> None:
    """The patience begins anew with every frame, and is short once the server was asked to say something."""
    link = Link(lambda: 0.5)
    link.probe(0.0)
    assert link.until is None
    link.connect(0.0)
    link.opened(1, 0.0)
    link.heard(1, 20.0)
    assert not link.is_due(SILENCE_SECONDS + 19.9)
    link.probe(21.0)
    assert link.is_due(21.0 + PROBE_SECONDS)
    link.probe(24.0)
    assert link.is_due(21.0 + PROBE_SECONDS)  # asking again makes nobody more patient
    link.heard(1, 25.0)
    assert not link.is_due(21.0 + PROBE_SECONDS)
    link.hurry(25.0)
    assert not link.is_due(25.0)  # it is connected
