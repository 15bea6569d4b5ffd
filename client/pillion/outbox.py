"""Mutations that the server has not answered, kept where a reload or a crash of the page doesn't reach them.

A store is anything with `put(key, text)`, `remove(key)` and `texts(prefix)`, plain or async, the last giving what is
kept at the keys that begin so. Any of them may raise.
"""

import asyncio
import json

from pillion import _platform
from pillion._aio import bounded, settled, spawn
from pillion.storage import StorageReport, name_of
from pillion_shared import PillionError, StorageError
from pillion_shared.ids import quotable
from pillion_shared.shapes import is_dict
from pillion_shared.wire import SESSION_ARG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable
    from typing import Protocol

    class OutboxStore(Protocol):
        """What keeps mutations; a `name` is optional."""

        def put(self, key: str, text: str) -> "Awaitable[None] | None": ...
        def remove(self, key: str) -> "Awaitable[None] | None": ...
        def texts(self, prefix: str) -> "Awaitable[Iterable[str]] | Iterable[str]": ...


LONGEST_DAYS = 13
"""How long one is kept: servers know for 14 days what they have run."""

STORE_SECONDS = 5.0
"""How long a store may take to answer."""


class Entry:
    """A mutation that is kept.

    client_id, number: what the server knows it by. path (canonical), args: the latter are encoded, the session's ID
    among them. made: when it was called, in milliseconds since 1970. is_kept: whether the store has it. is_over:
    whether it need not be kept any more.
    """

    def __init__(self, client_id: str, number: int, path: str, args: "dict[str, object]", made: int) -> None:
        self.client_id = client_id
        self.number = number
        self.path = path
        self.args = args
        self.made = made
        self.is_kept = self.is_over = False

    def text(self) -> str:
        """What `parse` reads."""
        return json.dumps([self.client_id, self.number, self.path, self.args, self.made])

    def is_of(self, session_ids: "set[str]") -> bool:
        """Whether it was made under one of these."""
        return str(self.args.get(SESSION_ARG)) in session_ids


def parse(text: object) -> "Entry | None":
    """The entry that is written so; `None` for what is none."""
    fields: list[object] = []
    try:
        found: object = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if isinstance(found, list):
        fields += found
    if len(fields) != 5:
        return None
    client_id, number, path, args, made = fields
    if isinstance(client_id, str) and isinstance(number, int) and isinstance(path, str) and is_dict(args):
        named = {str(name): value for name, value in args.items()}
        return Entry(client_id, number, path, named, int(made)) if isinstance(made, (int, float)) else None
    return None


class IndexedDBOutbox:
    """The browser's IndexedDB, in the database `"pillion"`; workers have it too."""

    name = "indexedDB"

    async def put(self, key: str, text: str) -> None:
        await _platform.database().put(key, text)

    async def remove(self, key: str) -> None:
        await _platform.database().remove(key)

    async def texts(self, prefix: str) -> "list[str]":
        found: list[str] = await _platform.database().texts(prefix)
        return found


def store_of(choice: "str | OutboxStore") -> "OutboxStore":
    """`"indexeddb"`, or the user's own as it is. Raises `StorageError` for what is neither, and where there is none."""
    if isinstance(choice, str):
        if choice != "indexeddb":
            raise StorageError(f"There is no outbox {choice!r}: it is 'indexeddb', or an object of yours.")
        if not _platform.IN_BROWSER:
            raise StorageError(
                "There is no IndexedDB outside a browser: an outbox here is an object of yours, "
                "with put, remove and texts."
            )
        return IndexedDBOutbox()
    for method in ("put", "remove", "texts"):
        if not callable(getattr(choice, method, None)):
            raise StorageError(f"An outbox has put, remove and texts; this {type(choice).__name__} has no {method}.")
    return choice


class Outbox:
    """What is kept of the mutations for one server, by all clients that share a store.

    server: its address. report: where they are kept; in memory only, once the store has failed. is_quiet: set while
    nothing is being forgotten.
    """

    def __init__(self, store: "OutboxStore", server: str) -> None:
        self.report = StorageReport(name_of(store), True)
        self._store = store
        self._prefix = f"outbox:{server}:"
        self._forgetting = 0
        self.is_quiet = asyncio.Event()
        self.is_quiet.set()

    async def put(self, entry: Entry) -> None:
        """Keeps one, unless it can't be."""
        if self.report.persistent:
            try:
                work = settled(self._store.put(self._key(entry), entry.text()))
                await bounded(work, STORE_SECONDS, _late())
            except Exception as error:
                self._fail(error)
        entry.is_kept = True
        if entry.is_over:
            await self.remove(entry)

    def forget(self, entry: Entry) -> None:
        """Keeps it no longer, from a moment on that is soon."""
        entry.is_over = True
        self._forgetting += 1
        self.is_quiet.clear()
        spawn(self._forget(entry))

    async def remove(self, entry: Entry) -> None:
        """Keeps it no longer; one that can't be removed is sent once more, and the server knows it."""
        entry.is_over = True
        if entry.is_kept:
            try:
                await bounded(settled(self._store.remove(self._key(entry))), STORE_SECONDS, _late())
            except Exception as error:
                self._fail(error)

    async def entries(self, client_id: str = "") -> "list[Entry]":
        """Those that are kept, of one client or of all, each client's in their order."""
        prefix = self._prefix + (f"{client_id}:" if client_id else "")
        try:
            found = await bounded(settled(self._store.texts(prefix)), STORE_SECONDS, _late())
        except Exception as error:
            self._fail(error)
            return []
        entries = [entry for entry in [parse(text) for text in found] if entry is not None]
        for entry in entries:
            entry.is_kept = True
        return sorted(entries, key=lambda entry: (entry.client_id, entry.number))

    async def _forget(self, entry: Entry) -> None:
        await self.remove(entry)
        self._forgetting -= 1
        if not self._forgetting:
            self.is_quiet.set()

    def _key(self, entry: Entry) -> str:
        return f"{self._prefix}{entry.client_id}:{entry.number:010d}"

    def _fail(self, error: Exception) -> None:
        if not self.report.persistent:
            return
        what = str(error) if isinstance(error, PillionError) else f"{type(error).__name__}: {error}"
        why = f"{self.report.kind} can't be used: {quotable(what)}"
        self.report = StorageReport("memory", False, why)
        _platform.warn(f"pillion: {why}. Mutations that wait for the server end with the page.")


def _late() -> StorageError:
    return StorageError(f"it did not answer within {STORE_SECONDS:g} s")
