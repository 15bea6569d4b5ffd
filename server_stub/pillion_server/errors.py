"""What the server side raises beyond pillion_shared.errors.

    PillionError
    ├── CallError            a call was not run, and its caller may be told why
    │   └── ArgumentError    the arguments are not those of the function
    ├── DatabaseError        the database could not be read or written; nothing was half-written
    ├── DefinitionError      a function, a table or a custom builder is written wrongly (also a ValueError)
    ├── LimitError           a function reads too much
    ├── StartError           the server can't start like this
    └── TokenError           a token is not good

No message of these holds a session ID.
"""

from pillion_shared import PillionError


class CallError(PillionError):
    """A call was not run: there is no such function for this caller, or it is of another kind."""


class ArgumentError(CallError):
    """The arguments of a call are not those of the function; the message names the place."""


class DatabaseError(PillionError):
    """The database could not be read or written. A mutation that raises it has changed nothing."""


class DefinitionError(PillionError, ValueError):
    """A function, a table or a custom builder is written in a way that can't work."""


class LimitError(PillionError):
    """A function reads more than one function may."""


class StartError(PillionError):
    """The server can't start: the sentence says what is in the way."""


class TokenError(PillionError):
    """A token is not good; the sentence is for its sender, and repeats nothing of it."""


class Refused(Exception):
    """What arrived over HTTP is not a call: a status, a code, and a sentence for its sender."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
