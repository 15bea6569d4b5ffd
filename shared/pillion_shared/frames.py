"""The frames of the sync protocol: their types, and what a client says in them, as text.

    Connect, then Authenticate if there is a token, then ModifyQuerySet from 0 to 1, then Mutation, Action, ...

It is Convex's, so a page is live with this server and with a Convex deployment alike. server_frames.py has the
other direction.
"""

import json

from pillion_shared.errors import EncodingError
from pillion_shared.versions import write_timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECT = "Connect"
MODIFY_QUERY_SET = "ModifyQuerySet"
MUTATION = "Mutation"
ACTION = "Action"
AUTHENTICATE = "Authenticate"

ADD = "Add"
REMOVE = "Remove"

USER = "User"
NONE = "None"

TRANSITION = "Transition"
TRANSITION_CHUNK = "TransitionChunk"
MUTATION_RESPONSE = "MutationResponse"
ACTION_RESPONSE = "ActionResponse"
AUTH_ERROR = "AuthError"
FATAL_ERROR = "FatalError"
PING = "Ping"

QUERY_UPDATED = "QueryUpdated"
QUERY_FAILED = "QueryFailed"
QUERY_REMOVED = "QueryRemoved"

INITIAL_CONNECT = "InitialConnect"
"""The reason of a client's first connection."""


def connect(client_id: str, count: int, reason: "str | None", observed: int, milliseconds: int) -> str:
    """Whose connection it is, and which.

    client_id: the same on all connections of one client. count: how many it had before. reason: why the last one
    ended. observed: the highest timestamp it has seen. milliseconds: its clock, since 1970.
    """
    frame: dict[str, object] = {
        "type": CONNECT,
        "sessionId": client_id,
        "connectionCount": count,
        "lastCloseReason": reason,
        "clientTs": milliseconds,
    }
    if observed:
        frame["maxObservedTimestamp"] = write_timestamp(observed)
    return _text(frame)


def add(query_id: int, path: str, args: "dict[str, object]", journal: "str | None") -> "dict[str, object]":
    """A query that comes into the query set; `args` are encoded."""
    frame: dict[str, object] = {"type": ADD, "queryId": query_id, "udfPath": path, "args": [args]}
    if journal is not None:
        frame["journal"] = journal
    return frame


def remove(query_id: int) -> "dict[str, object]":
    """A query that leaves it."""
    return {"type": REMOVE, "queryId": query_id}


def modify_query_set(base: int, modifications: "Sequence[dict[str, object]]") -> str:
    """What is added to version `base` of the query set and removed from it, which makes the next version."""
    return _text(
        {
            "type": MODIFY_QUERY_SET,
            "baseVersion": base,
            "newVersion": base + 1,
            "modifications": list(modifications),
        }
    )


def request(kind: str, request_id: int, path: str, args: "dict[str, object]") -> str:
    """A call, of a `MUTATION` or an `ACTION`; `args` are encoded."""
    return _text({"type": kind, "requestId": request_id, "udfPath": path, "args": [args]})


def authenticate(base: int, token: "str | None") -> str:
    """Who the user is from now on, where the identity had version `base`: a JWT's subject, or nobody."""
    frame: dict[str, object] = {"type": AUTHENTICATE, "baseVersion": base, "tokenType": NONE}
    if token is not None:
        frame["tokenType"] = USER
        frame["value"] = token
    return _text(frame)


def _text(frame: "dict[str, object]") -> str:
    try:
        return json.dumps(frame)
    except MemoryError:
        raise EncodingError("$: the arguments are too large for the memory of this place: send less.") from None
