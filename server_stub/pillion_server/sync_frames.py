"""The frames of Convex's sync protocol: what clients send, as objects, and what they are sent, as text."""

import json
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast

import msgspec

from pillion_server.runner import Body
from pillion_shared.versions import write_timestamp

CHUNK = 5_000_000
"""Transitions of more bytes are sent in pieces of so many, to clients that know them."""

NOBODY = "None"
"""The `tokenType` of who logs out."""

PING = '{"type":"Ping"}'

_encoder = msgspec.json.Encoder()


class Connect(msgspec.Struct, tag=True, rename="camel"):
    """The first frame of a socket. session_id: names the client object, on all its sockets, and is no session."""

    session_id: str
    max_observed_timestamp: str | None = None
    client_ts: float = 0.0


class Add(msgspec.Struct, tag=True, rename="camel"):
    """A query to be shown. journal: the one that came with its last answer, on another socket."""

    query_id: int
    udf_path: str
    args: list[Any]
    journal: str | None = None


class Remove(msgspec.Struct, tag=True, rename="camel"):
    """A query to be shown no more."""

    query_id: int


class ModifyQuerySet(msgspec.Struct, tag=True, rename="camel"):
    """Changes of the set of queries, from one version of it to the next."""

    base_version: int
    new_version: int
    modifications: list[Add | Remove]


class Mutation(msgspec.Struct, tag=True, rename="camel"):
    """A mutation to be run once under its number."""

    request_id: int
    udf_path: str
    args: list[Any]


class Action(msgspec.Struct, tag=True, rename="camel"):
    """An action to be run."""

    request_id: int
    udf_path: str
    args: list[Any]


class Authenticate(msgspec.Struct, tag=True, rename="camel"):
    """Who the user is from now on."""

    base_version: int
    token_type: Literal["User", "Admin", "None"]
    value: str | None = None


class Event(msgspec.Struct, tag=True, rename="camel"):
    """What a client tells of itself; nobody asks."""


Frame = Connect | ModifyQuerySet | Mutation | Action | Authenticate | Event

_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


def parse(text: str) -> Frame:
    """The frame in a text; raises `ValueError` with the reason, which repeats nothing of the text."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        said = str(error)
        raise ValueError("it is none of the protocol" if said.startswith("Invalid value") else said) from None
    except (ValueError, RecursionError):
        pass
    try:  # halves of surrogate pairs are an error of the arguments, which can be answered
        return cast("Frame", msgspec.convert(json.loads(text, parse_constant=_refuse), Frame))
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON, or no frame of the protocol") from None


class Version(NamedTuple):
    """What a socket shows: numbers of its set of queries and of its user, and a time."""

    query_set: int = 0
    identity: int = 0
    ts: int = 0


class Shown(NamedTuple):
    """What there is to show of a query, as JSON but for the query's number."""

    type: str
    rest: str
    journal: str | None

    def text(self, query_id: int) -> str:
        """One modification of a transition."""
        return f'{{"type":"{self.type}","queryId":{query_id},{self.rest}}}'


def shown(answer: Body, journal: str | None) -> Shown:
    """What there is to show of an answer of `Runner.query`."""
    fields = {"logLines": answer.get("logLines", []), "journal": journal}
    if answer["status"] == "success":
        return Shown("QueryUpdated", _inner({"value": answer["value"], **fields}), journal)
    if "errorData" in answer:
        fields["errorData"] = answer["errorData"]
    return Shown("QueryFailed", _inner({"errorMessage": answer["errorMessage"], **fields}), journal)


def removed(query_id: int) -> str:
    """The modification that takes a query away."""
    return f'{{"type":"QueryRemoved","queryId":{query_id}}}'


def transition(start: Version, end: Version, modifications: Iterable[str], skew: float | None) -> str:
    """A `Transition`. skew: how far the client's clock is ahead, in milliseconds."""
    return (
        f'{{"type":"Transition","startVersion":{_version(start)},"endVersion":{_version(end)},'
        f'"modifications":[{",".join(modifications)}],'
        f'"clientClockSkew":{"null" if skew is None else skew},"serverTs":{time.time_ns()}}}'
    )


def chunks(text: str) -> list[str]:
    """A transition as the frames that it is sent in."""
    if len(text) <= CHUNK:
        return [text]
    parts = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    whole = {"type": "TransitionChunk", "totalParts": len(parts), "transitionId": str(len(text))}
    return [_text({**whole, "chunk": part, "partNumber": number}) for number, part in enumerate(parts)]


def mutation_response(request_id: int, answer: Body) -> str:
    """The answer to a mutation: the `ts` of its commit is among a success's."""
    return _response("MutationResponse", request_id, answer, {"ts": answer.get("ts")})


def action_response(request_id: int, answer: Body) -> str:
    """The answer to an action."""
    return _response("ActionResponse", request_id, answer, {})


def fatal_error(message: str) -> str:
    """What a client is told that breaks the protocol, before it is left."""
    return _text({"type": "FatalError", "error": message})


def auth_error(message: str, base_version: int, *, attempted: bool) -> str:
    """What a client is told whose token is not good. attempted: it came just now."""
    return _text({"type": "AuthError", "error": message, "baseVersion": base_version, "authUpdateAttempted": attempted})


def _response(type: str, request_id: int, answer: Body, more: dict[str, object]) -> str:
    success = answer["status"] == "success"
    fields: dict[str, object] = {
        "type": type,
        "requestId": request_id,
        "success": success,
        "result": answer["value"] if success else answer["errorMessage"],
        "logLines": answer.get("logLines", []),
        **more,
    }
    if "errorData" in answer:
        fields["errorData"] = answer["errorData"]
    return _text(fields)


@lru_cache(1024)
def _version(version: Version) -> str:
    return _text({"querySet": version.query_set, "identity": version.identity, "ts": write_timestamp(version.ts)})


def _inner(fields: dict[str, object]) -> str:
    return _text(fields)[1:-1]


def _text(fields: dict[str, object]) -> str:
    return _encoder.encode(fields).decode()


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
