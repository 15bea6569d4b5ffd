"""The HTTP function API: what is a call, what is not, and that nothing takes the server down."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from pillion_server import guard, http_api
from pillion_shared.wire import MAX_BODY
from server.world import RAW_ID, Process, World, call_asgi, serving, write_functions

Make = Callable[..., World]

SHOP = """
import threading

@query
def echo(ctx, value: Any = "nothing") -> Any:
    return value

@query
def size(ctx, value: str) -> int:
    return len(value)

@query
def fail(ctx) -> None:
    raise FunctionError({"n": Int64(1)})

@query
def pick(ctx, one: Literal["a", "b"]) -> str:
    return one

@mutation
def slow(ctx, name: str) -> None:
    threading.Event().wait(0.05)
    ctx.db.insert("items", name=name)

@query
def items(ctx) -> list:
    return [row["name"] for row in ctx.db.query("items").collect()]
"""


@pytest.fixture
def shop(world: Make) -> World:
    """In process."""
    return world(shop=SHOP)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A real one, for what depends on HTTP's framing."""
    folder: Path = tmp_path_factory.mktemp("http")
    with serving(write_functions(folder / "functions", shop=SHOP), folder / "x.sqlite3") as process:
        yield process


@pytest.mark.parametrize(
    "body",
    [
        {"path": "shop:echo", "args": {"value": 1}, "format": "convex_encoded_json"},
        {"path": "shop:echo", "args": [{"value": 1}], "format": "convex_json"},
        {"path": "shop.js:echo", "args": {"value": 1.0}, "more": "is ignored"},
    ],
)
def test_both_shapes_of_arguments(shop: World, body: dict[str, object]) -> None:
    """npm sends a list of one, curl and PyPI an object."""
    answer = shop.request("POST", "/api/query", json.dumps(body).encode())
    assert answer.text == '{"status":"success","value":1.0}'
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_no_arguments(shop: World) -> None:
    """Are none."""
    assert shop.request("POST", "/api/query", b'{"path": "shop:echo"}').value == "nothing"


BAD = [
    (b"", "BadJsonBody"),
    (b"nonsense", "BadJsonBody"),
    (b'{"path": "shop:echo"', "BadJsonBody"),
    (b'{"path": "shop:echo"} {}', "BadJsonBody"),
    (b"\xff\xfe", "BadJsonBody"),
    (b'{"path": "\xff"}', "BadJsonBody"),
    (b'{"path": "shop:echo", "args": {"value": NaN}}', "BadJsonBody"),
    (b'{"path": "shop:echo", "args": {"value": 1e999}}', "BadJsonBody"),
    (b'{"path": "shop:echo", "args": {"value": "\\ud800"}}', "BadJsonBody"),
    (b'{"path": "shop:echo", "args": {"value": ' + b"[" * 100_000, "BadJsonBody"),
    (b"[]", "BadJsonBody"),
    (b'"shop:echo"', "BadJsonBody"),
    (b"{}", "BadJsonBody"),
    (b'{"path": null}', "BadJsonBody"),
    (b'{"path": ["shop:echo"]}', "BadJsonBody"),
    (b'{"path": ""}', "BadPath"),
    (b'{"path": "a b:c"}', "BadPath"),
    (b'{"path": "../x:c"}', "BadPath"),
    (b'{"path": "shop:echo", "format": "xml"}', "BadFormat"),
    (b'{"path": "shop:echo", "format": 7}', "BadFormat"),
    (b'{"path": "shop:echo", "format": ["convex_json"]}', "BadFormat"),
    (b'{"path": "shop:echo", "args": null}', "BadArguments"),
    (b'{"path": "shop:echo", "args": 7}', "BadArguments"),
    (b'{"path": "shop:echo", "args": []}', "BadArguments"),
    (b'{"path": "shop:echo", "args": [{}, {}]}', "BadArguments"),
    (b'{"path": "shop:echo", "args": [[]]}', "BadArguments"),
    (b'{"path": "shop:echo", "args": {"$bytes": "AAAA"}}', "BadArguments"),
    (b'{"path": "shop:echo", "args": {"value": {"$integer": "AA=="}}}', "BadArguments"),
    (b'{"path": "shop:echo", "args": {"value": {"$set": []}}}', "BadArguments"),
    (b'{"path": "shop:echo", "args": {"value": ' + b"[" * 100 + b"]" * 100 + b"}}", "BadArguments"),
    (b'{"path": "shop:echo", "args": {"value": ' + b"9" * 400 + b"}}", "BadArguments"),
]


