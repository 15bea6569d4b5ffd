"""Tokens: asked for, sent, confirmed, renewed, refused."""

import base64
import json
from typing import Any

import pytest

from pillion.authentication import FETCH_SECONDS, LEEWAY_SECONDS, SHORTEST_SECONDS, Authentication, expiry
from pillion.effects import AuthChanged, FetchToken
from pillion_shared.server_frames import AuthError


def jwt(**fields: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")
    return f"x.{payload}.x"


class User:
    """An authentication, and what it has wanted."""

    def __init__(self) -> None:
        self.effects: list[Any] = []
        self.auth = Authentication(self.effects, lambda: 1_000_000)

    def wanted(self) -> list[Any]:
        found = [
            (each.number, each.is_fresh) if isinstance(each, FetchToken) else each.is_authenticated
            for each in self.effects
            if isinstance(each, (FetchToken, AuthChanged))
        ]
        self.effects.clear()
        return found

    def sent(self) -> Any:
        text = self.auth.modify()
        return None if text is None else (json.loads(text)["baseVersion"], json.loads(text).get("value"))

    def log_in(self, token: str = "t") -> None:
        self.auth.begin(0.0)
        self.auth.token_fetched(1, token, 0.0)
        self.auth.modify()
        self.auth.confirm(1, None, 0.0)
        assert self.wanted() == [(1, False), True]


def test_a_token_is_fetched_sent_and_confirmed() -> None:
    """Nothing may be sent before; the user hears of it once."""
    user = User()
    assert user.sent() is None
    user.auth.begin(0.0)
    assert user.auth.is_paused
    assert user.wanted() == [(1, False)]
    user.auth.token_fetched(7, "another", 0.0)
    assert user.auth.is_paused
    user.auth.token_fetched(1, "t", 0.0)
    assert not user.auth.is_paused
    assert user.sent() == (0, "t")
    assert user.sent() is None
    user.auth.confirm(0, None, 0.0)
    assert user.wanted() == []
    assert not user.auth.is_settled(0)
    user.auth.confirm(1, None, 0.0)
    user.auth.confirm(1, None, 0.0)
    assert user.wanted() == [True]


def test_a_new_connection_hears_it_first() -> None:
    """And a log-out is told to the server that knew."""
    user = User()
    user.log_in()
    user.auth.restart()
    assert user.sent() == (0, "t")
    user.auth.end()
    assert user.sent() == (1, None)
    user.auth.restart()
    assert user.sent() is None


def test_without_a_token_the_user_is_nobody() -> None:
    """Also when it doesn't come in time."""
    for late in (True, False):
        user = User()
        user.auth.begin(0.0)
        if late:
            user.auth.tick(FETCH_SECONDS - 1)
            assert user.auth.is_paused
            user.auth.tick(FETCH_SECONDS)
        else:
            user.auth.token_fetched(1, None, 0.0)
        assert user.wanted() == [(1, False), False]
        assert not user.auth.is_paused
        assert user.sent() is None


def test_a_token_is_renewed_before_its_end() -> None:
    """By the server's clock; what is shown meanwhile goes on, and a renewal that never comes is asked for again."""
    user = User()
    user.log_in(jwt(exp=1100))
    assert user.auth.until == 100 - LEEWAY_SECONDS
    user.auth.confirm(1, -20_000.0, 0.0)
    assert user.auth.until == 80 - LEEWAY_SECONDS
    user.auth.tick(70.0)
    assert user.wanted() == [(2, True)]
    assert not user.auth.is_paused
    user.auth.tick(70.0 + FETCH_SECONDS)
    assert user.wanted() == [(3, True)]
    user.auth.token_fetched(3, jwt(exp=1001), 100.0)
    assert user.auth.until == 100.0 + SHORTEST_SECONDS
    assert user.sent()[0] == 1


def test_a_refused_token_is_replaced_twice() -> None:
    """Then the client gives up."""
    user = User()
    user.auth.begin(0.0)
    for number, wanted in ((1, (2, True)), (2, (3, True)), (3, False)):
        user.wanted()
        user.auth.restart()
        user.auth.token_fetched(number, f"t{number}", 0.0)
        assert user.sent() == (0, f"t{number}")
        user.auth.reject(AuthError("bad", 0, True), 0.0)
        assert user.wanted() == [wanted]
    user.auth.restart()
    assert user.sent() is None
    user.auth.reject(AuthError("bad", 0, True), 0.0)
    assert user.wanted() == []


def test_one_that_has_expired_is_replaced_without_end() -> None:
    """It was good before; and what is said of an earlier token is of no interest."""
    user = User()
    user.log_in()
    for number in range(2, 9):
        user.auth.reject(AuthError("late", 1, False), 0.0)
        assert user.wanted() == [(number, True)]
        user.auth.token_fetched(number, "t", 0.0)
    user.auth.modify()
    user.auth.reject(AuthError("bad", 0, True), 0.0)
    assert user.wanted() == []


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.!.c", jwt(iat=1), jwt(exp="soon"), "x.W10.x"])
def test_what_says_no_end(token: str) -> None:
    assert expiry(token) is None
    assert expiry(jwt(exp=5, name="é?>")) == 5.0
