"""Says to the server that this page is being looked at, as long as it is, and hears how many people are looking."""

import asyncio
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from pyscript import document

from pillion import Change, Client, NotReadyError, PillionError, Session, api

EVERY_SECONDS = 10.0
"""How often it says so; the server takes out whoever has said nothing for three times as long."""


class Presence:
    """This page's. It goes over HTTP, by a client without live queries: it is none of the changes that wait.

    tell: called with the number of people, this page's visitor among them; 0 while that isn't known.
    """

    def __init__(self, session: Session, tell: Callable[[int], object]) -> None:
        self._session = session
        self._tell = tell
        self._client = Client(session.client.url)
        self._page = token_hex(8)
        self._is_counted = False

    def start(self) -> None:
        """From now on."""
        self._people = self._session.client.subscribe(api.presence.people, self._show)
        self._session.client.connection.on_change(self._on_connection)
        self._saying = asyncio.create_task(self._keep_saying())

    async def say(self) -> None:
        """Says it once, of a page that can be seen. That it could not be said is no trouble of anybody's."""
        if document.hidden or self._session.client.connection.state != "open":
            return
        try:
            session_id = await self._session.ready()
            await self._client.mutation(api.presence.here, session_id=session_id, page=self._page)
        except PillionError:
            return
        self._is_counted = True
        self._show(self._people.value)

    def leave(self) -> None:
        """The last word of a page that closes."""
        args = {"sessionId": self._session.id, "page": self._page}
        call = {"path": "presence:gone", "args": args, "format": "convex_encoded_json"}
        try:
            self._session.beacon(f"{self._client.url}/mutation", json=call)
        except NotReadyError:
            pass  # it has never said that it is here

    def follow(self, change: Change) -> None:
        """Another session gets another name of the page, unless it is the old one's heir: nothing leads to it."""
        if change.reason not in ("login", "refreshed"):
            self._page = token_hex(8)

    async def _keep_saying(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.say()

    async def _on_connection(self, connection: Any) -> None:
        if connection.state == "open" and not self._is_counted:
            await self.say()
        elif connection.state != "open":
            self._is_counted = False
            self._show(0)

    def _show(self, people: int) -> None:
        self._tell(people if people and self._is_counted else 0)
