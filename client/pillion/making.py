"""Making IDs, and knowing the ones that we make."""

from pillion import _platform
from pillion._aio import answered
from pillion_shared import InvalidIdError, SessionId, is_session_id, is_token, is_uuid4, token, uuid4

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

UUID = "uuid"
TOKEN = "token"  # noqa: S105 - the name of a format

GENERATOR_SECONDS = 10.0
"""How long an async generator may take."""


class Maker:
    """Makes new IDs: by `generator`, plain or async, or in a format, `"uuid"` (122 random bits) or `"token"` (256)."""

    def __init__(self, generator: "Callable[[], Awaitable[str] | str] | None" = None, format: str = UUID) -> None:
        if format not in (UUID, TOKEN):
            raise ValueError(f"id_format is 'uuid' or 'token', not {format!r}.")
        self._generator = generator
        self._format = format

    async def make(self) -> SessionId:
        """A new ID. Raises `InvalidIdError`, `RandomnessError`, and what the generator raises."""
        if self._generator is None:
            return uuid4(_platform.random_bytes(16)) if self._format == UUID else token(_platform.random_bytes(32))
        late = InvalidIdError(f"The id_generator has made nothing within {GENERATOR_SECONDS:g} s.")
        made = await answered(self._generator(), GENERATOR_SECONDS, late)
        if not is_session_id(made):
            raise InvalidIdError(
                "The id_generator made what is not a session ID: it must give 20 to 128 characters of A-Z a-z 0-9 - _."
            )
        return made

    def is_ours(self, value: object) -> bool:
        """Whether a value has the form of the IDs made here; anything else in a storage is rubbish."""
        if self._generator is not None:
            return is_session_id(value)
        return is_uuid4(value) if self._format == UUID else is_token(value)
