"""The keys of an issuer: where they are from, and when they are read again."""

import asyncio
import json
import logging
import socket
import threading
from pathlib import Path
from typing import Any

import jwt
import pytest

from pillion_server.errors import StartError
from pillion_server.key_set import KeySet, keys_of
from server.tokens import Issuer, new_key, served

PUBLIC = Issuer().jwks()["keys"][0]
PRIVATE = jwt.get_algorithm_by_name("ES256").to_jwk(new_key("ES256"), as_dict=True)
SECRET = {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "alg": "HS256", "kid": "secret"}


def test_the_keys_that_can_check(tmp_path: Path) -> None:
    """Of these algorithms, for signatures: what else there is does no harm, and nothing."""
    path = tmp_path / "jwks.json"
    others = [
        SECRET,
        {**PUBLIC, "use": "enc", "kid": "e"},
        {**PUBLIC, "kid": [1]},
        {"kty": "new"},
        5,
        {**PUBLIC, "x": 1},
    ]
    path.write_text(json.dumps({"keys": [*others, PUBLIC]}))
    assert list(keys_of(path)) == ["first"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "is no JWKS"),
        ("[]", "is no JWKS"),
        ("[" * 100_000, "is no JWKS"),
        ('{"keys": 1}', "has no list of keys"),
        ('{"keys": []}', "has no key for ES256, EdDSA, RS256"),
        (json.dumps({"keys": [SECRET]}), "has no key for"),
        (json.dumps({"keys": [PUBLIC, PRIVATE]}), "has a private key"),
        (" " * 1024 * 1024 + "{}", "has more than 1,048,576 bytes"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    """Is said to be, with nothing of what is in it."""
    path = tmp_path / "jwks.json"
    path.write_text(text)
    with pytest.raises(StartError, match=said) as caught:
        KeySet(path).load()
    assert str(path) in str(caught.value)
    assert str(PRIVATE["d"]) not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    """Says why."""
    with pytest.raises(StartError, match=r"can't be read \(No such file"):
        KeySet(tmp_path / "none.json").load()


@pytest.mark.parametrize(
    "url", ["http://login.example/jwks", "ftp://login.example/jwks", "https://", "https://login.example/a b"]
)
def test_no_address(url: str) -> None:
    """Keys that came over a line that anybody may change are nobody's."""
    with pytest.raises(StartError, match="is no address"):
        KeySet(url).load()


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [(404, {}, "answers with status 404"), (302, {"location": "http://127.0.0.1:1/"}, "answers with status 302")],
)
def test_an_address_that_has_none(status: int, headers: dict[str, str], said: str) -> None:
    """And one that sends elsewhere: who answers is who was asked."""
    with served(Issuer().jwks()) as address:
        address.status, address.headers = status, headers
        with pytest.raises(StartError, match=said):
            KeySet(address.url).load()


def test_an_address_where_nobody_is() -> None:
    """Says why."""
    with served({}) as address:
        pass
    with pytest.raises(StartError, match=r"can't be fetched \("):
        KeySet(address.url).load()


def test_an_address_that_does_not_speak_http() -> None:
    """Says so too."""

    def talk() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"nonsense\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(StartError, match="can't be fetched"):
            KeySet(f"http://127.0.0.1:{listener.getsockname()[1]}/").load()
        thread.join()


def test_a_slow_address_holds_no_token_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than a bound; what it says is taken when it comes."""
    go = threading.Event()
    issuer = Issuer()
    path = "pillion_server.key_set.keys_of"

    async def main(keys: KeySet) -> None:
        assert await keys.find("second") is None
        go.set()
        monkeypatch.setattr("pillion_server.key_set.FETCH_SECONDS", 20.0)
        assert await keys.find("second") is not None

    with served(issuer.jwks()) as address:
        keys = KeySet(address.url)
        keys.load()
        issuer.add("second")
        address.body = json.dumps(issuer.jwks()).encode()
        monkeypatch.setattr("pillion_server.key_set.AGAIN_SECONDS", -1.0)
        monkeypatch.setattr("pillion_server.key_set.FETCH_SECONDS", 0.05)
        monkeypatch.setattr(path, lambda source: go.wait(20) and keys_of(source))
        asyncio.run(main(keys))
    assert address.asked == 2


def found(keys: KeySet, *names: str | None) -> list[str | None]:
    """The algorithms of the keys of these names, looked for at a time."""

    async def main() -> list[jwt.PyJWK | None]:
        return await asyncio.gather(*(keys.find(name) for name in names))

    return [None if key is None else key.algorithm_name for key in asyncio.run(main())]


def test_an_unknown_key_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for all who wait, and not again for a while, whatever names are made up; withdrawn ones go with that."""
    issuer = Issuer("ES256")
    with served(issuer.jwks()) as address:
        keys = KeySet(address.url)
        keys.load()
        assert found(keys, "first", None, "second") == ["ES256", "ES256", None]
        assert address.asked == 1
        monkeypatch.setattr("pillion_server.key_set.AGAIN_SECONDS", -1.0)
        del issuer.keys["first"]
        issuer.add("second")
        address.body = json.dumps(issuer.jwks()).encode()
        assert found(keys, *["second"] * 5) == ["EdDSA"] * 5
        assert address.asked == 2
        assert found(keys, "second") == ["EdDSA"]
        monkeypatch.setattr("pillion_server.key_set.AGAIN_SECONDS", 30.0)
        assert found(keys, "first", "third", "fourth") == [None] * 3
        assert address.asked == 2


def test_no_name_among_several(tmp_path: Path) -> None:
    """Is no key's."""
    issuer = Issuer()
    issuer.add("second")
    keys = KeySet(issuer.write(tmp_path / "jwks.json"))
    keys.load()
    assert found(keys, None) == [None]


def test_old_keys_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one that was withdrawn would be good for ever."""
    issuer = Issuer()
    path = issuer.write(tmp_path / "jwks.json")
    keys = KeySet(path)
    keys.load()
    del issuer.keys["first"]
    issuer.add("second")
    issuer.write(path)
    assert found(keys, "first") == ["EdDSA"]
    monkeypatch.setattr("pillion_server.key_set.OLD_SECONDS", -1.0)
    assert found(keys, "first") == [None]


def test_where_that_fails_the_keys_stay(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """And the log says why."""
    with served(Issuer().jwks()) as address:
        keys = KeySet(address.url)
        keys.load()
        monkeypatch.setattr("pillion_server.key_set.AGAIN_SECONDS", -1.0)
        address.status = 500
        with caplog.at_level(logging.ERROR, "pillion_server"):
            assert found(keys, "second", "first") == [None, "EdDSA"]
    [line] = caplog.messages
    assert "still used" in line
    assert "status 500" in line


def test_who_gives_up_does_not_end_what_others_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reading goes on."""
    issuer = Issuer()

    async def main(keys: KeySet) -> Any:
        first = asyncio.ensure_future(keys.find("second"))
        second = asyncio.ensure_future(keys.find("second"))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    with served(issuer.jwks()) as address:
        keys = KeySet(address.url)
        keys.load()
        monkeypatch.setattr("pillion_server.key_set.AGAIN_SECONDS", -1.0)
        issuer.add("second")
        address.body = json.dumps(issuer.jwks()).encode()
        assert asyncio.run(main(keys)).algorithm_name == "EdDSA"
