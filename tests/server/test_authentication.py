"""Callers with tokens: over HTTP and on sockets, in the cache and in live queries."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from server.sync_world import Socket, add, remove, socket
from server.tokens import ISSUER, Issuer
from server.world import RAW_ID, Answer, World

SHOP = """
RAN = []

@query
def me(ctx, turn: int = 0) -> str | None:
    RAN.append("me")
    identity = ctx.auth.identity()
    return None if identity is None else f"{identity.subject} {identity.claims.get('role')}"

@query
def count(ctx) -> int:
    RAN.append("count")
    return len(ctx.db.query("items").collect())

@query
def mine(ctx) -> list[str]:
    RAN.append("mine")
    identity = ctx.auth.identity()
    owner = "nobody" if identity is None else identity.token_identifier
    return [item["name"] for item in ctx.db.query("items").with_index("by_owner", owner=owner).collect()]

@query
def locked(ctx) -> str:
    RAN.append("locked")
    if ctx.db.query("locks").first() is None:
        return "open"
    identity = ctx.auth.identity()
    return "for nobody" if identity is None else f"for {identity.subject}"

@mutation
def lock(ctx) -> None:
    ctx.db.insert("locks", on=True)

@mutation
def add(ctx, name: str) -> str:
    identity = ctx.auth.identity()
    owner = "nobody" if identity is None else identity.token_identifier
    ctx.db.insert("items", owner=owner, name=name)
    return owner

@action
async def act(ctx) -> list[str]:
    own = ctx.auth.identity()
    return [own.subject, await ctx.run_query("shop:me"), await ctx.run_mutation("shop:add", name="tea")]

signed_in = custom_query(query, custom_ctx(lambda ctx: {"user": ctx.auth.identity().subject}))

@signed_in
def greet(ctx) -> str:
    return "Hello " + ctx.user
"""
SCHEMA = 'schema = Schema(items=Table().index("by_owner", "owner"), locks=Table())'
ISSUER_OF_ALL = Issuer("ES256")


@pytest.fixture
def issuer() -> Issuer:
    """Who signs."""
    return ISSUER_OF_ALL


@pytest.fixture
def shop(tmp_path: Path, issuer: Issuer) -> Iterator[World]:
    """A shop that checks tokens."""
    world = World(tmp_path, {"auth": issuer.auth(tmp_path / "jwks.json")}, shop=SHOP, schema=SCHEMA)
    yield world
    world.close()


def ran(shop: World) -> list[str]:
    """What has been run since it was last asked for."""
    runs = next(iter(shop.app.state.registry)).handler.__globals__["RAN"]
    found = list(runs)
    runs.clear()
    return found


def ask(
    shop: World, token: str | None, kind: str, path: str, headers: dict[str, str] | None = None, **args: Any
) -> Answer:
    """A call over HTTP."""
    given = {**(headers or {}), **({} if token is None else {"authorization": f"Bearer {token}"})}
    body = json.dumps({"path": path, "args": args, "queries": [{"path": path, "args": args}]})
    return shop.request("POST", f"/api/{kind}", body.encode(), given)


def test_who_calls_over_http(shop: World, issuer: Issuer) -> None:
    """In functions of every kind, in batches, and in what an action runs; without a token it is nobody."""
    token = issuer.token("ada", role="admin")
    assert ask(shop, token, "query", "shop:me").value == "ada admin"
    assert ask(shop, None, "query", "shop:me").value is None
    assert ask(shop, token, "mutation", "shop:add", name="x").value == f"{ISSUER}|ada"
    assert ask(shop, None, "mutation", "shop:add", name="x").value == "nobody"
    assert ask(shop, token, "action", "shop:act").value == ["ada", "ada admin", f"{ISSUER}|ada"]
    assert ask(shop, token, "run/shop/me", "").value == "ada admin"
    [answer] = ask(shop, token, "query_batch", "shop:me").json["results"]
    assert answer["value"] == "ada admin"
    ts = ask(shop, token, "query_ts", "").json["ts"]
    body = json.dumps({"path": "shop:me", "args": {}, "ts": ts}).encode()
    later = shop.request("POST", "/api/query_at_ts", body, {"authorization": f"Bearer {token}"})
    assert later.value == "ada admin"
    assert ask(shop, token, "query", "shop:greet").value == "Hello ada"


def test_bad_tokens_over_http(shop: World, issuer: Issuer) -> None:
    """Are refused before anything runs, with the reason and without the token."""
    bad = {
        "expired": issuer.token(seconds=-60),
        "another issuer": issuer.token(iss="https://evil.example"),
        "another audience": issuer.token(aud="other"),
        "not among": Issuer(kid="other").token(),
        "no JWT": "nonsense",
    }
    for said, token in bad.items():
        answer = ask(shop, token, "query", "shop:me")
        assert (answer.status, answer.json["code"]) == (401, "Unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert said in answer.json["message"]
        assert token not in answer.text
    admin = shop.request("POST", "/api/query", b"{}", {"authorization": "Convex key"})
    assert (admin.status, "no admin keys" in admin.text) == (401, True)
    assert (
        shop.request("POST", "/api/query", b'{"path": "shop:me"}', {"authorization": f"Session {RAW_ID}"}).status == 200
    )
    assert ran(shop) == ["me"]


def test_answers_are_kept_for_who_asked(shop: World, issuer: Issuer) -> None:
    """Those of a query that asks who calls; a fresh token of the same user is the same. All others are everybody's."""
    ada, eve = issuer.token("ada"), issuer.token("eve")
    for token in (ada, eve, None, ada, eve, None, issuer.token("ada", jti="fresh", seconds=900)):
        expected = {ada: "ada None", eve: "eve None", None: None}.get(token, "ada None")
        assert ask(shop, token, "query", "shop:me").value == expected
    assert ran(shop) == ["me"] * 3
    assert ask(shop, issuer.token("ada", role="admin"), "query", "shop:me").value == "ada admin"
    assert ran(shop) == ["me"]
    for token in (ada, eve, None):
        assert ask(shop, token, "query", "shop:count").value == 0
    assert ran(shop) == ["count"]


