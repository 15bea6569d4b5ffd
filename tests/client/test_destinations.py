"""Who may be given the ID: origins, compared as parsed. In browsers it is test_leaks.py that tries it."""

import pytest

from pillion import TransportError
from pillion.destinations import Destinations

DESTINATIONS = Destinations(
    "https://shop.example/api",
    ["http://localhost:8000", "https://XN--BCHER-KVA.example", "http://[::1]:90", "wss://live.example"],
)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/cart",
        "https://shop.example:443/",
        "HTTPS://SHOP.EXAMPLE/cart?next=https://evil.example/",
        "http://localhost:8000",
        "https://live.example/x",
        "https://xn--bcher-kva.example/",
        "http://[::1]:90/x",
        "wss://shop.example/live",
    ],
)
def test_the_id_goes_to_these(url: str) -> None:
    """The client's own origin, and those that are allowed; a WebSocket counts as its http address does."""
    assert DESTINATIONS.find(url) == (url, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "https://shop.example:444/",
        "https://shop.example.evil.example/",
        "https://evil.example/?https://shop.example/",
        "https://evil.example/#https://shop.example/",
        "https://evil.example#@shop.example/",
        "https://shop.example@evil.example/",
        "https://evil.example@shop.example/",  # ours, but others may read it in another way
        "http://localhost/",
        "http://localhost:80001/",
        "https://bücher.example/",  # ours by one standard, and by another not
        "ftp://shop.example/",
        "file://shop.example/x",
    ],
)
def test_and_to_no_others(url: str) -> None:
    """Whatever of ours stands in them."""
    try:
        found = DESTINATIONS.find(url)
    except TransportError:
        found = (url, False)
    assert found == (url, False)


@pytest.mark.parametrize(
    "url", ["/cart", "cart", "", "//evil.example/", "\\\\evil.example\\", "https://shop.example\\@evil.example/",
            "https:\\\\evil.example/", " https://shop.example/", "ht\ttps://shop.example/", "https://", "data:,x"],
)  # fmt: skip
def test_what_is_no_address_here_is_refused(url: str) -> None:
    """Outside a browser there is no page that it could be relative to, and only one way to read it."""
    with pytest.raises(TransportError, match="give a whole one"):
        DESTINATIONS.find(url)


def test_a_client_without_a_host_allows_none() -> None:
    """On the page its origin is the page's; elsewhere nobody knows."""
    assert Destinations("/api").origins == set()


@pytest.mark.parametrize(
    "origin",
    [
        "shop.example",
        "https://shop.example/path",
        "https://a@shop.example",
        "https://shop.example?x",
        "https://bücher.example",
        "*",
        "",
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    """At once, with the form that it takes; `*` is none, either."""
    with pytest.raises(ValueError, match="https://HOST"):
        Destinations("", [origin])


def test_one_string_is_not_a_list() -> None:
    """Its letters would be taken for origins."""
    with pytest.raises(TypeError, match=r"allow_origins=\['https://shop.example'\]"):
        Destinations("", "https://shop.example")
