"""The frames of Convex's sync protocol: what clients send, as objects, and what they are sent, as text."""

import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast

import msgspec

from pillion_server.runner import Body
from pillion_shared import frames
from pillion_shared.versions import write_timestamp

CHUNK = 5_000_000
"""Transitions of more bytes are sent in pieces of so many, to clients that know them."""

NO_SKEW = "null"
"""For a client that doesn't say what time it is there."""

PING = f'{{"type":"{frames.PING}"}}'

_REQUEST_ID = re.compile(r"\[Request ID: [0-9a-f]+\]")
_encoder = msgspec.json.Encoder()


class Connect(msgspec.Struct, tag=frames.CONNECT, rename="camel"):
    """The first frame of a socket. session_id: names the client object, on all its sockets, and is no session."""

    session_id: str
    max_observed_timestamp: str | None = None
    client_ts: float = 0.0


class Add(msgspec.Struct, tag=frames.ADD, rename="camel"):
    """A query to be shown. journal: the one that came with its last answer, on another socket."""

    query_id: int
    udf_path: str
    args: list[Any]
    journal: str | None = None


class Remove(msgspec.Struct, tag=frames.REMOVE, rename="camel"):
    """A query to be shown no more."""

    query_id: int


class ModifyQuerySet(msgspec.Struct, tag=frames.MODIFY_QUERY_SET, rename="camel"):
    """Changes of the set of queries, from one version of it to the next."""

    base_version: int
    new_version: int
    modifications: list[Add | Remove]


class Mutation(msgspec.Struct, tag=frames.MUTATION, rename="camel"):
    """A mutation to be run once under its number."""

    request_id: int
    udf_path: str
    args: list[Any]


class Action(msgspec.Struct, tag=frames.ACTION, rename="camel"):
    """An action to be run."""

    request_id: int
    udf_path: str
    args: list[Any]


class Authenticate(msgspec.Struct, tag=frames.AUTHENTICATE, rename="camel"):
    """Who the user is from now on. value: a JWT, where the type says that there is a user."""

    base_version: int
    token_type: str
    value: str = ""


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


@dataclass(frozen=True)
class Shown:
    """What there is to show of a query, as JSON but for the query's number.

    said: that without the number of the call, by which alone a failure would differ from the one before.
    """

    type: str
    rest: str = field(compare=False)
    journal: str | None
    said: str

    def text(self, query_id: int) -> str:
        """One modification of a transition."""
        return f'{{"type":"{self.type}","queryId":{query_id},{self.rest}}}'


def shown(answer: Body, journal: str | None) -> Shown:
    """What there is to show of an answer of `Runner.query`."""
    fields = {"logLines": answer.get("logLines", []), "journal": journal}
    if answer["status"] == "success":
        rest = _inner({"value": answer["value"], **fields})
        return Shown(frames.QUERY_UPDATED, rest, journal, rest)
    if "errorData" in answer:
        fields["errorData"] = answer["errorData"]
    rest = _inner({"errorMessage": answer["errorMessage"], **fields})
    return Shown(frames.QUERY_FAILED, rest, journal, _REQUEST_ID.sub("", rest, count=1))


def removed(query_id: int) -> str:
    """The modification that takes a query away."""
    return f'{{"type":"{frames.QUERY_REMOVED}","queryId":{query_id}}}'


def transition(start: Version, end: Version, modifications: Iterable[str], skew: str) -> str:
    """A `Transition`. skew: how far the client's clock is ahead, in milliseconds, or `NO_SKEW`."""
    return (
        f'{_between(start, end)}"modifications":[{",".join(modifications)}],'
        f'"clientClockSkew":{skew},"serverTs":{time.time_ns()}}}'
    )


def chunks(text: str) -> list[str]:
    """A transition as the frames that it is sent in."""
    if len(text) <= CHUNK:
        return [text]
    parts = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    whole = {"type": frames.TRANSITION_CHUNK, "totalParts": len(parts), "transitionId": str(len(text))}
    return [_text({**whole, "chunk": part, "partNumber": number}) for number, part in enumerate(parts)]


def mutation_response(request_id: int, answer: Body) -> str:
    """The answer to a mutation: the `ts` of its commit is among a success's."""
    return _response(frames.MUTATION_RESPONSE, request_id, answer, {"ts": answer.get("ts")})


def action_response(request_id: int, answer: Body) -> str:
    """The answer to an action."""
    return _response(frames.ACTION_RESPONSE, request_id, answer, {})


def fatal_error(message: str) -> str:
    """What a client is told that breaks the protocol, before it is left."""
    return _text({"type": frames.FATAL_ERROR, "error": message})


def auth_error(message: str, base_version: int, *, attempted: bool) -> str:
    """What a client is told whose token is not good. attempted: it came just now."""
    fields = {"error": message, "baseVersion": base_version, "authUpdateAttempted": attempted}
    return _text({"type": frames.AUTH_ERROR, **fields})


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
def _between(start: Version, end: Version) -> str:
    """How a transition begins, which is the same for many sockets."""
    return f'{{"type":"{frames.TRANSITION}","startVersion":{_version(start)},"endVersion":{_version(end)},'


def _version(version: Version) -> str:
    return _text({"querySet": version.query_set, "identity": version.identity, "ts": write_timestamp(version.ts)})


def _inner(fields: dict[str, object]) -> str:
    return _text(fields)[1:-1]


def _text(fields: dict[str, object]) -> str:
    return _encoder.encode(fields).decode()


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