def test_a_query_that_asks_only_now_and_then(shop: World, issuer: Issuer) -> None:
    """Is everybody's as long as it doesn't."""
    for token in (issuer.token("ada"), issuer.token("eve"), None):
        assert ask(shop, token, "query", "shop:locked").value == "open"
    assert ran(shop) == ["locked"]
    ask(shop, None, "mutation", "shop:lock")
    for token, name in ((issuer.token("ada"), "ada"), (issuer.token("eve"), "eve"), (None, "nobody")):
        assert ask(shop, token, "query", "shop:locked").value == f"for {name}"
    assert ran(shop) == ["locked"] * 3


def test_a_mutation_that_is_sent_again_with_a_fresh_token(shop: World, issuer: Issuer) -> None:
    """Runs once: it is the same user's. Another user's is another one."""
    key = {"idempotency-key": "0123456789abcdef"}
    for token in (issuer.token("ada"), issuer.token("ada", seconds=900)):
        assert ask(shop, token, "mutation", "shop:add", key, name="tea").value == f"{ISSUER}|ada"
    assert ask(shop, None, "query", "shop:count").value == 1
    assert ask(shop, issuer.token("eve"), "mutation", "shop:add", key, name="tea").value == f"{ISSUER}|eve"


def authenticate(page: Socket, token: str | None) -> None:
    """Sends a token, or none."""
    given = {"tokenType": "None"} if token is None else {"tokenType": "User", "value": token}
    page.say("Authenticate", baseVersion=page.version["identity"], **given)


@asynccontextmanager
async def shown(shop: World, token: str | None, *paths: str) -> AsyncIterator[Socket]:
    """A socket with a token that shows queries, whose first transition has come."""
    async with socket(shop.app) as page:
        page.connect()
        if token is not None:
            authenticate(page, token)
        page.modify(0, *(add(number, path) for number, path in enumerate(paths)))
        await until(page, lambda: len(page.values) == len(paths))
        yield page


