"""The HTTP function API's endpoints over snapshots: `query_batch`, `query_ts`, `query_at_ts`; and `run`."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillion_server import calls, snapshots
from pillion_server.errors import Refused
from pillion_shared.versions import write_timestamp
from server.world import RAW_ID, Answer, Process, World, serving, write_functions

Make = Callable[..., World]

SHOP = """
@query
def count(ctx) -> int:
    return len(ctx.db.query("items").collect())

@mutation
def add(ctx, name: str = "x") -> None:
    ctx.db.insert("items", name=name)

@query
def echo(ctx, value: Any = None) -> Any:
    ctx.log("echo", value)
    return value

@query
def fail(ctx, how: str) -> None:
    ctx.log("failing")
    if how == "data":
        raise FunctionError({"n": Int64(1)})
    if how == "exit":
        sys.exit(1)
    raise ValueError("why")

@action
async def act(ctx, n: int) -> int:
    return n + 1

@internal_query
def secret(ctx) -> int:
    return 1
"""
CART = """
@query
def get(ctx, session_id: SessionId) -> list:
    items = ctx.db.query("items").with_index("by_session", session_id=session_id)
    return [row["name"] for row in items.collect()]

@mutation
def add(ctx, session_id: SessionId, name: str) -> None:
    ctx.db.insert("items", session_id=session_id, name=name)

@mutation
def leave(ctx, session_id: SessionId) -> None:
    ctx.sessions.invalidate(session_id)
"""
SCHEMA = 'schema = Schema(items=Table().index("by_session", "session_id"))'


@pytest.fixture
def shop(world: Make) -> World:
    """A shop in process, with a cart."""
    return world(shop=SHOP, cart=CART, schema=SCHEMA)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A real server."""
    folder: Path = tmp_path_factory.mktemp("http")
    with serving(write_functions(folder / "functions", shop=SHOP), folder / "x.sqlite3") as process:
        yield process


def post(world: World, endpoint: str, body: object) -> Answer:
    return world.request("POST", f"/api/{endpoint}", json.dumps(body).encode())


def batch(world: World, *queries: dict[str, object]) -> list[dict[str, object]]:
    answer = post(world, "query_batch", {"queries": queries})
    assert answer.status == 200, answer.text
    return list(answer.json["results"])


def test_a_batch(shop: World) -> None:
    """Answers in the order of the queries, each in its own form and with its own lines."""
    one = {"value": {"$integer": "AQAAAAAAAAA="}}
    assert batch(
        shop,
        {"path": "shop:echo", "args": one, "format": "convex_encoded_json"},
        {"path": "shop:echo", "args": [one]},
        {"path": "shop:count"},
    ) == [
        {"status": "success", "value": {"$integer": "AQAAAAAAAAA="}, "logLines": ["[LOG] 'echo' 1"]},
        {"status": "success", "value": "1", "logLines": ["[LOG] 'echo' 1"]},
        {"status": "success", "value": 0.0},
    ]
    assert batch(shop) == []


def test_what_fails_in_a_batch(shop: World) -> None:
    """It fails alone: with its data, as a number, or with why it was not run."""
    first, second, third, *refused, last = batch(
        shop,
        *({"path": "shop:fail", "args": {"how": how}} for how in ("data", "exit", "value")),
        {"path": "shop:nothing"},
        {"path": "shop:secret"},
        {"path": "shop:add"},
        {"path": "shop:echo", "args": {"no": 1}},
        {"path": "shop:count"},
    )
    assert (first["errorData"], first["logLines"]) == ({"n": "1"}, ["[LOG] 'failing'"])
    assert str(second["errorMessage"]).endswith("Server Error")
    assert str(third["errorMessage"]).endswith("Server Error")
    sentences = ["Could not find", "Could not find", "defined as Mutation", "ArgumentValidationError"]
    for answer, sentence in zip(refused, sentences, strict=True):
        assert answer["status"] == "error"
        assert sentence in str(answer["errorMessage"])
    assert last["value"] == 0.0


def test_a_batch_is_one_moment(shop: World) -> None:
    """While mutations go on, all its queries see the same."""

    async def main() -> None:
        body = json.dumps({"queries": [{"path": "shop:count"}] * 20}).encode()
        seen = set()
        for _ in range(20):
            *_, answer = await asyncio.gather(
                *(shop.acall("mutation", "shop:add") for _ in range(5)), shop.arequest("POST", "/api/query_batch", body)
            )
            [count] = {result["value"] for result in answer.json["results"]}
            seen.add(count)
        assert len(seen) > 1

    asyncio.run(main())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"queries": None},
        {"queries": {"path": "shop:count"}},
        {"queries": ["shop:count"]},
        {"queries": [{"path": "shop:count"}, 7]},
        {"queries": [{"path": "shop:count"}] * (calls.MOST_QUERIES + 1)},
        {"queries": [{}]},
    ],
)
def test_what_is_no_batch(shop: World, body: object) -> None:
    """It is refused as a whole."""
    answer = post(shop, "query_batch", body)
    assert (answer.status, answer.json["code"]) == (400, "BadJsonBody")


def at(world: World, ts: object, path: str, **args: object) -> Answer:
    return post(world, "query_at_ts", {"ts": ts, "path": path, "args": args})


