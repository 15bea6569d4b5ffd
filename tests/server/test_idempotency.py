"""`Idempotency-Key`: once, whatever happens on the way."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from pillion_server import idempotency
from pillion_server.errors import Refused
from pillion_server.idempotency import KEPT_MS, PRUNED, Answers, Key, Once, key_in
from pillion_server.sessions import Digests
from server.clockwork import Clockwork
from server.world import OTHER_ID, RAW_ID, Answer, Process, World, serving, write_functions

Make = Callable[..., World]
KEY = "11111111-2222-4333-8444-555555555555"
OTHER_KEY = "99999999-2222-4333-8444-555555555555"

SHOP = """
def with_session(ctx, session_id: SessionId) -> Custom:
    return Custom(ctx={"session_id": session_id})

mine = custom_mutation(mutation, with_session)

@mutation
def add(ctx, name: str, n: Any = None) -> Any:
    ctx.log("adding", name)
    ctx.db.insert("items", name=name)
    return [len(ctx.db.query("items").collect()), n]

@mine
def add_mine(ctx, name: str) -> int:
    ctx.db.insert("items", name=name)
    return len(ctx.db.query("items").collect())

@mutation
def other(ctx, name: str, n: Any = None) -> None:
    ctx.db.insert("items", name=name)

@mutation
def fail_once(ctx, name: str) -> str:
    ctx.db.insert("items", name=name)
    if not failed:
        failed.append(1)
        raise FunctionError("not yet")
    return "done"

failed = []

@mutation
def login(ctx, session_id: SessionId, new: SessionId) -> str:
    ctx.sessions.transfer(session_id, new)
    return "in"

@action
async def act(ctx) -> str:
    return "ran"

@query
def items(ctx) -> list:
    return [row["name"] for row in ctx.db.query("items").collect()]
"""


@pytest.fixture
def shop(world: Make) -> World:
    """A shop in process."""
    return world(shop=SHOP)


async def asend(world: World, path: str, key: str = KEY, address: str = "/api/mutation", **args: object) -> Answer:
    body = json.dumps({"path": path, "args": args}).encode()
    return await world.arequest("POST", address, body, {"idempotency-key": key})


def send(world: World, path: str, key: str = KEY, address: str = "/api/mutation", **args: object) -> Answer:
    return asyncio.run(asend(world, path, key, address, **args))


def test_a_second_call_gets_the_first_answer(shop: World) -> None:
    """Byte for byte, with its log lines and its numbers, and nothing is written again."""
    n = {"$integer": "AQAAAAAAAAA="}
    first, second = (send(shop, "shop:add", name="tea", n=n) for _ in range(2))
    assert first.text == '{"status":"success","value":[1.0,"1"],"logLines":["[LOG] \'adding\' \'tea\'"]}'
    assert second.text == first.text
    assert shop.query("shop:items") == ["tea"]


def test_the_same_request_in_other_words(shop: World) -> None:
    """The order of fields, the shape of the arguments, the form of the answer, another endpoint: it is the same."""
    send(shop, "shop:add", name="tea", n=1)
    for address, body in (
        ("/api/mutation", '{"args": [{"n": 1.0, "name": "tea"}], "path": "shop.js:add", "format": "convex_json"}'),
        ("/api/run/shop/add", '{"args": {"n": 1, "name": "tea"}}'),
    ):
        answer = shop.request("POST", address, body.encode(), {"idempotency-key": f'"{KEY}"'})
        assert answer.value == [1.0, 1.0]
    assert shop.query("shop:items") == ["tea"]


def test_another_key_is_another_call(shop: World) -> None:
    """And so is none."""
    send(shop, "shop:add", name="tea")
    send(shop, "shop:add", OTHER_KEY, name="tea")
    shop.mutation("shop:add", name="tea")
    assert shop.query("shop:items") == ["tea"] * 3


@pytest.mark.parametrize(("path", "name"), [("shop:add", "milk"), ("shop:other", "tea")])
def test_another_request_under_the_same_key(shop: World, path: str, name: str) -> None:
    """It is refused, and nothing of the first is told."""
    send(shop, "shop:add", name="tea", n=None)
    answer = send(shop, path, name=name, n=None)
    assert (answer.status, answer.json["code"]) == (422, "IdempotencyKeyReused")
    assert answer.json.keys() == {"code", "message"}
    assert shop.query("shop:items") == ["tea"]


def test_a_failure_is_not_recorded(shop: World) -> None:
    """Neither one of the function's nor one of the arguments: the next call runs, and that one is recorded."""
    assert send(shop, "shop:fail_once", name="tea").error == "not yet"
    assert "ArgumentValidationError" in send(shop, "shop:add").error
    assert [send(shop, "shop:fail_once", name="tea").value for _ in range(2)] == ["done", "done"]
    assert shop.query("shop:items") == ["tea"]


def test_two_at_once(shop: World) -> None:
    """Those that come while the first is under way wait for it; it runs once."""

    async def main() -> list[Answer]:
        return await asyncio.gather(*(asend(shop, "shop:add", name="tea") for _ in range(50)))

    assert {answer.text for answer in asyncio.run(main())} == {send(shop, "shop:add", name="tea").text}
    assert shop.query("shop:items") == ["tea"]