async def until(page: Socket, is_so: Any) -> list[dict[str, Any]]:
    """The transitions that come until it is so."""
    came = []
    while not is_so():
        came.append(await page.frame())
    return came


def test_who_calls_on_a_socket(shop: World, issuer: Issuer) -> None:
    """From its token on, until it logs out; only what asks is run again, and the version says that it has been."""

    async def main() -> None:
        async with shown(shop, None, "shop:me", "shop:count") as page:
            assert page.values == {0: None, 1: 0.0}
            ran(shop)
            authenticate(page, issuer.token("ada"))
            [came] = await until(page, lambda: page.version["identity"] == 1)
            assert [each["queryId"] for each in came["modifications"]] == [0]
            assert page.values == {0: "ada None", 1: 0.0}
            assert ran(shop) == ["me"]
            page.mutate(0, "shop:add", name="tea")
            assert (await page.response())["result"] == f"{ISSUER}|ada"
            await until(page, lambda: page.values[1] == 1.0)
            page.say("Action", requestId=1, udfPath="shop:act", args=[{}])
            assert (await page.response())["result"][:2] == ["ada", "ada None"]
            await until(page, lambda: page.values[1] == 2.0)
            ran(shop)
            authenticate(page, issuer.token("ada", jti="fresh", seconds=900))
            [came] = await until(page, lambda: page.version["identity"] == 2)
            assert came["modifications"] == []
            assert ran(shop) == []
            authenticate(page, None)
            await until(page, lambda: page.version["identity"] == 3)
            assert page.values == {0: None, 1: 2.0}
            page.mutate(2, "shop:add", name="tea")
            assert (await page.response())["result"] == "nobody"

    asyncio.run(main())


def test_what_was_sent_under_a_token_runs_under_it(shop: World, issuer: Issuer) -> None:
    """In the order in which it came, also when the token after it is another user's."""

    async def main() -> None:
        async with socket(shop.app) as page:
            page.connect()
            page.modify(0)
            for base, name in enumerate(("ada", "eve")):
                page.say("Authenticate", baseVersion=base, tokenType="User", value=issuer.token(name))
                page.mutate(base, "shop:add", name="tea")
            answers = [(await page.response())["result"] for _ in range(2)]
            assert answers == [f"{ISSUER}|ada", f"{ISSUER}|eve"]

    asyncio.run(main())


def test_a_query_that_asks_is_run_for_each_caller(shop: World, issuer: Issuer) -> None:
    """Once for all sockets of one; one that doesn't ask is run once for everybody."""

    async def main() -> None:
        ada, eve = issuer.token("ada"), issuer.token("eve")
        async with (
            shown(shop, ada, "shop:mine", "shop:count") as first,
            shown(shop, ada, "shop:mine", "shop:count") as second,
            shown(shop, eve, "shop:mine", "shop:count") as other,
            shown(shop, None, "shop:mine", "shop:count") as nobody,
        ):
            ran(shop)
            first.mutate(0, "shop:add", name="tea")
            pages = (first, second, other, nobody)
            for page in pages:
                await until(page, lambda page=page: page.values[1] == 1.0)
            assert [page.values[0] for page in pages] == [["tea"], ["tea"], [], []]
            assert sorted(ran(shop)) == ["count", "mine"]

    asyncio.run(main())


def test_those_who_come_at_once_are_told_apart(shop: World, issuer: Issuer) -> None:
    """Nobody is shown what was found for another one, whoever is first."""

    async def main() -> None:
        names = ["ada", "eve", None, "ada", "bob", None]
        sockets = [socket(shop.app) for _ in names]
        pages = [await each.__aenter__() for each in sockets]
        for page, name in zip(pages, names, strict=True):
            page.connect()
            if name is not None:
                authenticate(page, issuer.token(name))
            page.modify(0, add(0, "shop:me"), add(1, "shop:me"))
        for page, name in zip(pages, names, strict=True):
            own = None if name is None else f"{name} None"
            for transition in await until(page, lambda page=page: len(page.values) == 2):
                assert all(each["value"] == own for each in transition["modifications"])
        assert ran(shop) == ["me"] * 4
        for each in sockets:
            await each.__aexit__(None, None, None)

    asyncio.run(main())


