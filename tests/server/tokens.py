"""An issuer of tokens: its keys, as a JWKS in a file or at an address, and the tokens that it signs."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pillion_server import JwtAuth

ISSUER = "https://login.example"
AUDIENCE = "shop"

SHOP = """
def name(ctx) -> str | None:
    identity = ctx.auth.identity()
    return None if identity is None else identity.subject

@query
def me(ctx) -> str | None:
    return name(ctx)

@mutation
def who(ctx) -> str | None:
    return name(ctx)

@action
async def act(ctx) -> str | None:
    return await ctx.run_query("shop:me")
"""
"""Functions that tell who calls."""


def new_key(algorithm: str) -> Any:
    """A private key."""
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else ed25519.Ed25519PrivateKey.generate()


class Issuer:
    """Keys by their `kid`; the first one that is added signs."""

    def __init__(self, algorithm: str = "EdDSA", kid: str = "first") -> None:
        self.keys: dict[str, tuple[str, Any]] = {}
        self.add(kid, algorithm)

    def add(self, kid: str, algorithm: str = "EdDSA") -> None:
        self.keys[kid] = (algorithm, new_key(algorithm))

    def jwks(self) -> dict[str, list[Any]]:
        """The public ones."""
        entries = []
        for kid, (algorithm, key) in self.keys.items():
            public = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
            entries.append({**public, "kid": kid, "alg": algorithm, "use": "sig"})
        return {"keys": entries}

    def write(self, path: Path) -> Path:
        path.write_text(json.dumps(self.jwks()))
        return path

    def auth(self, path: Path) -> JwtAuth:
        """What checks this issuer's tokens, not loaded."""
        return JwtAuth(self.write(path), issuer=ISSUER, audience=AUDIENCE)

    def token(self, subject: str = "ada", kid: str | None = None, seconds: float = 600, **claims: object) -> str:
        """A token; a claim that is `None` is left out."""
        kid = kid or next(iter(self.keys))
        algorithm, key = self.keys[kid]
        now = int(time.time())
        given = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": int(now + seconds), **claims}
        kept = {name: claim for name, claim in given.items() if claim is not None}
        return jwt.encode(kept, key, algorithm, headers={"kid": kid})


class Address:
    """What a JWKS is fetched from. status, body: what it answers; asked: how often."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.status, self.body, self.asked = 200, json.dumps(body).encode(), 0
        self.headers: dict[str, str] = {}
        self.url = ""


@contextmanager
def served(body: Mapping[str, Any]) -> Iterator[Address]:
    """An address that answers with JSON."""
    address = Address(body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address.asked += 1
            self.send_response(address.status)
            for name, value in address.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(address.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address.url = f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
