"""One socket: what is sent, in which order."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pillion_shared.versions import read_timestamp, write_timestamp
from server.sync_world import Socket, add, remove, scope_of, socket
from server.world import RAW_ID, World

SHOP = """
@query
def count(ctx, name: str) -> int:
    return len(ctx.db.query("items").with_index("by_name", name=name).collect())

@query
def loud(ctx, name: str) -> None:
    ctx.log(len(ctx.db.query("items").with_index("by_name", name=name).collect()))

@query
def mine(ctx, session_id: SessionId) -> list[str]:
    return [item["name"] for item in ctx.db.query("carts").with_index("by_session", session_id=session_id).collect()]

@query
def strict(ctx, name: str) -> int:
    found = ctx.db.query("items").with_index("by_name", name=name).collect()
    if not found:
        raise FunctionError({"sold": "out"})
    return len(found)

@mutation
def add(ctx, name: str) -> int:
    ctx.log("adding", name)
    ctx.db.insert("items", name=name)
    return len(ctx.db.query("items").collect())

@mutation
def keep(ctx, session_id: SessionId, name: str) -> None:
    ctx.db.insert("carts", session_id=session_id, name=name)

@mutation
def fail(ctx, how: str) -> None:
    ctx.db.insert("items", name="never")
    raise FunctionError(how)

@mutation
def nothing(ctx) -> None:
    pass

@action
async def act(ctx, name: str) -> int:
    return await ctx.run_mutation(api.shop.add, name=name)

@query
def page(ctx, pagination_opts: PaginationOptions) -> Page[Document]:
    return ctx.db.query("items").with_index("by_name").paginate(pagination_opts)

@query
def large(ctx, n: int) -> str:
    return "é" * n
"""
SCHEMA = 'schema = Schema(items=Table().index("by_name", "name"), carts=Table().index("by_session", "session_id"))'
ZERO = "AAAAAAAAAAA="
CLIENT = "0e4a6b61-67a1-4d1a-9e0a-6c2f6a6ac0de"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """A shop."""
    world = World(tmp_path, shop=SHOP, schema=SCHEMA)
    yield world
    world.close()


@asynccontextmanager
async def connected(shop: World, *queries: dict[str, object], client: str | None = None) -> AsyncIterator[Socket]:
    """A socket that shows queries, whose first transition has come."""
    async with socket(shop.app) as page:
        page.connect(client)
        page.modify(0, *queries)
        assert (await page.frame())["type"] == "Transition"
        yield page


def test_the_first_transition_comes_also_for_no_query(shop: World) -> None:
    """From nothing to the version that was asked for; what isn't understood of it is ignored."""

    async def main() -> None:
        async with socket(shop.app, "/api/sync", {"convex-client": "python-0.8.1"}) as page:
            page.connect(lastCloseReason="InitialConnect", unheardOf=1)
            page.say("Event", eventType="ClientConnect", event={})
            page.modify(0)
            first = await page.frame()
        assert first["startVersion"] == {"querySet": 0, "identity": 0, "ts": ZERO}
        assert (first["endVersion"]["querySet"], first["modifications"]) == (1, [])
        assert first["serverTs"] > 0
        assert first["clientClockSkew"] < 0

    shop.mutation("shop:add", name="x")
    asyncio.run(main())


def test_a_mutation_is_answered_and_then_shown(shop: World) -> None:
    """To everybody who shows what it touches, at its time; to its caller even if there is nothing to show."""

    async def main() -> None:
        async with (
            connected(shop, add(7, "shop.js:count", name="tea")) as page,
            connected(shop, add(1, "shop:count", name="tea"), add(2, "shop:count", name="milk")) as other,
        ):
            assert page.values == {7: 0.0}
            page.mutate(0, "shop:add", name="tea")
            response = await page.frame()
            assert response == {
                "type": "MutationResponse",
                "requestId": 0,
                "success": True,
                "result": 1.0,
                "ts": response["ts"],
                "logLines": ["[LOG] 'adding' 'tea'"],
            }
            shown = await page.frame()
            assert shown["modifications"] == [
                {"type": "QueryUpdated", "queryId": 7, "value": 1.0, "logLines": [], "journal": None}
            ]
            assert shown["endVersion"] == {"querySet": 1, "identity": 0, "ts": response["ts"]}
            assert [each["queryId"] for each in (await other.frame())["modifications"]] == [1]
            page.mutate(1, "shop:add", name="other")
            assert (await page.frame())["requestId"] == 1
            assert (await page.frame())["modifications"] == []
            page.mutate(2, "shop:nothing")
            assert (await page.frame())["success"]
            assert (await page.frame())["modifications"] == []
            assert other.unread == 0

    asyncio.run(main())


