"""Who may talk to the server."""

from collections.abc import Callable

import pytest

from pillion_server import StartError
from pillion_server.guard import normal_origin
from server.world import World

Make = Callable[..., World]
OPTIONS = {"allow_hosts": ["Shop.test"], "allow_origins": ["https://page.example"]}


@pytest.fixture
def shop(world: Make) -> World:
    """A server that is also shop.test, and takes calls from one other origin."""
    return world(OPTIONS, shop="@query\ndef get(ctx) -> int:\n    return 1\n")


def ask(world: World, **headers: str) -> tuple[int, str | None]:
    answer = world.request("POST", "/api/query", b'{"path": "shop:get"}', headers)
    return answer.status, answer.json.get("code")


@pytest.mark.parametrize(
    "host",
    ["localhost:8000", "LOCALHOST", "127.0.0.1:1", "[::1]:8000", "[::1]", "shop.test", "SHOP.test:80", ""],
)
def test_its_own_names(shop: World, host: str) -> None:
    """This machine's and those that were allowed, with any port."""
    assert ask(shop, host=host) == (200, None)


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test:8000", "[::2]", "a:b:c"])
def test_other_names_are_refused(shop: World, host: str) -> None:
    """A name that somebody points here is not ours (DNS rebinding); the message says how to allow it."""
    answer = shop.request("GET", "/", headers={"host": host})
    assert (answer.status, answer.json["code"]) == (400, "BadHost")
    assert "--allow-host" in answer.json["message"]


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "https://localhost",
        "http://127.0.0.1:5500",
        "http://[::1]:8080",
        "https://page.example",
    ],
)
def test_pages_that_may_call(shop: World, origin: str) -> None:
    """Those of this machine and those allowed; the answer says so, an error's as well."""
    for body, status in ((b'{"path": "shop:get"}', 200), (b"nonsense", 400)):
        answer = shop.request("POST", "/api/query", body, {"origin": origin})
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == origin
    preflight = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,convex-client,authorization",
    }
    answer = shop.request("OPTIONS", "/api/mutation", headers=preflight)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-headers"] == "content-type,convex-client,authorization"
    assert answer.headers["access-control-max-age"] == "86400"


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.test",
        "http://localhost.evil.test",
        "https://page.example:444",
        "null",
        "http://page.example",
    ],
)
def test_pages_that_may_not_call(shop: World, origin: str) -> None:
    """A plain POST needs no preflight, so it is refused here before anything runs."""
    assert ask(shop, origin=origin) == (403, "BadOrigin")
    answer = shop.request("OPTIONS", "/api/query", headers={"origin": origin, "access-control-request-method": "POST"})
    assert answer.status == 400
    assert "access-control-allow-origin" not in answer.headers


def test_its_own_pages_may_call(shop: World) -> None:
    """Under whatever name it is known."""
    assert ask(shop, host="shop.test:8000", origin="http://shop.test:8000") == (200, None)
    assert ask(shop, host="shop.test:8000", origin="http://shop.test:9000") == (403, "BadOrigin")


def test_a_star_allows_all(world: Make) -> None:
    """For those who know what they do."""
    shop = world({"allow_hosts": ["*"], "allow_origins": ["*"]}, shop="@query\ndef get(ctx) -> int:\n    return 1\n")
    assert ask(shop, host="any.test", origin="https://other.test") == (200, None)


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://Shop.example/", "https://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("*", "*"),
    ],
)
def test_an_origin_has_one_spelling(written: str, origin: str) -> None:
    """The one that browsers send, so that what is allowed is allowed throughout."""
    assert normal_origin(written) == origin


@pytest.mark.parametrize("written", ["shop.example", "https://shop.example/page", "ftp://a", "https://", "null", ""])
def test_what_is_no_origin_is_refused_at_start(written: str) -> None:
    """It would never match."""
    with pytest.raises(StartError, match="is no origin: write https://HOST"):
        normal_origin(written)


def test_an_allowed_origin_may_read_the_answer(world: Make) -> None:
    """However it was spelled."""
    shop = world({"allow_origins": ["https://Page.example/"]}, shop="@query\ndef get(ctx) -> int:\n    return 1\n")
    headers = {"origin": "https://page.example"}
    answer = shop.request("POST", "/api/query", b'{"path": "shop:get"}', headers)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "https://page.example")
