"""`ctx.auth`: who calls, as a token says that the server has checked.

    identity = ctx.auth.identity()
    owner = None if identity is None else identity.token_identifier

What is found for one caller is kept for it alone, where the function has asked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Self, cast

OF_THE_TOKEN = frozenset(("exp", "iat", "jti", "nbf"))
"""The claims that tell of the token alone: a fresh token of the same user makes the same identity."""


class _Anybody(Enum):
    ANYBODY = "anybody"


ANYBODY: Final = _Anybody.ANYBODY
"""Stands for every caller, where what was found is the same for all of them."""


@dataclass(frozen=True)
class Identity:
    """A user. subject: names it at its issuer. Equal ones have equal claims."""

    issuer: str
    subject: str
    _claims: str = field(repr=False)

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> Self:
        """The identity of a checked token with these claims, `iss` and `sub` among them."""
        kept = {name: claim for name, claim in claims.items() if name not in OF_THE_TOKEN}
        return cls(claims["iss"], claims["sub"], json.dumps(kept, sort_keys=True))

    @property
    def token_identifier(self) -> str:
        """Names the user among those of all issuers: `issuer|subject`."""
        return f"{self.issuer}|{self.subject}"

    @property
    def claims(self) -> dict[str, Any]:
        """What the token says of the user, `iss`, `sub` and `aud` among it; not `exp`, `iat`, `jti` and `nbf`."""
        return cast("dict[str, Any]", json.loads(self._claims))


Caller = Identity | None | _Anybody
"""Whom an answer is for: a user, those without a token, or `ANYBODY`."""


class Auth:
    """What one call is told of its caller. asked: whether it has asked."""

    def __init__(self, identity: Identity | None = None) -> None:
        self.caller = identity
        self.asked = False

    def identity(self) -> Identity | None:
        """Who calls, `None` without a token. An answer that depends on it is kept for this caller alone."""
        self.asked = True
        return self.caller