def test_what_fails(shop: World) -> None:
    """A failed mutation shows nothing; a failed query is shown as such, with its data, and lives on."""

    async def main() -> None:
        async with connected(shop, add(0, "shop:strict", name="tea"), add(1, "shop:count", nam="tea")) as page:
            assert "nam" in page.values[1]
            page.mutate(0, "shop:fail", how="so")
            failed = await page.frame()
            assert (failed["success"], failed["errorData"], failed["ts"]) == (False, "so", None)
            assert (await page.frame())["modifications"] == []
            page.mutate(1, "shop:add", name="tea")
            assert (await page.frame())["success"]
            await page.frame()
            assert page.values[0] == 1.0
            page.mutate(2, "shop:count", name="tea")
            assert "is defined as Query" in (await page.response())["result"]
            page.say("Mutation", requestId=3, udfPath="a b", args=[{}])
            assert not (await page.response())["success"]
            page.say_text('{"type":"Mutation","requestId":4,"udfPath":"shop:add","args":[{"name":"\\ud800"}]}')
            assert "surrogate" in (await page.response())["result"]
            page.say("Mutation", requestId=5, udfPath="shop:add", args=[1, 2])
            assert "list of one object" in (await page.response())["result"]

    asyncio.run(main())


def test_lines_that_change_are_shown(shop: World) -> None:
    """Also when the value stays."""

    async def main() -> None:
        async with connected(shop, add(0, "shop:loud", name="tea")) as page:
            page.mutate(0, "shop:add", name="tea")
            await page.frame()
            assert (await page.frame())["modifications"][0]["logLines"] == ["[LOG] 1"]

    asyncio.run(main())


def test_actions(shop: World) -> None:
    """Answered without a time, and what they wrote is shown."""

    async def main() -> None:
        async with connected(shop, add(0, "shop:count", name="tea")) as page:
            page.say("Action", requestId=0, udfPath="shop:act", args=[{"name": "tea"}])
            frames = [await page.frame()]
            while len({frame["type"] for frame in frames}) < 2 or page.values[0] != 1.0:
                frames.append(await page.frame())
            response = next(frame for frame in frames if frame["type"] == "ActionResponse")
            assert (response["result"], "ts" in response) == (1.0, False)

    asyncio.run(main())


def test_the_set_of_queries(shop: World) -> None:
    """What is removed is said to be, once; the same query under two numbers is shown twice."""

    async def main() -> None:
        async with connected(shop, add(0, "shop:count", name="tea"), add(1, "shop:count", name="tea")) as page:
            page.modify(1, remove(0), add(2, "shop:count", name="milk"))
            await page.frame()
            assert page.values == {1: 0.0, 2: 0.0}
            assert page.version["querySet"] == 2
            page.modify(2, add(3, "shop:count", name="milk"), remove(3))
            assert (await page.frame())["modifications"] == []
            page.mutate(0, "shop:add", name="tea")
            await page.frame()
            assert [each["queryId"] for each in (await page.frame())["modifications"]] == [1]

    asyncio.run(main())


def test_sessions_are_told_apart(shop: World) -> None:
    """By their IDs among the arguments."""

    async def main() -> None:
        other = RAW_ID[::-1]
        async with connected(shop, add(0, "shop:mine", sessionId=RAW_ID), add(1, "shop:mine", sessionId=other)) as page:
            page.mutate(0, "shop:keep", sessionId=RAW_ID, name="tea")
            await page.frame()
            assert [each["queryId"] for each in (await page.frame())["modifications"]] == [0]
            assert page.values == {0: ["tea"], 1: []}

    asyncio.run(main())