@pytest.mark.parametrize(("body", "code"), BAD, ids=[f"{code}-{n}" for n, (_, code) in enumerate(BAD)])
def test_what_is_not_a_call(shop: World, body: bytes, code: str) -> None:
    """Status 400, a code, and a sentence; the next call is served."""
    answer = shop.request("POST", "/api/query", body)
    assert answer.status == 400
    assert answer.json.keys() == {"code", "message"}
    assert answer.json["code"] == code
    assert len(answer.json["message"]) < 300
    assert shop.query("shop:echo", value="next") == "next"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("PUT", "/api/query", 405, "MethodNotAllowed"),
        ("GET", "/api/mutation", 405, "MethodNotAllowed"),
        ("PUT", "/api/mutation", 405, "MethodNotAllowed"),
        ("POST", "/api/nothing", 404, "NotFound"),
        ("POST", "/api/", 404, "NotFound"),
        ("POST", "/api/query/x", 404, "NotFound"),
        ("GET", "/api/1.48.0/sync", 404, "NotFound"),
    ],
)
def test_what_is_no_endpoint(shop: World, method: str, path: str, status: int, code: str) -> None:
    """The same form, and the message lists the endpoints."""
    answer = shop.request(method, path)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert "POST /api/query" in answer.json["message"]
    allowed = "GET, POST" if path == "/api/query" else "POST"
    assert answer.headers.get("allow") == (allowed if status == 405 else None)


@pytest.mark.parametrize(
    ("fields", "client", "written"),
    [
        ({"format": "convex_encoded_json"}, None, '{"$integer":"AQAAAAAAAAA="}'),
        ({"format": "json"}, None, '"1"'),
        ({}, None, '"1"'),
        ({}, "npm-1.48.0", '"1"'),
        ({}, "npm-1.4.0", '{"$integer":"AQAAAAAAAAA="}'),
        ({}, "python-0.4.0", '{"$integer":"AQAAAAAAAAA="}'),
    ],
)
def test_the_form_of_an_answer(shop: World, fields: dict[str, str], client: str | None, written: str) -> None:
    """What the call asks for, else what its client expects; arguments are encoded either way."""
    body = {"path": "shop:echo", "args": {"value": {"$integer": "AQAAAAAAAAA="}}, **fields}
    headers = {"convex-client": client} if client else {}
    answer = shop.request("POST", "/api/query", json.dumps(body).encode(), headers)
    assert answer.text == f'{{"status":"success","value":{written}}}'


def test_the_form_of_a_failure(shop: World) -> None:
    """Its data follows the same rule."""
    for format, data in (("json", "1"), ("convex_json", {"$integer": "AQAAAAAAAAA="})):
        body = json.dumps({"path": "shop:fail", "format": format}).encode()
        assert shop.request("POST", "/api/query", body).json["errorData"] == {"n": data}


def test_a_client_that_can_not_be_told(shop: World) -> None:
    """It is refused, with the CORS headers that let a page read why."""
    headers = {"convex-client": "npm", "origin": "http://localhost:3000"}
    answer = shop.request("POST", "/api/query", b'{"path": "shop:echo"}', headers)
    assert (answer.status, answer.json["code"]) == (400, "BadClientVersion")
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


