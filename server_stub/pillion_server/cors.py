"""Which pages may read an answer: CORS, for those that the guard knows, wherever they are from.

What the function API answers gets its headers from here, as bytes, as Starlette's middleware would add them. That does
the rest: preflights, and what other parts answer.
"""

from collections.abc import Collection, Mapping

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Scope

from pillion_server.formats import DEPRECATION
from pillion_server.guard import LOOPBACK_ORIGIN, Guard, first_of_each

EXPOSED = (*DEPRECATION, "retry-after")
"""The headers that pages of other origins may read too."""

_VARY = (b"vary", b"Origin")
_OF_ANY_ORIGIN = [
    _VARY,
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-expose-headers", ", ".join(EXPOSED).encode()),
]


def reading_headers(guard: Guard, headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """The headers of the answer to a request with such `headers`, whoever sent it."""
    origin = headers.get(b"origin")
    if origin is None:
        return [_VARY]
    if not guard.allows(origin.decode("latin-1").lower()):
        return _OF_ANY_ORIGIN
    return [(b"access-control-allow-origin", origin), *_OF_ANY_ORIGIN]


def is_preflight(scope: Scope) -> bool:
    """Whether a request only asks what its page may do."""
    return scope["method"] == "OPTIONS" and {b"origin", b"access-control-request-method"} <= first_of_each(scope).keys()


def cors(origins: Collection[str]) -> Middleware:
    """The middleware for everything else."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_origin_regex=LOOPBACK_ORIGIN,
        allow_methods=("GET", "POST"),
        allow_headers=("*",),
        allow_credentials=True,
        expose_headers=EXPOSED,
        max_age=86400,
    )
