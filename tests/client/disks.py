"""A disk for outboxes: each page has its own way to it, which is lost when the page crashes."""

import asyncio


class Disk:
    """What pages keep."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def page(self) -> "Page":
        """One more page's way to it."""
        return Page(self)


class Page:
    """An outbox of a page's. writable: cleared, it takes nothing until it is set again."""

    name = "disk"

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._is_there = True
        self.writable = asyncio.Event()
        self.writable.set()

    def crash(self) -> None:
        """From now on it changes nothing."""
        self._is_there = False

    async def put(self, key: str, text: str) -> None:
        await self.writable.wait()
        if self._is_there:
            self._disk.texts[key] = text

    def remove(self, key: str) -> None:
        if self._is_there:
            self._disk.texts.pop(key, None)

    def texts(self, prefix: str) -> list[str]:
        return [text for key, text in sorted(self._disk.texts.items()) if key.startswith(prefix)]