def test_one_caller_does_not_get_the_answer_of_another(shop: World) -> None:
    """Under the same key: what tells them apart is the session's ID, or what they show in `Authorization`."""
    assert send(shop, "shop:add_mine", name="tea", sessionId=RAW_ID).value == 1.0
    assert send(shop, "shop:add_mine", name="tea", sessionId=OTHER_ID).value == 2.0
    assert send(shop, "shop:add_mine", name="tea", sessionId=RAW_ID).value == 1.0
    body = b'{"path": "shop:add", "args": {"name": "tea"}}'
    for authorization, count in (("Basic YTpi", 3.0), ("Basic Yzpk", 4.0), ("Basic YTpi", 3.0)):
        headers = {"idempotency-key": KEY, "authorization": authorization}
        assert shop.request("POST", "/api/mutation", body, headers).value[0] == count


def test_a_session_that_has_gone_on(shop: World) -> None:
    """The log-in that moved it is recognised under the old ID, which is what its caller still has."""
    for _ in range(2):
        assert send(shop, "shop:login", sessionId=RAW_ID, new=OTHER_ID).value == "in"


def test_neither_keys_nor_ids_are_on_file(shop: World) -> None:
    """A copy of the database lets nobody fetch an answer."""
    send(shop, "shop:add_mine", name="tea", sessionId=RAW_ID)
    shop.close()
    files = [file.read_bytes() for file in shop.database.parent.iterdir() if file.is_file()]
    assert not [file for file in files if RAW_ID.encode() in file or KEY.encode() in file]


@pytest.mark.parametrize("address", ["/api/action", "/api/run/shop/act"])
def test_an_action_can_not_be_run_once(shop: World, address: str) -> None:
    """It is said, because a caller that trusted in it would be wrong."""
    answer = send(shop, "shop:act", address=address)
    assert (answer.status, answer.json["code"]) == (400, "BadIdempotencyKey")


def test_a_query_always_runs(shop: World) -> None:
    """It may be sent as often as one likes; a key changes nothing."""
    assert send(shop, "shop:items", address="/api/query").value == []
    shop.mutation("shop:add", name="tea")
    assert send(shop, "shop:items", address="/api/query").value == ["tea"]


@pytest.mark.parametrize("header", ["", '""', "1", "a" * 15, "a" * 256, f'"{KEY}', f'{KEY}"', "a b" * 9, "é" * 20])
def test_what_can_not_be_a_key(header: str) -> None:
    """One that others might choose as well, above all."""
    with pytest.raises(Refused) as caught:
        key_in(Headers({"idempotency-key": header}))
    assert (caught.value.status, caught.value.code) == (400, "BadIdempotencyKey")


def test_a_key_may_stand_in_quotes() -> None:
    """As the draft has it, or bare, as most send it."""
    assert key_in(Headers({"idempotency-key": f' "{KEY}" '})) == key_in(Headers({"idempotency-key": KEY}))
    assert key_in(Headers({})) is None


def test_no_two_requests_look_alike() -> None:
    """Neither when parts of one move into another, nor for values that are equal in Python."""
    digests = Digests(b"x" * 32)
    requests = [("a:b", {"n": value}) for value in (1, True, "1", None, [1], {"n": 1}, b"1", 1.5)]
    requests += [("a:b", {}), ("a:c", {"n": 1})]
    assert len({Key(KEY, "").once(digests, path, args).request for path, args in requests}) == len(requests)
    callers = [(KEY, "", ""), (KEY, "x", ""), (KEY, "", "x"), (KEY + "x", "", ""), (KEY, 'x", "', "")]
    keys = [Key(key, credentials).once(digests, "a:b", {"sessionId": session}) for key, session, credentials in callers]
    assert len({key.call for key in keys}) == len(callers)


def test_it_is_kept_for_fourteen_days(tmp_path: Path) -> None:
    """And dropped after that, a piece at a time."""
    bench = Clockwork(tmp_path)

    def answers() -> Answers:
        return Answers(bench.connection, bench.now)

    def kept() -> int:
        return int(bench.connection.value("select count(*) from answers"))

    for n in range(3 * PRUNED):
        answers().put(Once(f"old{n}", "r"), "a")
    bench.now += KEPT_MS - 1
    assert answers().find(Once("old0", "r")) == "a"
    bench.now += 1
    assert answers().find(Once("old0", "r")) is None
    assert answers().find(Once("old0", "another request")) is None
    answers().put(Once("old0", "another request"), "b")
    assert answers().find(Once("old0", "another request")) == "b"
    for n in range(5):
        answers().put(Once(f"new{n}", "r"), "a")
    assert answers().has_old
    answers().prune()
    assert kept() == 3 * PRUNED + 5 - PRUNED
    for _ in range(2):
        answers().prune()
    assert not answers().has_old
    assert kept() == 6
    bench.connection.close()


def test_the_days_are_days() -> None:
    """Fourteen of them, in milliseconds."""
    assert idempotency.KEPT_MS == 14 * 86_400_000


def test_killed_and_sent_again(tmp_path: Path) -> None:
    """The server dies after the commit: what is sent again to the next one has been done, and is not done twice."""
    functions = write_functions(tmp_path / "functions", shop=SHOP)
    body = b'{"path": "shop:add", "args": {"name": "tea"}}'
    headers = {"idempotency-key": KEY, "content-type": "application/json"}
    answers = []
    for _ in range(3):
        process = Process(functions, tmp_path / "x.sqlite3")
        connection = process.connect()
        connection.request("POST", "/api/mutation", body, headers)
        answers.append(connection.getresponse().read())
        connection.close()
        process.kill()
    assert len(set(answers)) == 1
    with serving(functions, tmp_path / "x.sqlite3") as process:
        assert process.call("query", "shop:items").value == ["tea"]