def test_a_query_at_a_time(shop: World) -> None:
    """It sees what was there then; the time is text that goes up."""
    times = []
    for _ in range(5):
        times.append(post(shop, "query_ts", {}).json["ts"])
        shop.mutation("shop:add")
    assert len(set(times)) == 5
    assert [at(shop, ts, "shop:count").value for ts in times] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert shop.query("shop:count") == 5.0


def test_errors_at_a_time(shop: World) -> None:
    """The same as at any."""
    ts = post(shop, "query_ts", {}).json["ts"]
    assert at(shop, ts, "shop:fail", how="data").json["errorData"] == {"n": "1"}
    assert at(shop, ts, "shop:fail", how="exit").error.endswith("Server Error")
    assert "defined as Mutation" in at(shop, ts, "shop:add").error


@pytest.mark.parametrize(
    ("ts", "status", "code"),
    [
        (None, 400, "BadTimestamp"),
        (7, 400, "BadTimestamp"),
        ("AA==", 400, "BadTimestamp"),
        (write_timestamp(2**64 - 1), 400, "BadTimestamp"),
        (write_timestamp(0), 503, "OutOfRetention"),
        (write_timestamp(1), 503, "OutOfRetention"),
    ],
)
def test_a_time_that_is_not_kept(shop: World, ts: object, status: int, code: str) -> None:
    """It is said which of the two it is: none at all, or one of long ago."""
    answer = at(shop, ts, "shop:count")
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers.get("retry-after") == ("1" if status == 503 else None)


def test_a_session_that_has_ended(shop: World) -> None:
    """Its ID opens nothing of it any more, at no time."""
    shop.mutation("cart:add", sessionId=RAW_ID, name="tea")
    ts = post(shop, "query_ts", {}).json["ts"]
    assert at(shop, ts, "cart:get", sessionId=RAW_ID).value == ["tea"]
    shop.mutation("cart:leave", sessionId=RAW_ID)
    assert at(shop, ts, "cart:get", sessionId=RAW_ID).value == []


def test_a_server_that_stops_keeps_nothing(shop: World) -> None:
    """Times of before are out of its retention."""
    ts = post(shop, "query_ts", {}).json["ts"]
    shop.close()
    shop.app.state.database.open()
    assert at(shop, ts, "shop:count").json["code"] == "OutOfRetention"


def test_too_many_times(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, with when to come back."""
    monkeypatch.setattr(snapshots, "MOST", 0)
    answer = post(shop, "query_ts", {})
    assert (answer.status, answer.json["code"]) == (503, "TooManySnapshots")


def test_over_real_connections(server: Process) -> None:
    """Queries at one time go on while mutations change everything, from many connections."""
    ts = server.post("query_ts", "{}").json["ts"]
    before = server.post("query_at_ts", json.dumps({"ts": ts, "path": "shop:count"})).value
    for _ in range(20):
        server.call("mutation", "shop:add")
        assert server.post("query_at_ts", json.dumps({"ts": ts, "path": "shop:count"})).value == before
    assert server.call("query", "shop:count").value == before + 20


@pytest.mark.parametrize(
    ("address", "body", "value"),
    [
        ("run/shop/echo", {"args": {"value": {"$integer": "AQAAAAAAAAA="}}}, "1"),
        ("run/shop/echo", {"args": [{"value": {"$integer": "AQAAAAAAAAA="}}]}, "1"),
        ("run/shop.js/echo", {"format": None}, None),
        (
            "run/shop/echo",
            {"args": {"value": {"$integer": "AQAAAAAAAAA="}}, "format": "convex_encoded_json"},
            {"$integer": "AQAAAAAAAAA="},
        ),
        ("run/shop/add", {"args": {}}, None),
        ("run/shop/act", {"args": {"n": 1}}, 2.0),
        ("run/deep/down/answer", {}, 42.0),
        ("run/alone", {}, "default"),
    ],
)
def test_run(world: Make, address: str, body: object, value: object) -> None:
    """A function of any kind by its address; plain JSON unless it says otherwise, also for an old client."""
    shop = world(shop=SHOP, alone="@query\ndef default(ctx) -> str:\n    return 'default'\n")
    deep = "@query\ndef answer(ctx) -> int:\n    return 42\n"
    if "deep" in address:
        shop.close()
        folder = shop.database.parent
        write_functions(folder / "functions" / "deep", down=deep)
        shop = World(folder)
    headers = {"convex-client": "npm-1.0.0"}
    answer = shop.request("POST", f"/api/{address}", json.dumps(body).encode(), headers)
    assert answer.value == value
    shop.close()


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [("run/", 400, "BadPath"), ("run/shop/", 400, "BadPath"), ("run//x", 400, "BadPath"), ("run", 404, "NotFound")],
)
def test_what_can_not_be_run(shop: World, address: str, status: int, code: str) -> None:
    """No function, no call."""
    answer = post(shop, address, {})
    assert (answer.status, answer.json["code"]) == (status, code)
    assert "Could not find public function for 'shop:secret'." in post(shop, "run/shop/secret", {}).error
    assert shop.request("GET", "/api/run/shop/count").status == 405


def test_a_batch_has_a_bound() -> None:
    """So that one request can't hold a reader for long."""
    assert len(calls.of_batch(b'{"queries": [' + b",".join([b'{"path": "a:b"}'] * calls.MOST_QUERIES) + b"]}")) == 1000
    with pytest.raises(Refused, match="send the rest in another one"):
        calls.of_batch(b'{"queries": [' + b",".join([b'{"path": "a:b"}'] * (calls.MOST_QUERIES + 1)) + b"]}")