@pytest.mark.parametrize(
    ("address", "status", "text"),
    [
        ("/api/query?path=shop:echo&args=%7B%22value%22%3A%22x%22%7D", 200, '{"status":"success","value":"x"}'),
        ("/api/query?path=shop:echo&args=x", 400, '"BadArguments"'),
        ("/api/mutation?path=shop:slow&args=%7B%22name%22%3A%22got%22%7D", 405, '"MethodNotAllowed"'),
        ("/api/query?path=shop:slow&args=%7B%22name%22%3A%22got%22%7D", 200, "defined as Mutation"),
    ],
)
def test_a_query_in_the_address_bar(server: Process, address: str, status: int, text: str) -> None:
    """Plain JSON, and never a mutation."""
    connection = server.connect()
    connection.request("GET", address)
    response = connection.getresponse()
    assert response.status == status
    assert text in response.read().decode()
    connection.close()
    assert "got" not in server.call("query", "shop:items").value


@pytest.mark.parametrize(
    ("client", "status", "state"),
    [
        (None, 200, None),
        ("npm-1.48.0", 200, None),
        ("npm-1.0.0", 200, None),
        ("npm-0.99.0", 200, "UpgradeRequired"),
        ("npm-0.19.2", 200, "UpgradeRequired"),
        ("npm-0.19.1", 400, "Unsupported"),
        ("python-0.1.0", 200, None),
        ("nonsense", 400, None),
    ],
)
@pytest.mark.parametrize("endpoint", ["query", "run/shop/echo", "query_ts"])
def test_a_client_that_is_old(shop: World, endpoint: str, client: str | None, status: int, state: str | None) -> None:
    """It is told in headers that a page may read, on every endpoint."""
    headers = {"origin": "http://localhost:3000", **({"convex-client": client} if client else {})}
    answer = shop.request("POST", f"/api/{endpoint}", b'{"path": "shop:echo"}', headers)
    assert answer.status == status
    assert answer.headers.get("x-convex-deprecation-state") == state
    assert ("x-convex-deprecation-message" in answer.headers) is (state is not None)
    assert "x-convex-deprecation-state" in answer.headers["access-control-expose-headers"]
    if state == "Unsupported":
        assert answer.json["code"] == "ClientVersionUnsupported"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer a.b.c", 401),
        ("bearer x", 401),
        ("Convex admin|key", 401),
        ("Convex admin|key:e30=", 401),
        ("", 200),
        ("Basic YTpi", 200),
        (f"Session {RAW_ID}", 200),
        ("Bearers x", 200),
    ],
)
@pytest.mark.parametrize("endpoint", ["query", "query_batch", "query_ts", "run/shop/echo"])
def test_authorization(shop: World, endpoint: str, authorization: str, status: int) -> None:
    """A token that nobody here can check is refused, so that no caller takes itself for logged in."""
    body = b'{"path": "shop:echo", "queries": []}'
    answer = shop.request("POST", f"/api/{endpoint}", body, {"authorization": authorization})
    assert answer.status == status
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert RAW_ID not in answer.text


