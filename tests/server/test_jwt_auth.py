"""Which tokens are good, and what is said of the others."""

import asyncio
import base64
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pillion_server import Identity, JwtAuth
from pillion_server.errors import StartError, TokenError
from pillion_server.jwt_auth import checked
from server.tokens import AUDIENCE, ISSUER, Issuer

ISSUERS = {algorithm: Issuer(algorithm) for algorithm in ("RS256", "ES256", "EdDSA")}


def check(auth: JwtAuth, token: str) -> Identity:
    return asyncio.run(auth.check(token)).identity


@pytest.fixture
def issuer() -> Issuer:
    """The one that the server knows."""
    return ISSUERS["ES256"]


@pytest.fixture
def auth(issuer: Issuer, tmp_path: Path) -> JwtAuth:
    """What checks its tokens."""
    auth = issuer.auth(tmp_path / "jwks.json")
    auth.load()
    return auth


@pytest.mark.parametrize("algorithm", ISSUERS)
def test_a_good_one(algorithm: str, tmp_path: Path) -> None:
    """Says who it is, and until when."""
    issuer = ISSUERS[algorithm]
    auth = issuer.auth(tmp_path / "jwks.json")
    auth.load()
    before = int(time.time())
    identity, until = asyncio.run(auth.check(issuer.token("ada", aud=["other", AUDIENCE], name="Ada")))
    assert identity.token_identifier == f"{ISSUER}|ada"
    assert identity.claims == {"iss": ISSUER, "sub": "ada", "aud": ["other", AUDIENCE], "name": "Ada"}
    assert before + 600 <= until - 5 <= time.time() + 600


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"seconds": -6}, "has expired"),
        ({"iss": "https://evil.example"}, "another issuer's"),
        ({"iss": None}, "'iss'"),
        ({"aud": "other"}, "another audience"),
        ({"aud": None}, "'aud'"),
        ({"sub": None}, "'sub'"),
        ({"exp": None}, "'exp'"),
        ({"nbf": int(time.time()) + 1000}, "not good yet"),
        ({"iat": int(time.time()) + 1000}, "not good yet"),
        ({"exp": "soon"}, "can't be"),
        ({"exp": float("inf")}, "can't be"),
        ({"sub": 5}, "can't be"),
    ],
)
def test_a_bad_one(auth: JwtAuth, issuer: Issuer, claims: dict[str, Any], said: str) -> None:
    """And why."""
    claims = {"subject": "ada", **claims}
    with pytest.raises(TokenError, match=said):
        check(auth, signed(issuer, claims) if "sub" in claims else issuer.token(**claims))


def signed(issuer: Issuer, claims: dict[str, Any]) -> str:
    """A token whose claims PyJWT would not make."""
    algorithm, key = issuer.keys["first"]
    now = int(time.time())
    given = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 600, **claims}
    text = json.dumps({name: claim for name, claim in given.items() if claim is not None}).encode()
    return jwt.PyJWS().encode(text, key, algorithm, headers={"kid": "first"})


def test_clocks_may_be_off_a_little(auth: JwtAuth, issuer: Issuer) -> None:
    """By seconds."""
    assert check(auth, issuer.token(seconds=-3)).subject == "ada"


def test_who_signed_it(auth: JwtAuth, issuer: Issuer) -> None:
    """Another key of the same name, one of another name, one of another algorithm: all are nobody's."""
    good = issuer.token()
    head, body, signature = good.split(".")
    other = Issuer("ES256")
    for token in (other.token(), f"{head}.{body}.", f"{head}.{other.token('eve').split('.')[1]}.{signature}"):
        with pytest.raises(TokenError, match="not as its issuer signed it"):
            check(auth, token)
    with pytest.raises(TokenError, match="not as its issuer signed it"):
        check(auth, ISSUERS["EdDSA"].token())
    with pytest.raises(TokenError, match="not among the issuer's"):
        check(auth, Issuer(kid="second").token())
    assert check(auth, good).subject == "ada"


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_no_signature_and_one_that_anybody_can_make(auth: JwtAuth, issuer: Issuer) -> None:
    """`none`, and a secret that is the public key: the classic ways in."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": int(time.time()) + 600}
    public = issuer.keys["first"][1].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    tokens = [f"{encoded({'alg': name, 'kid': 'first'})}.{encoded(claims)}." for name in ("none", "None", "NONE", None)]
    for name, hashed in (("HS256", "sha256"), ("HS512", "sha512")):
        said = f"{encoded({'alg': name, 'kid': 'first'})}.{encoded(claims)}"
        signature = base64.urlsafe_b64encode(hmac.digest(pem, said.encode(), hashed)).decode().rstrip("=")
        tokens.append(f"{said}.{signature}")
    for token in tokens:
        with pytest.raises(TokenError, match="not signed by one of ES256, EdDSA, RS256"):
            check(auth, token)


def test_a_key_that_is_too_short(tmp_path: Path) -> None:
    """Is no key."""
    issuer = Issuer("RS256")
    issuer.keys["first"] = ("RS256", rsa.generate_private_key(public_exponent=65537, key_size=1024))
    auth = issuer.auth(tmp_path / "jwks.json")
    auth.load()
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = issuer.token()
    with pytest.raises(TokenError, match="not as its issuer"):
        check(auth, token)


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", ".", "é.é.é", f"{encoded({'alg': 'ES256', 'kid': 5})}.e30.e30", "[" * 9000 + ".a.b"]
)
def test_what_is_none(auth: JwtAuth, token: str) -> None:
    """Is told so, without a word of it."""
    with pytest.raises(TokenError, match="no JWT"):
        check(auth, token)


def test_one_that_is_too_long(auth: JwtAuth, issuer: Issuer) -> None:
    """Isn't even read."""
    with pytest.raises(TokenError, match="longer than 16384"):
        check(auth, issuer.token(name="x" * 20_000))


def test_a_fresh_key(auth: JwtAuth, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is found where the others are, as it comes."""
    rotated = Issuer("RS256", "second")
    rotated.write(tmp_path / "jwks.json")
    monkeypatch.setattr("pillion_server.key_set.AGAIN_SECONDS", -1.0)
    assert check(auth, rotated.token()).subject == "ada"
    with pytest.raises(TokenError, match="not among"):
        check(auth, issuer.token())


@pytest.mark.parametrize(("issuer", "audience"), [("", "shop"), (ISSUER, []), (ISSUER, ""), (ISSUER, ["shop", ""])])
def test_what_tokens_must_say(issuer: str, audience: Any) -> None:
    """Is no choice: a token for another site would open this one."""
    with pytest.raises(StartError, match="name both"):
        JwtAuth("jwks.json", issuer=issuer, audience=audience)


def test_without_keys() -> None:
    """No token is good."""
    with pytest.raises(TokenError, match="checks no tokens"):
        asyncio.run(checked(None, "a.b.c"))
