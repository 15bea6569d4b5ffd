"""Who the user is, as a connection's server is told: tokens asked for, sent, confirmed, and renewed in time."""

import binascii
import json

from pillion.effects import AuthChanged, FetchToken
from pillion_shared import frames
from pillion_shared.shapes import is_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion.effects import Effect
    from pillion_shared.server_frames import AuthError

LEEWAY_SECONDS = 10.0
"""How long before its end a token is renewed."""

SHORTEST_SECONDS = 5.0
"""The shortest time between two renewals."""

FETCH_SECONDS = 30.0
"""How long a token is waited for: then a page goes on as nobody, or asks again while the last one is valid."""

MAX_REJECTED = 2
"""How many fresh tokens may be refused before the client gives up."""


class Authentication:
    """The tokens of one client.

    version: of the identity, as asked for on this connection. until: when something is due. effects: where what
    has to be done is put. clock: milliseconds since 1970. is_paused: whether nothing may be sent before a token is
    there.
    """

    def __init__(self, effects: "list[Effect]", clock: "Callable[[], int]") -> None:
        self.version = 0
        self.until: float | None = None
        self.is_paused = False
        self._effects = effects
        self._clock = clock
        self._skew = 0.0
        self._is_on = False
        self._token: str | None = None
        self._is_unsent = False
        self._is_confirmed = False
        self._is_asking = False
        self._number = 0
        self._rejected = 0

    def begin(self, now: float) -> None:
        """From now on tokens are fetched."""
        self._is_on, self._rejected, self._is_confirmed = True, 0, False
        self._ask(False, True, now)

    def end(self) -> None:
        """From now on the user is nobody."""
        self._is_on = self._is_asking = self.is_paused = False
        self.until = None
        self._forget()

    def token_fetched(self, number: int, token: "str | None", now: float) -> None:
        """The answer to `FetchToken`; `None` if there is no token. Answers to earlier ones are of no use."""
        if number != self._number or not self._is_asking:
            return
        self._is_asking = self.is_paused = False
        self.until = None
        if token is None:
            self._give_up()
        else:
            self._token, self._is_unsent = token, True
            self._renew_in_time(now)

    def restart(self) -> None:
        """A new connection: its server knows nobody."""
        self.version = 0
        self._is_unsent = self._token is not None

    def modify(self) -> "str | None":
        """The frame that tells the server; `None` if it knows."""
        if not self._is_unsent:
            return None
        self._is_unsent = False
        self.version += 1
        return frames.authenticate(self.version - 1, self._token)

    def is_settled(self, identity: int) -> bool:
        """Whether the server has taken all it was told."""
        return identity == self.version and not self._is_unsent

    def confirm(self, identity: int, skew: "float | None", now: float) -> None:
        """The server has come to a version of the identity; `skew` is that of a `Transition`."""
        if skew is not None and skew != self._skew:
            self._skew = skew
            if not self._is_asking:
                self._renew_in_time(now)
        if self._token is None or self.is_paused or not self.is_settled(identity):
            return
        self._rejected = 0
        if not self._is_confirmed:
            self._is_confirmed = True
            self._effects.append(AuthChanged(True))

    def reject(self, error: "AuthError", now: float) -> None:
        """The server has refused the token, or doesn't take it any more; the connection ends with that."""
        if not self._is_on or (error.is_update and error.base + 1 < self.version):
            return  # a later token is on its way
        if error.is_update and self._rejected >= MAX_REJECTED:
            self._give_up()
        else:
            self._rejected += 1 if error.is_update else 0
            self._ask(True, True, now)

    def tick(self, now: float) -> None:
        """Does what is due."""
        if self.until is None or self.until > now:
            return
        if self.is_paused:
            self.token_fetched(self._number, None, now)
        else:
            self._ask(True, False, now)

    def _ask(self, is_fresh: bool, pauses: bool, now: float) -> None:
        self._number += 1
        self._is_asking, self.is_paused = True, pauses
        self.until = now + FETCH_SECONDS
        self._effects.append(FetchToken(self._number, is_fresh))

    def _give_up(self) -> None:
        self.end()
        self._effects.append(AuthChanged(False))

    def _forget(self) -> None:
        self._is_unsent = self.version > 0
        self._token = None
        self._is_confirmed = False

    def _renew_in_time(self, now: float) -> None:
        end = None if self._token is None else expiry(self._token)
        if end is None:
            self.until = None
            return
        left = end - (self._clock() - self._skew) / 1000
        self.until = now + max(left - LEEWAY_SECONDS, SHORTEST_SECONDS)


def expiry(token: str) -> "float | None":
    """When a JWT ends, in seconds since 1970; `None` for one that doesn't say. Nothing is verified."""
    try:
        payload = token.split(".")[1].replace("-", "+").replace("_", "/")
        fields: object = json.loads(binascii.a2b_base64((payload + "=" * (-len(payload) % 4)).encode()).decode())
    except (IndexError, ValueError, RuntimeError):
        return None
    end = fields.get("exp") if is_dict(fields) else None
    return float(end) if isinstance(end, (int, float)) else None
