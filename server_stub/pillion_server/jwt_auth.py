"""Tokens: a JWT that the users' issuer has signed for this server, checked with the issuer's public keys."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jwt

from pillion_server.errors import StartError, TokenError
from pillion_server.identity import Identity
from pillion_server.key_set import ALGORITHMS, KeySet

LEEWAY_SECONDS = 5
"""How far the issuer's clock may be off."""

LONGEST = 16 * 1024
"""How long a token may be, in characters."""


class Checked(NamedTuple):
    """Whose a token is, and until when it is good, in seconds since 1970."""

    identity: Identity
    until: int


class JwtAuth:
    """Checks tokens, for `create_app(..., auth=JwtAuth(...))`.

    jwks: the issuer's public keys, the path of a file or an `https://` address. issuer: what `iss` must be. audience:
    what `aud` must be or hold, one of these. Raises `StartError` for what can't be.
    """

    def __init__(self, jwks: str | os.PathLike[str], *, issuer: str, audience: str | Iterable[str]) -> None:
        self._audience = [audience] if isinstance(audience, str) else list(audience)
        self._issuer = issuer
        if not issuer or not self._audience or not all(self._audience):
            raise StartError("Tokens are checked for an issuer and an audience: name both, as the tokens do.")
        is_address = isinstance(jwks, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", jwks)
        self._keys = KeySet(str(jwks) if is_address else Path(jwks))

    def load(self) -> None:
        """Reads the keys; raises `StartError`."""
        self._keys.load()

    async def check(self, token: str) -> Checked:
        """Whose a token is; raises `TokenError`."""
        if len(token) > LONGEST:
            raise TokenError(f"The token is longer than {LONGEST} characters: leave claims out.")
        header = _header(token)
        if header.get("alg") not in ALGORITHMS:
            raise TokenError(f"The token is not signed by one of {', '.join(sorted(ALGORITHMS))}.")
        key = await self._keys.find(header.get("kid"))
        if key is None:
            raise TokenError("The token is signed with a key that is not among the issuer's.")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
            )
            return Checked(Identity.of(claims), int(claims["exp"]) + LEEWAY_SECONDS)
        except jwt.ExpiredSignatureError:
            raise TokenError("The token has expired: get a new one.") from None
        except jwt.InvalidIssuerError:
            raise TokenError("The token is another issuer's.") from None
        except jwt.InvalidAudienceError:
            raise TokenError("The token is for another audience.") from None
        except jwt.ImmatureSignatureError:
            raise TokenError("The token is not good yet: the clock of its issuer or of this server is wrong.") from None
        except jwt.MissingRequiredClaimError as error:
            raise TokenError(f"The token has no {error.claim!r}.") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise TokenError("The token is not as its issuer signed it, or has claims that can't be.") from None


async def checked(auth: JwtAuth | None, token: str) -> Checked:
    """Whose a token is, where tokens may be checked or not; raises `TokenError`."""
    if auth is None:
        raise TokenError("This server checks no tokens and has no keys: a session travels as sessionId among the args.")
    return await auth.check(token)


def _header(token: str) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenError("The token is no JWT.") from None