def test_a_mutation_that_is_sent_again_does_not_run_again(shop: World) -> None:
    """Its answer has the time that it had; a failed one runs again, and another client's is another one."""

    async def main() -> None:
        async with connected(shop, client=CLIENT) as page:
            page.mutate(0, "shop:add", name="tea")
            first = await page.frame()
        async with connected(shop, add(0, "shop:count", name="tea"), client=CLIENT) as page:
            page.mutate(0, "shop:add", name="tea")
            assert await page.frame() == first
            shown = await page.frame()
            assert read_timestamp(shown["endVersion"]["ts"]) >= read_timestamp(first["ts"])
            page.mutate(0, "shop:add", name="milk")
            assert "used for another" in (await page.response())["result"]
            assert page.values == {0: 1.0}
        async with connected(shop) as page:
            page.mutate(0, "shop:add", name="tea")
            assert (await page.frame())["result"] == 2.0

    asyncio.run(main())


def test_mutations_keep_their_order(shop: World) -> None:
    """Those of one socket run one after another, as they came."""

    async def main() -> None:
        async with connected(shop) as page:
            for number in range(50):
                page.mutate(number, "shop:add", name=str(number))
            answers = []
            while len(answers) < 50:
                frame = await page.frame()
                if frame["type"] == "MutationResponse":
                    answers.append((frame["requestId"], frame["result"]))
        assert answers == [(number, number + 1.0) for number in range(50)]

    asyncio.run(main())


def test_a_page_keeps_its_end(shop: World) -> None:
    """By its journal, on this socket and on the next one: what is added before the end makes it longer."""

    async def main() -> None:
        options = {"numItems": 2, "cursor": None}
        async with connected(shop, add(0, "shop:page", paginationOpts=options)) as page:
            assert [item["name"] for item in page.values[0]["page"]] == ["a", "c"]
            page.mutate(0, "shop:add", name="b")
            await page.frame()
            shown = await page.frame()
            assert [item["name"] for item in page.values[0]["page"]] == ["a", "b", "c"]
            [modification] = shown["modifications"]
            journal = modification["journal"]
            assert journal == page.values[0]["continueCursor"]
        async with connected(shop, add(0, "shop:page", journal, paginationOpts=options)) as page:
            assert [item["name"] for item in page.values[0]["page"]] == ["a", "b", "c"]
        async with connected(shop, add(0, "shop:page", paginationOpts=options)) as page:
            assert [item["name"] for item in page.values[0]["page"]] == ["a", "b"]

    for name in ("a", "c", "d"):
        shop.mutation("shop:add", name=name)
    asyncio.run(main())


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (["nonsense"], "not JSON"),
        (['{"type":"Connect"}'], "sessionId"),
        (['{"type":"Nonsense"}'], "can't be read"),
        (['{"type":"Mutation","requestId":0,"udfPath":"shop:add","args":[{}]}'], "first frame is a Connect"),
        (['{"type":"Connect","sessionId":"a"}'] * 2, "one Connect"),
        (['{"type":"Connect","sessionId":"a","maxObservedTimestamp":"x"}'], "maxObservedTimestamp"),
    ],
)
def test_who_breaks_the_protocol_is_told_and_left(shop: World, frames: list[str], said: str) -> None:
    """With the reason, which has nothing of what was sent."""

    async def main() -> None:
        async with socket(shop.app) as page:
            for frame in frames:
                page.say_text(frame)
            told = await page.frame()
            assert told["type"] == "FatalError"
            assert said in told["error"]
            assert await page.closed() == (1000, "")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("modifications", "base", "said"),
    [
        ([], 3, "Base version 3 passed up doesn't match the current version 1"),
        ([remove(5)], 1, "Query 5 is not there"),
        ([add(0, "shop:nothing")], 1, "Query 0 is there already"),
    ],
)
def test_a_wrong_set_of_queries(shop: World, modifications: list[dict[str, object]], base: int, said: str) -> None:
    """The socket is over."""

    async def main() -> None:
        async with connected(shop, add(0, "shop:count", name="tea")) as page:
            page.modify(base, *modifications)
            assert said in (await page.frame())["error"]
            assert await page.closed() == (1000, "")

    asyncio.run(main())