def test_a_live_query_begins_to_ask(shop: World, issuer: Issuer) -> None:
    """Then each is shown its own, and never another one's."""

    async def main() -> None:
        async with (
            shown(shop, issuer.token("ada"), "shop:locked") as ada,
            shown(shop, issuer.token("eve"), "shop:locked") as eve,
            shown(shop, None, "shop:locked") as nobody,
        ):
            assert ran(shop) == ["locked"]
            nobody.mutate(0, "shop:lock")
            for page, name in ((ada, "ada"), (eve, "eve"), (nobody, "nobody")):
                came = await until(page, lambda page=page: page.values[0] != "open")
                assert page.values == {0: f"for {name}"}
                assert sum(len(each["modifications"]) for each in came if "modifications" in each) == 1
            assert ran(shop) == ["locked"] * 3
            ada.modify(1, remove(0))
            await ada.frame()
            ada.modify(2, add(0, "shop:locked"))
            await until(ada, lambda: ada.values == {0: "for ada"})

    asyncio.run(main())


@pytest.mark.parametrize("first", [None, "ada"])
def test_a_bad_token_on_a_socket(shop: World, issuer: Issuer, first: str | None) -> None:
    """Ends it, with the version that the client is at; nothing is run for it."""

    async def main() -> None:
        async with shown(shop, None if first is None else issuer.token(first), "shop:me") as page:
            authenticate(page, issuer.token(aud="other"))
            page.mutate(0, "shop:add", name="tea")
            told = await page.frame()
            assert told == {
                "type": "AuthError",
                "error": "The token is for another audience.",
                "baseVersion": 0 if first is None else 1,
                "authUpdateAttempted": True,
            }
            assert await page.closed() == (1000, "")

    asyncio.run(main())
    assert ask(shop, None, "query", "shop:count").value == 0


def test_a_token_that_runs_out(shop: World, issuer: Issuer) -> None:
    """Ends the socket, unless there is a fresh one or none by then; the client is told that it was good before."""

    async def main() -> None:
        short = issuer.token("ada", seconds=-3)  # a clock may be off by five
        async with (
            shown(shop, short, "shop:me") as page,
            shown(shop, short, "shop:me") as renewed,
            shown(shop, short, "shop:me") as out,
        ):
            authenticate(renewed, issuer.token("ada"))
            authenticate(out, None)
            told = await page.frame()
            assert (told["type"], told["baseVersion"], told["authUpdateAttempted"]) == ("AuthError", 1, False)
            assert "expired" in told["error"]
            assert await page.closed() == (1000, "")
            for other in (renewed, out):
                await until(other, lambda other=other: other.version["identity"] == 2)
                assert other.unread == 0
            assert (renewed.values, out.values) == ({0: "ada None"}, {0: None})

    asyncio.run(main())


def test_it_is_looked_at_now_and_then(shop: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the token is good: a clock may be set meanwhile."""

    async def main() -> None:
        async with shown(shop, issuer.token("ada"), "shop:me") as page:
            monkeypatch.setattr("pillion_server.sync_socket.time.time", lambda: 2.0**40)
            assert (await page.frame())["authUpdateAttempted"] is False

    monkeypatch.setattr("pillion_server.sync_socket.LOOK_SECONDS", 0.05)
    asyncio.run(main())


def test_what_else_a_client_may_say(shop: World) -> None:
    """Admin keys are none, and a version is the newest or the protocol is broken."""

    async def main() -> None:
        async with shown(shop, None) as page:
            page.say("Authenticate", baseVersion=0, tokenType="Admin", value="key")
            assert "no admin keys" in (await page.frame())["error"]
        async with shown(shop, None) as page:
            page.say("Authenticate", baseVersion=3, tokenType="None")
            assert (await page.frame())["type"] == "FatalError"

    asyncio.run(main())
