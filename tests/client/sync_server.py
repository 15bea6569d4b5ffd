"""A server of the sync protocol for tests, and the sockets between it and an engine: all that is asked of real ones."""

import base64
import json
from typing import Any

Snapshot = dict[str, tuple[str, ...]]


def stamp(number: int) -> str:
    return base64.b64encode(number.to_bytes(8, "little")).decode()


def unstamp(text: str) -> int:
    return int.from_bytes(base64.b64decode(text), "little")


def version(query_set: int = 0, identity: int = 0, ts: int = 0) -> dict[str, Any]:
    return {"querySet": query_set, "identity": identity, "ts": stamp(ts)}


class Socket:
    """Both directions of a connection, and what the server knows of it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.up: list[str] = []
        self.down: list[str] = []
        self.is_cut = False
        self.client = ""
        self.sent = (0, 0, 0)
        self.query_set = 0
        self.identity = 0
        self.queries: dict[int, dict[str, Any]] = {}
        self.shown: dict[int, Any] = {}
        self.is_due = False
        self.observed = SyncServer.FIRST


class SyncServer:
    """Documents that are lists of tags. `doc:get` shows one, `doc:append` puts a tag at its end.

    history: the documents at every timestamp, from `FIRST`. runs: the tags in the order in which their mutations
    ran. acted: those of the actions.
    """

    FIRST = 1000

    def __init__(self) -> None:
        self.history: list[Snapshot] = [{}]
        self.runs: list[str] = []
        self.acted: list[str] = []
        self.records: dict[tuple[str, int], tuple[Any, int]] = {}
        self.connections: dict[str, list[int]] = {}
        self.chunk = 0

    @property
    def now(self) -> int:
        return self.FIRST + len(self.history) - 1

    def append(self, key: str, tag: str) -> int:
        """Commits: the timestamp."""
        last = self.history[-1]
        self.history.append(last | {key: (*last.get(key, ()), tag)})
        return self.now

    @staticmethod
    def value(args: dict[str, Any], snapshot: Snapshot) -> Any:
        """What `doc:get` returns."""
        return {"session": args["session"], "items": list(snapshot.get(args["key"], ()))}

    def receive(self, socket: Socket, text: str) -> None:
        """Takes a frame, as wire.md asks."""
        frame = json.loads(text)
        kind = frame["type"]
        if kind == "Connect":
            socket.client = frame["sessionId"]
            counts = self.connections.setdefault(socket.client, [])
            counts.append(frame["connectionCount"])
            assert frame["connectionCount"] == 0 or frame["lastCloseReason"] != "InitialConnect"
            socket.observed = unstamp(frame.get("maxObservedTimestamp", stamp(self.FIRST)))
            assert socket.observed <= self.now
            return
        assert socket.client, f"{kind} before Connect"
        if kind == "ModifyQuerySet":
            assert frame["baseVersion"] == socket.query_set, "a base version that is not the last one"
            socket.query_set = frame["newVersion"]
            assert socket.query_set == frame["baseVersion"] + 1
            for each in frame["modifications"]:
                if each["type"] == "Add":
                    assert each["queryId"] not in socket.queries
                    socket.queries[each["queryId"]] = each["args"][0]
                else:
                    assert each["queryId"] in socket.queries, "a query that is not in the set"
                    del socket.queries[each["queryId"]]
            socket.is_due = True
        elif kind == "Mutation":
            assert socket.query_set > 0, "a mutation before the query set"
            self._mutate(socket, frame)
        elif kind == "Action":
            self.acted.append(frame["args"][0]["tag"])
            self._respond(socket, frame, success=True, result=None)
        else:
            assert kind == "Event", f"an unknown frame, {kind}"

    def _mutate(self, socket: Socket, frame: dict[str, Any]) -> None:
        args = frame["args"][0]
        if frame["udfPath"] == "doc:fail":
            self._respond(socket, frame, success=False, result="refused")
            return
        key = (socket.client, frame["requestId"])
        if key not in self.records:
            self.runs.append(args["tag"])
            self.records[key] = (args["tag"], self.append(args["key"], args["tag"]))
        result, ts = self.records[key]
        self._respond(socket, frame, success=True, result=result, ts=stamp(ts))
        socket.is_due = True

    def _respond(self, socket: Socket, request: dict[str, Any], **fields: Any) -> None:
        kind = f"{request['type']}Response"
        self.say(socket, type=kind, requestId=request["requestId"], logLines=[], **fields)

    def transit(self, socket: Socket, *, even_if_empty: bool = False, lag: int = 0) -> None:
        """Sends what has changed since the last time, if anything has, or if it is owed.

        lag: by how many commits what it sends may be behind: it has looked before them.
        """
        ts = max(self.now - lag, socket.sent[2], socket.observed)
        if not socket.is_due and socket.sent[2] == ts:
            return
        end = (socket.query_set, socket.identity, ts)
        found: list[dict[str, Any]] = []
        for query, args in socket.queries.items():
            value = self.value(args, self.history[ts - self.FIRST])
            if socket.shown.get(query) != value:
                socket.shown[query] = value
                fields = {"queryId": query, "value": value, "logLines": [], "journal": f"j{query}"}
                found.append({"type": "QueryUpdated", **fields})
        for query in [each for each in socket.shown if each not in socket.queries]:
            del socket.shown[query]
            found.append({"type": "QueryRemoved", "queryId": query})
        if not found and not socket.is_due and not even_if_empty:
            return
        text = json.dumps(
            {
                "type": "Transition",
                "startVersion": version(*socket.sent),
                "endVersion": version(*end),
                "modifications": found,
                "clientClockSkew": None,
            }
        )
        socket.sent, socket.is_due = end, socket.is_due and ts < self.now
        if not self.chunk:
            socket.down.append(text)
            return
        pieces = [text[place : place + self.chunk] for place in range(0, len(text), self.chunk)]
        for number, piece in enumerate(pieces):
            self.say(
                socket,
                type="TransitionChunk",
                chunk=piece,
                partNumber=number,
                totalParts=len(pieces),
                transitionId=str(len(text)),
            )

    @staticmethod
    def say(socket: Socket, **frame: Any) -> None:
        """Sends a frame."""
        socket.down.append(json.dumps(frame))