def test_bytes_are_no_frame(shop: World) -> None:
    """Frames are text."""

    async def main() -> None:
        async with socket(shop.app) as page:
            page.say_bytes(b"{}")
            assert (await page.frame())["type"] == "FatalError"

    asyncio.run(main())


def test_a_client_that_has_seen_more_than_there_is(shop: World) -> None:
    """Time would go back for it: it is told to come again, not to give up."""

    async def main() -> None:
        async with socket(shop.app) as page:
            page.connect(maxObservedTimestamp=write_timestamp(2**62))
            assert await page.closed() == (1011, "InternalServerError")

    asyncio.run(main())


def test_logging_out_and_in(shop: World) -> None:
    """The first is confirmed by the version; the second can't be here."""

    async def main() -> None:
        async with connected(shop) as page:
            page.say("Authenticate", baseVersion=0, tokenType="None")
            assert (await page.frame())["endVersion"]["identity"] == 1
            page.say("Authenticate", baseVersion=1, tokenType="User", value="a.b.c")
            told = await page.frame()
            assert (told["type"], told["baseVersion"], told["authUpdateAttempted"]) == ("AuthError", 1, True)

    asyncio.run(main())


def test_the_first_socket_may_have_said_everything(shop: World) -> None:
    """Before the live queries run."""

    async def main() -> None:
        page = Socket()
        page.connect()
        page.modify(0, add(0, "shop:count", name="tea"))
        task = asyncio.ensure_future(shop.app(scope_of("/api/sync", {}), page.receive, page.send))
        assert (await page.message())["type"] == "websocket.accept"
        assert (await page.frame())["type"] == "Transition"
        page.leave()
        await task

    asyncio.run(main())


def test_who_reads_nothing_is_shown_the_newest(shop: World) -> None:
    """However much happens meanwhile, a single transition waits."""

    async def main() -> None:
        async with connected(shop, add(0, "shop:count", name="tea")) as page, connected(shop) as busy:
            page.reading.clear()
            for number in range(40):
                busy.mutate(number, "shop:add", name="tea")
                while (await busy.frame())["type"] != "Transition":
                    pass
            page.reading.set()
            frames = 0
            while page.values[0] != 40.0:
                await page.frame()
                frames += 1
            assert frames <= 2
            assert page.unread == 0

    asyncio.run(main())


def test_too_many_mutations(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket is closed with a code after which its client returns and sends them again."""
    monkeypatch.setattr("pillion_server.sync_socket.MOST_MUTATIONS", 3)

    async def main() -> None:
        async with connected(shop) as page:
            page.reading.clear()
            for number in range(9):
                page.mutate(number, "shop:add", name="tea")
            await asyncio.sleep(0)
            page.reading.set()
            while (message := await page.message())["type"] == "websocket.send":
                pass
            assert (message["code"], message["reason"]) == (1013, "TooManyConcurrentMutations")

    asyncio.run(main())


def test_a_large_transition_comes_in_pieces(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """To npm's client since 1.28.0; nothing but a ping comes between."""

    async def main() -> None:
        for path, whole in [("/api/1.48.0/sync", False), ("/api/1.27.9/sync", True), ("/api/sync", True)]:
            async with socket(shop.app, path) as page:
                page.connect()
                page.modify(0, add(0, "shop:large", n=3000))
                first = await page.frame()
                assert (first["type"] == "Transition") is whole
                if whole:
                    assert page.values == {0: "é" * 3000}
                    continue
                text = first["chunk"]
                for number in range(1, first["totalParts"]):
                    part = await page.frame()
                    assert (part["partNumber"], part["transitionId"]) == (number, first["transitionId"])
                    text += part["chunk"]
                assert str(len(text)) == first["transitionId"]
                assert '"value":"ééé' in text

    monkeypatch.setattr("pillion_server.sync_frames.CHUNK", 1000)
    asyncio.run(main())