def test_more_calls_than_there_may_be(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told to come back; the others are answered, and then there is room again."""
    monkeypatch.setattr(http_api, "MOST_CALLS", 3)

    async def main() -> list[int]:
        answers = await asyncio.gather(*(shop.acall("mutation", "shop:slow", name=f"n{n}") for n in range(10)))
        for answer in answers:
            if answer.status != 200:
                assert (answer.json["code"], answer.headers["retry-after"]) == ("TooManyConcurrentRequests", "1")
        return sorted(answer.status for answer in answers)

    assert asyncio.run(main()) == [200] * 3 + [429] * 7
    assert len(shop.query("shop:items")) == 3
    assert asyncio.run(main()) == [200] * 3 + [429] * 7


ORIGIN = {"origin": "http://localhost:3000"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/api/query", b"nonsense", {}, 400),
        ("POST", "/api/query", b"", {"host": "evil.test"}, 400),
        ("POST", "/api/query", b"", {"convex-client": "npm-0.1.0"}, 400),
        ("POST", "/api/query", b"", {"authorization": "Bearer x"}, 401),
        ("POST", "/api/nothing", b"", {}, 404),
        ("GET", "/nothing", b"", {}, 404),
        ("PUT", "/api/query", b"", {}, 405),
        ("POST", "/api/query", b"", {"content-length": "99999999"}, 413),
        ("POST", "/api/mutation", b'{"path": "shop:slow"}', {"idempotency-key": "short"}, 400),
        ("POST", "/api/query_at_ts", b'{"path": "shop:echo", "ts": "AAAAAAAAAAA="}', {}, 503),
        ("POST", "/api/query", b'{"path": "shop:fail"}', {}, 200),
    ],
)
def test_a_page_may_read_every_error(
    shop: World, method: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    """CORS headers are on whatever is answered, by whichever part."""
    answer = shop.request(method, path, body, {**ORIGIN, **headers})
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert answer.headers["access-control-allow-credentials"] == "true"


def test_a_page_may_read_what_the_server_failed_at(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 from the API, 500 from what stands before it, 408, 429, and 503 from the database."""

    def bug(*args: object) -> object:
        raise ZeroDivisionError

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        await shop.app(scope, asyncio.Event().wait, send)  # type: ignore[arg-type]

    body = b'{"path": "shop:echo"}'
    seen = []
    for patched, value in ((http_api.calls, "of_body"), (guard.Guard, "_refusal")):
        with monkeypatch.context() as patch:
            patch.setattr(patched, value, bug)
            seen.append(shop.request("POST", "/api/query", body, ORIGIN))
    with monkeypatch.context() as patch:
        patch.setattr(http_api, "BODY_SECONDS", 0.01)
        seen.append(asyncio.run(call_asgi(silent, "POST", "/api/query", [], ORIGIN)))
    with monkeypatch.context() as patch:
        patch.setattr(http_api, "MOST_CALLS", 0)
        seen.append(shop.request("POST", "/api/query", body, ORIGIN))
    shop.close()
    seen.append(shop.request("POST", "/api/query", body, ORIGIN))
    assert [answer.status for answer in seen] == [500, 500, 408, 429, 503]
    for answer in seen:
        assert answer.json.keys() == {"code", "message"}
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


@pytest.mark.parametrize("chunked", [False, True])
def test_the_longest_body(server: Process, chunked: bool) -> None:
    """16 MiB and 2000 bytes are read to the last; one more is too much."""
    assert MAX_BODY == 16 * 1024 * 1024 + 2000
    frame = b'{"path": "shop:size", "args": {"value": ""}}'
    for over in (0, 1):
        body = frame.replace(b'""', b'"' + b"x" * (MAX_BODY + over - len(frame)) + b'"')
        assert len(body) == MAX_BODY + over
        connection = server.connect()
        pieces = iter([body[n : n + 1_000_000] for n in range(0, len(body), 1_000_000)]) if chunked else body
        connection.request("POST", "/api/query", pieces, encode_chunked=chunked)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        if over:
            assert (response.status, answer["code"]) == (413, "ContentTooLarge")
        else:
            assert answer == {"status": "success", "value": MAX_BODY - len(frame)}


def test_no_refusal_holds_a_session_id(shop: World) -> None:
    """Whether it stands in the address, for a path, as a key, or where another value belongs."""
    for address, body in (
        (f"/api/{RAW_ID}", {}),
        ("/api/query", {"path": RAW_ID}),
        ("/api/query", {"path": f"shop:{RAW_ID}-"}),
        ("/api/query", {"path": "shop:echo", "args": {RAW_ID: 1}}),
        ("/api/query", {"path": "shop:echo", "args": {"value": {RAW_ID: {"$bytes": "?"}}}}),
        ("/api/query", {"path": "shop:pick", "args": {"one": RAW_ID}}),
        ("/api/query", {"path": "shop:echo", "format": RAW_ID}),
    ):
        answer = shop.request("POST", address, json.dumps(body).encode())
        assert "success" not in answer.text
        assert RAW_ID not in answer.text


def test_a_body_in_pieces(shop: World) -> None:
    """Put together again."""
    body = json.dumps({"path": "shop:echo", "args": {"value": "é" * 10}}).encode()
    pieces = [{"type": "http.request", "body": body[n : n + 1], "more_body": True} for n in range(len(body))]
    answer = asyncio.run(call_asgi(shop.app, "POST", "/api/query", [*pieces, {"type": "http.request"}]))
    assert answer.value == "é" * 10


def test_a_sender_that_goes_away(shop: World) -> None:
    """In the middle of the body; there is nobody to answer."""
    pieces = [{"type": "http.request", "body": b'{"path":', "more_body": True}]
    assert asyncio.run(call_asgi(shop.app, "POST", "/api/query", pieces)).status == 0


def test_a_length_that_is_too_much(shop: World) -> None:
    """It is refused before anything of the body has come."""
    answer = shop.request("POST", "/api/query", headers={"content-length": "20000000"})
    assert (answer.status, answer.json["code"]) == (413, "ContentTooLarge")


def test_a_body_that_does_not_arrive(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for for ever."""
    monkeypatch.setattr(http_api, "BODY_SECONDS", 0.01)

    async def main() -> None:
        forever = asyncio.Event()

        async def receive() -> dict[str, object]:
            await forever.wait()
            return {}

        with pytest.raises(http_api.Refused) as caught:
            await http_api.body_of({"headers": []}, receive)
        assert (caught.value.status, caught.value.code) == (408, "RequestTimeout")

    asyncio.run(main())


def test_20_megabytes(server: Process) -> None:
    """Refused in words, whether the length is told before or not, and the connection goes on."""
    connection = server.connect()
    answer = server.post("mutation", b"x" * 20_000_000, connection)
    assert (answer.status, answer.json["code"]) == (413, "ContentTooLarge")
    assert server.call("query", "shop:echo", connection, value=1).value == 1.0
    connection.request("POST", "/api/mutation", iter([b"x" * 1_000_000] * 20), encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["code"]) == (413, "ContentTooLarge")
    connection.close()
    assert server.call("query", "shop:echo", value=1).value == 1.0


def test_15_megabytes(server: Process) -> None:
    """Are not too much."""
    assert len(server.call("query", "shop:echo", value="x" * 15_000_000).value) == 15_000_000


def test_nonsense_over_a_real_connection(server: Process) -> None:
    """Each gets its answer on the same connection; none is just dropped."""
    connection = server.connect()
    for body, code in BAD:
        answer = server.post("query", body, connection)
        assert (answer.status, answer.json["code"]) == (400, code)
    assert server.call("query", "shop:echo", connection, value=1).value == 1.0
    connection.close()


def test_what_is_not_even_http(server: Process) -> None:
    """The server goes on."""
    for nonsense in (b"\0" * 100, b"GET\r\n\r\n", b"POST /api/query HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
            raw.sendall(nonsense)
            raw.recv(1000)
    assert server.call("query", "shop:echo", value=1).value == 1.0


def test_callers_that_leave(server: Process) -> None:
    """Before their answer is there: what they asked for is done once or not at all, and the server goes on."""
    body = json.dumps({"path": "shop:slow", "args": {"name": "left"}})
    head = f"POST /api/mutation HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    for text in (head + body, head + body[:10], head[:30]):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
            raw.sendall(text.encode())
    assert server.call("mutation", "shop:slow", name="stayed").value is None
    names = server.call("query", "shop:items").value
    assert names.count("stayed") == 1
    assert names.count("left") <= 1


def test_many_at_once(server: Process) -> None:
    """Sixteen connections, each with its own answers."""
    wrong: list[object] = []

    def work(number: int) -> None:
        connection: http.client.HTTPConnection = server.connect()
        for n in range(20):
            value = f"{number}-{n}"
            if server.call("query", "shop:echo", connection, value=value).value != value:
                wrong.append(value)
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
