"""What all who share a session know of it: its ID, and how it came to be in force."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pillion_shared import SessionId

NEW = "new"
REFRESHED = "refreshed"
LOGIN = "login"
LOGOUT = "logout"
EXPIRED = "expired"
DUPLICATE = "duplicate"
ADOPTED = "adopted"
NEVER = 0
"""The time of the last use of an ID that nobody has used."""

REASONS = (NEW, REFRESHED, LOGIN, LOGOUT, EXPIRED, DUPLICATE)


class Record:
    """An ID in force.

    generation: counts the IDs of a session, from 1; it only grows. reason: why this one followed the one before.
    created, used: when it came into force and when it was last used, in milliseconds since 1970. What has followed an
    expired one, or was found without a record, is used `NEVER` until it is.
    """

    def __init__(
        self, id: "SessionId", generation: int = 1, reason: str = NEW, created: int = 0, used: "int | None" = None
    ) -> None:
        self.id = id
        self.generation = generation
        self.reason = reason
        self.created = created
        self.used = created if used is None else used

    def beats(self, other: "Record") -> bool:
        """Whether this one holds where both are found: the later generation, and of one generation the elder.

        Two of one generation are there only after a storage was cleared while its session lived: the elder is the
        one that has data.
        """
        if self.generation != other.generation:
            return self.generation > other.generation
        return self.id != other.id and (self.created, self.id) < (other.created, other.id)

    def next(self, id: "SessionId", reason: str, now: int) -> "Record":
        """What follows this one."""
        return Record(id, self.generation + 1, reason, now)

    def used_at(self, now: int) -> "Record":
        """This one, used now."""
        return Record(self.id, self.generation, self.reason, self.created, now)

    def text(self) -> str:
        """The form in which a storage keeps it."""
        return f"{self.id} {self.generation} {self.reason} {self.created} {self.used}"

    def __repr__(self) -> str:
        return f"Record({self.generation}, {self.reason!r})"  # the ID is a secret


def parse(text: "str | None", is_ours: "Callable[[object], bool]") -> "Record | None":
    """The record that `text` is the form of; `None` for rubbish."""
    parts = (text or "").split(" ")
    if len(parts) != 5 or not is_ours(parts[0]) or parts[2] not in REASONS:
        return None
    try:
        generation, created, used = int(parts[1]), int(parts[3]), int(parts[4])
    except ValueError:
        return None
    return Record(parts[0], generation, parts[2], created, used) if generation > 0 else None  # type: ignore[arg-type]
