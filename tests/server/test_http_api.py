"""The HTTP function API: what is a call, what is not, and that nothing takes the server down."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillion_server import http_api
from server.world import RAW_ID, Process, World, call_asgi, serving, write_functions

Make = Callable[..., World]

SHOP = """
import time

@query
def echo(ctx, value: Any = "nothing") -> Any:
    return value

@query
def fail(ctx) -> None:
    raise FunctionError({"n": Int64(1)})

@query
def pick(ctx, one: Literal["a", "b"]) -> str:
    return one

@mutation
def slow(ctx, name: str) -> None:
    time.sleep(0.05)
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
