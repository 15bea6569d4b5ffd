"""Which pages may read an answer."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pillion_server.cors import cors, reading_headers
from pillion_server.guard import Guard
from server.world import World, call_asgi

ORIGINS = [None, "http://localhost:3000", "https://page.example", "https://other.example", "http://shop.test"]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("allowed", [[], ["https://page.example"], ["*"]])
def test_they_are_what_the_middleware_adds(origin: str | None, allowed: list[str]) -> None:
    """A page sees no difference between what the API answers and what the rest does."""
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse(""))], middleware=[cors(allowed)])
    given = {} if origin is None else {"origin": origin}
    added = asyncio.run(call_asgi(app, "GET", "/", [], given)).headers
    raw = {b"host": b"shop.test", **{name.encode(): value.encode() for name, value in given.items()}}
    ours = {name.decode(): value.decode() for name, value in reading_headers(Guard(["shop.test"], allowed), raw)}
    assert ours == {name: value for name, value in added.items() if not name.startswith("content-")}


def test_only_a_preflight_goes_past_the_api(world: Callable[..., World]) -> None:
    """Another OPTIONS is no call, and is told so."""
    shop = world(shop="@query\ndef get(ctx) -> int:\n    return 1\n")
    page = {"origin": "http://localhost:3000"}
    asked = shop.request("OPTIONS", "/api/query", headers={**page, "access-control-request-method": "POST"})
    assert (asked.status, asked.text) == (200, "OK")
    for headers in ({}, page):
        refused = shop.request("OPTIONS", "/api/query", headers=headers)
        assert (refused.status, refused.json["code"]) == (405, "MethodNotAllowed")
