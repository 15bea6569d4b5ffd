"""A storage that takes its time."""

import asyncio

from pillion import MemoryStorage


class Slow(MemoryStorage):
    """A storage that says nothing before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()

    async def get(self, key: str) -> str | None:  # type: ignore[override]
        await self.may.wait()
        return super().get(key)
