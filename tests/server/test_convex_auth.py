"""Convex's own clients with tokens, npm's and PyPI's, against the server as its users start it."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import convex
import pytest
from convex.http_client import ConvexHttpClient

from server.tokens import AUDIENCE, ISSUER, SHOP, Issuer
from server.world import Process, serving, write_functions

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 60
"""How long Node may take."""


@pytest.fixture
def issuer() -> Issuer:
    """Who signs."""
    return Issuer("RS256")


@pytest.fixture
def server(tmp_path: Path, issuer: Issuer) -> Iterator[Process]:
    """A server that checks its tokens."""
    options = ("--jwks", str(issuer.write(tmp_path / "jwks.json")), "--issuer", ISSUER, "--audience", AUDIENCE)
    with serving(write_functions(tmp_path / "functions", shop=SHOP), tmp_path / "x.sqlite3", *options) as process:
        yield process


def token_for(issuer: Issuer, line: str) -> str:
    """What is asked for: a short one has been good for long, as far as its client can tell, and is so for a moment."""
    name, _, kind = line.partition(" ")
    if kind == "short":
        return issuer.token(name, seconds=-3, iat=int(time.time()) - 3600)
    return issuer.token(name, aud="other" if kind == "bad" else AUDIENCE)


def test_the_client_of_npm(server: Process, issuer: Issuer) -> None:
    """In Node: logged in and out, a token that runs out, tokens that are not good."""
    node = shutil.which("node") or str(ROOT / ".venv/bin/node")
    command = [node, str(HERE / "convex_auth_client.mjs"), f"http://127.0.0.1:{server.port}"]
    with subprocess.Popen(
        ["timeout", str(SECONDS), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        assert client.stderr is not None
        said = ""
        for line in client.stdout:
            said = line.strip()
            if said == "all is well":
                break
            client.stdin.write(token_for(issuer, said) + "\n")
            client.stdin.flush()
        assert said == "all is well", client.stderr.read()


def test_the_clients_of_pypi(server: Process, issuer: Issuer) -> None:
    """Over a WebSocket and over HTTP."""
    address = f"http://127.0.0.1:{server.port}"
    live = convex.ConvexClient(address)
    assert live.query("shop:me") is None
    live.set_auth(issuer.token("ada"))
    assert live.mutation("shop:who") == "ada"
    assert live.query("shop:me") == "ada"
    live.set_auth(None)
    assert live.mutation("shop:who") is None
    http = ConvexHttpClient(address)
    http.set_auth(issuer.token("ada"))
    assert http.query("shop:me") == "ada"
    http.set_auth(issuer.token("ada", seconds=-60))
    with pytest.raises(Exception, match="401 Unauthenticated: The token has expired"):
        http.query("shop:me")
