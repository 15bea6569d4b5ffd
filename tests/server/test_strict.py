"""Strict mode, over the wire."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pillion_server import StartError
from pillion_server.reloading import reload
from pillion_server.strict import REFUSAL
from server.clockwork import raw
from server.world import Process, World, write_functions

USERS = """
@mutation
def start(ctx, session_id: SessionId, password: str = "tea") -> None:
    if password != "tea":
        raise FunctionError({"code": "password"})
    ctx.sessions.register(session_id)

@mutation
def login(ctx, session_id: SessionId, new: SessionId) -> None:
    ctx.sessions.bind(new, "ada")
    ctx.sessions.invalidate(session_id)

@mutation
def refresh(ctx, session_id: SessionId, new: SessionId) -> None:
    ctx.sessions.transfer(session_id, new)

@mutation
def logout(ctx, session_id: SessionId) -> None:
    ctx.sessions.invalidate(session_id)

@mutation
def invalidate_all(ctx) -> None:
    ctx.sessions.invalidate_all()

@query
def me(ctx, session_id: SessionId) -> str | None:
    return ctx.sessions.user(session_id)

@query
def everybody(ctx) -> str:
    return "hello"

@action
async def act(ctx, session_id: SessionId, then: str = "", other: Any = None) -> None:
    if then:
        await ctx.run_mutation(then, session_id=other or session_id)
"""
DOORS = ["users:start", "users:login", "users:refresh"]
CALLS = [("query", "users:me"), ("mutation", "users:logout"), ("action", "users:act")]


@pytest.fixture
def strict(world: Callable[..., World]) -> World:
    """An app with three doors."""
    return world(users=USERS, options={"strict": DOORS})


def is_in(world: World, number: int) -> bool:
    """Whether the ID opens a query; what says no is always the same."""
    answer = world.call("query", "users:me", sessionId=raw(number)).json
    assert answer["status"] == "success" or answer["errorData"] == REFUSAL
    return bool(answer["status"] == "success")


@pytest.mark.parametrize(("kind", "path"), CALLS)
def test_an_id_is_refused_until_it_is_registered(strict: World, kind: str, path: str) -> None:
    """With data of its own, by every kind of function, again and again."""
    for _ in range(2):
        answer = strict.call(kind, path, sessionId=raw(1))
        assert (answer.json["errorData"], answer.json["errorMessage"]) == (REFUSAL, REFUSAL["message"])
    strict.mutation("users:start", sessionId=raw(1))
    assert strict.call(kind, path, sessionId=raw(1)).value is None
    assert not is_in(strict, 2)
    assert strict.query("users:everybody") == "hello"


def test_what_a_door_refuses_is_not_registered(strict: World) -> None:
    """It asks for what it likes, and may let nobody in."""
    assert strict.call("mutation", "users:start", sessionId=raw(1), password="").json["errorData"] == {
        "code": "password"
    }
    assert not is_in(strict, 1)


def test_a_log_in_registers(strict: World) -> None:
    """The session that is bound; the one before has ended."""
    strict.mutation("users:login", sessionId=raw(1), new=raw(2))
    assert (is_in(strict, 1), is_in(strict, 2)) == (False, True)


def test_a_registration_is_handed_on(strict: World) -> None:
    """The new session has it, the old ID during its grace too; who has none hands none on."""
    strict.mutation("users:start", sessionId=raw(1))
    strict.mutation("users:refresh", sessionId=raw(1), new=raw(2))
    assert (is_in(strict, 1), is_in(strict, 2)) == (True, True)
    strict.mutation("users:refresh", sessionId=raw(3), new=raw(4))
    assert (is_in(strict, 3), is_in(strict, 4)) == (False, False)


@pytest.mark.parametrize("end", ["users:logout", "users:invalidate_all"])
def test_the_end_of_a_session_is_the_end_of_its_registration(strict: World, end: str) -> None:
    """What its ID opens then, a kept answer among it, has to be registered anew."""
    strict.mutation("users:start", sessionId=raw(1))
    assert is_in(strict, 1)
    strict.mutation(end, **({} if end == "users:invalidate_all" else {"sessionId": raw(1)}))
    assert not is_in(strict, 1)
    strict.mutation("users:start", sessionId=raw(1))
    assert is_in(strict, 1)


def test_an_action_is_no_way_round(strict: World) -> None:
    """An ID that reaches a function through an action, as any value, is looked at as well."""
    strict.mutation("users:start", sessionId=raw(1))
    answer = strict.call("action", "users:act", sessionId=raw(1), then="users:logout", other=raw(2)).json
    assert answer["errorData"] == REFUSAL
    assert strict.call("action", "users:act", sessionId=raw(1), then="users:logout").value is None
    assert not is_in(strict, 1)


def test_at_an_earlier_time(strict: World) -> None:
    """A registration counts as it is now, also for a query at a time when it was another."""

    def post(path: str, /, **body: object) -> dict[str, Any]:
        headers = {"content-type": "application/json"}
        return strict.request("POST", path, json.dumps(body).encode(), headers).json

    at = {"path": "users:me", "args": {"sessionId": raw(1)}, "format": "json", "ts": post("/api/query_ts")["ts"]}
    assert post("/api/query_at_ts", **at)["errorData"] == REFUSAL
    strict.mutation("users:start", sessionId=raw(1))
    assert post("/api/query_at_ts", **at)["status"] == "success"


def test_a_registration_is_on_the_disk(strict: World) -> None:
    """And the command line can be strict too."""
    strict.mutation("users:start", sessionId=raw(1))
    strict.close()
    server = Process(strict.functions, strict.database, "--strict", "users:start", "--strict", "users:login")
    assert server.call("query", "users:me", sessionId=raw(1)).value is None
    assert server.call("query", "users:me", sessionId=raw(2)).json["errorData"] == REFUSAL
    assert server.call("mutation", "users:refresh", sessionId=raw(2), new=raw(3)).json["errorData"] == REFUSAL
    server.kill()


@pytest.mark.parametrize("name", ["users:begin", "users", "no:such"])
def test_a_door_that_is_not_there(world: Callable[..., World], name: str) -> None:
    """Is said at start."""
    with pytest.raises(StartError, match="named for strict mode"):
        world(users=USERS, options={"strict": [name]})


def test_a_door_that_a_reload_takes_away(world: Callable[..., World], caplog: pytest.LogCaptureFixture) -> None:
    """The old functions go on; one that only lies elsewhere by now still is a door."""
    here = world(users=USERS, options={"strict": ["users:start"]})
    state = here.app.state

    def reloads(**modules: str) -> bool:
        write_functions(here.functions, **modules)
        return asyncio.run(reload(here.functions, state.registry, state.database, state.doors))

    with caplog.at_level(logging.ERROR, "pillion_server"):
        assert not reloads(users=USERS.replace("def start(", "def let_in("))
    assert "named for strict mode can't be called" in caplog.messages[0]
    here.mutation("users:start", sessionId=raw(1))
    assert is_in(here, 1)
    assert reloads(users=USERS.replace("def start(", "def let_in(") + "\nstart = let_in\n")
    here.mutation("users:start", sessionId=raw(2))
    assert (is_in(here, 2), is_in(here, 3)) == (True, False)


def test_without_it_every_id_is_good(world: Callable[..., World]) -> None:
    """Registering does nothing then."""
    app = world(users=USERS)
    assert is_in(app, 1)
    app.mutation("users:start", sessionId=raw(1))
    assert is_in(app, 1)
