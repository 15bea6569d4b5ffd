"""A browser in plain Python, with windows in which the real pillion runs, at the mercy of one seed.

`World.install` puts it in the place of `pillion._browser`: each window is what that module is to the code in it.
Whatever a window asks of its browser takes a moment, of random length, in which the others go on.
"""

import asyncio
import contextvars
import random
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

from client.simulated_loop import SimulatedLoop, Still, window_of
from pillion import _aio, _platform, surroundings
from pillion_shared import StorageError

LAGS = (0.0, 0.0, 0.0, 0.0005, 0.002, 0.008)
HOME = "https://shop.example"
LATE = 0.05
"""How long a write to localStorage or document.cookie may stay unseen in other tabs, in seconds."""


class World:
    """One machine: its clocks, its chances, and one browser profile."""

    def __init__(self, seed: int, has_locks: bool = True) -> None:
        self.loop = SimulatedLoop()
        self.loop.set_task_factory(self._make_task)
        self.loop.set_exception_handler(self._on_error)
        self.chance = random.Random(seed)
        self.has_locks = has_locks
        self.epoch = 1_800_000_000.0
        self.faults: list[object] = []
        self.broken: set[str] = set()
        self.local, self.cookies = Shared(self), Shared(self)
        self.database: dict[str, str] = {}
        self.commits: list[tuple[float, str, str]] = []
        self.locks = Locks(self)
        self.channels: dict[str, list[tuple[Window, Callable[[Any], None]]]] = {}
        self.tabs: list[Tab] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self.windows: list[Window] = []
        self._real = (_platform.browser, _platform.web, _platform.IN_BROWSER, _platform._clock, surroundings.time)
        self._real_database = _platform.database

    def install(self) -> None:
        """Makes this the browser of all that runs."""
        _platform.browser, _platform.IN_BROWSER = window_of.get, True  # type: ignore[assignment]
        _platform.database = window_of.get  # type: ignore[assignment]
        here = SimpleNamespace(home=lambda: HOME, locate=lambda url: (HOME + url, HOME))
        _platform.web = lambda: here  # type: ignore[assignment,return-value]
        _platform._clock = self.loop.time
        surroundings.time = SimpleNamespace(time=self.wall)  # type: ignore[assignment]

    def close(self) -> None:
        """Ends all that runs, and brings the real world back."""
        for window in self.windows:
            window.die()
        for window in self.windows:
            self.loop.release(window)
        self.loop.set_exception_handler(lambda _loop, _context: None)
        self.run(0.1)  # what has not begun begins, and fails
        while left := [task for task in self._tasks if not task.done()]:
            for task in left:
                task.cancel()
            self.loop.run_until_complete(asyncio.wait(left, timeout=1))
        _aio._running.difference_update(self._tasks)
        self.loop.close()
        _platform.browser, _platform.web, _platform.IN_BROWSER, _platform._clock, surroundings.time = self._real  # type: ignore[assignment]
        _platform.database = self._real_database

    def wall(self) -> float:
        """Seconds since 1970, as the machine's clock has it."""
        return self.epoch + self.loop.time()

    def run(self, seconds: float) -> None:
        """Time passes."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def lag(self) -> float:
        """How long something takes."""
        return self.chance.choice(LAGS)

    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        """The browser itself does something, whatever becomes of the window that has caused it."""
        self.loop.call_later(seconds, callback, *args, context=contextvars.Context())

    def open(self, copied: "Tab | None" = None) -> "Tab":
        """A new tab, or the duplicate of one."""
        tab = Tab(self, {} if copied is None else dict(copied.session))
        self.tabs.append(tab)
        return tab

    def wake(self, key: str, but: "Window | None" = None) -> None:
        """The storage event, in other windows."""
        for tab in self.tabs:
            for window in tab.windows:
                if window is not but:
                    self.later(self.chance.random() * LATE * 1.2, window.fire, 0)

    def wipe(self) -> None:
        """The user clears all data of the site."""
        self.database.clear()
        self.local.clear()
        self.cookies.clear()
        for tab in self.tabs:
            tab.session.clear()

    def _make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.Task(coroutine, loop=loop)
        if window_of.get() is not None:
            self._tasks.append(task)
            task.add_done_callback(self._tasks.remove, context=contextvars.Context())
        return task

    def _on_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.faults.append(context.get("exception") or context["message"])


class Shared:
    """A storage of all tabs, each of which sees what others write a little late."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._all: dict[str, str] = {}
        self._writes: list[tuple[float, object, str, str | None]] = []

    def view(self, window: "Window") -> dict[str, str]:
        """What a window sees."""
        now = self._world.loop.time()
        while self._writes and self._writes[0][0] <= now:
            _put(self._all, *self._writes.pop(0)[2:])
        seen = dict(self._all)
        for since, writer, key, value in self._writes:
            if since <= now or writer is window:
                _put(seen, key, value)
        return seen

    def set(self, window: "Window", key: str, value: str | None) -> None:
        self._writes.append((self._world.loop.time() + self._world.chance.random() * LATE, window, key, value))

    def clear(self) -> None:
        self._writes.clear()
        self._all.clear()


def _put(values: dict[str, str], key: str, value: str | None) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


class Locks:
    """Web Locks: of each name the first who asked has it, and the others queue."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.queues: dict[str, list[tuple[Window, asyncio.Future[bool]]]] = {}

    def ask(self, name: str, window: "Window") -> "tuple[Window, asyncio.Future[bool]]":
        request = (window, self._world.loop.create_future())
        self.queues.setdefault(name, []).append(request)
        self._grant(name)
        return request

    def give_up(self, name: str, request: "tuple[Window, asyncio.Future[bool]]") -> None:
        """The lock, or the place in the queue."""
        queue = self.queues.get(name, [])
        if request in queue:
            queue.remove(request)
            self._world.later(self._world.lag(), self._grant, name)
        if not queue:
            self.queues.pop(name, None)

    def drop(self, window: "Window") -> None:
        """All of a window that is gone."""
        for name, queue in list(self.queues.items()):
            for request in [request for request in queue if request[0] is window]:
                self.give_up(name, request)

    def are_used_by(self, window: "Window") -> bool:
        return any(request[0] is window for queue in self.queues.values() for request in queue)

    def _grant(self, name: str) -> None:
        queue = self.queues.get(name)
        if queue and not queue[0][1].done():
            queue[0][1].set_result(True)


class Tab:
    """Its sessionStorage, the windows of its page (the first is the top one), and the pages in its cache."""

    def __init__(self, world: World, session: dict[str, str]) -> None:
        self.world = world
        self.session = session
        self.windows = [Window(world, self)]
        self.cache: list[list[Window]] = []

    def add_frame(self) -> "Window":
        self.windows.append(Window(self.world, self))
        return self.windows[-1]

    def reload(self) -> None:
        """The old document frees its locks late."""
        self._hide()
        for window in self.windows:
            window.die(self.world.chance.random() * 0.04)
        self.windows = [Window(self.world, self)]

    def navigate(self) -> None:
        """The page goes into the back/forward cache, if it may; another one is there."""
        self._put_away()
        self.windows = [Window(self.world, self)]

    def go_back(self) -> None:
        """The page that went into the cache last is there again."""
        back = self.cache.pop()
        self._put_away()
        self.windows = back
        for window in back:
            self.world.loop.release(window)
            window.fire(2)

    def close(self) -> None:
        """As users close tabs."""
        self._hide()
        self.die()

    def die(self) -> None:
        """As tabs crash."""
        for windows in [self.windows, *self.cache]:
            for window in windows:
                window.die()
        if self in self.world.tabs:
            self.world.tabs.remove(self)

    def download(self) -> None:
        """The page says that it may be about to go, and stays."""
        for window in self.windows:
            if window.running:
                window.fire(3)

    def _hide(self) -> None:
        for window in self.windows:
            window.context.run(window.leave)
        for window in self.windows:
            window.context.run(window.hide)

    def _put_away(self) -> None:
        self._hide()
        if self.world.chance.random() < 0.5:
            for window in self.windows:
                self.world.locks.drop(window)  # as in WebKit, which doesn't tell the page
        if any(window.bars_the_cache() for window in self.windows):
            for window in self.windows:
                window.die()
        else:
            for window in self.windows:
                window.stand_still()
            self.cache.append(self.windows)


class Window(Still):
    """A document and its code; to that, what the module `_browser` is."""

    def __init__(self, world: World, tab: Tab) -> None:
        super().__init__()
        world.windows.append(self)
        self.world = world
        self.tab = tab
        self.dead = self.has_stood_still = self.in_shadow_tree = self.is_prerendered = False
        self.broken: set[str] = set()
        self.warnings: list[str] = []
        self.claims: dict[str, int] = {}
        self.lives: list[tuple[Callable[[], None], ...]] = []
        self.context = contextvars.copy_context()
        self.context.run(window_of.set, self)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Runs it in this window."""
        return self.context.copy().run(self.world.loop.create_task, coroutine)

    def stand_still(self) -> None:
        """It is frozen, or in the cache; its timers are late by as much."""
        self.running, self.has_stood_still = False, True

    def die(self, late: float = 0.0) -> None:
        """Nothing runs in it any more; its locks go a little `late`."""
        self.dead, self.running = True, False
        self.world.later(late, self.world.locks.drop, self)
        for endpoints in self.world.channels.values():
            endpoints[:] = [each for each in endpoints if each[0] is not self]

    def bars_the_cache(self) -> bool:
        """Whether it holds what a page in the back/forward cache may not."""
        in_channels = any(each[0] is self for endpoints in self.world.channels.values() for each in endpoints)
        return in_channels or self.dead or not self.running or self.world.locks.are_used_by(self)

    def fire(self, which: int) -> None:
        """Wakes it (0), or says that it is back from the cache (2)."""
        for life in list(self.lives):
            self.world.loop.call_soon(life[which], context=self.context)

    def leave(self) -> None:
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self.world.loop)  # a browser's never stops
        try:
            for life in list(self.lives):
                life[3]()
        finally:
            asyncio._set_running_loop(outer)

    def hide(self) -> None:
        for life in list(self.lives):
            life[1]()

    # --- the names of pillion._browser and pillion._database ---

    def random_bytes(self, count: int) -> bytes:
        return self.world.chance.randbytes(count)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    async def storage_get(self, kind: str, key: str) -> str | None:
        await self._ask(kind)
        seen = self.tab.session if kind == "sessionStorage" else self.world.local.view(self)
        return seen.get(key)

    async def storage_set(self, kind: str, key: str, value: str | None) -> None:
        await self._ask(kind)
        if kind == "localStorage":
            self.world.local.set(self, key, value)
            if not key.startswith("pillion-probe"):
                self.world.wake(key, self)
        else:
            _put(self.tab.session, key, value)

    async def storage_remove(self, kind: str, key: str) -> None:
        await self.storage_set(kind, key, None)

    async def cookies(self) -> str:
        await self._ask("cookie")
        return "; ".join(f"{key}={value}" for key, value in self.world.cookies.view(self).items())

    async def set_cookie(self, text: str) -> None:
        await self._ask("cookie")
        key, _, value = text.partition(";")[0].partition("=")
        self.world.cookies.set(self, key, None if "Max-Age=0;" in text else value)

    def is_https(self) -> bool:
        return self.world.has_locks

    async def shown(self) -> None:
        while self.is_prerendered:
            await asyncio.sleep(0.05)

    def has_locks(self) -> bool:
        return self.world.has_locks

    async def lock(self, name: str) -> "Callable[[], None]":
        await self._ask("locks")
        request = self.world.locks.ask(name, self)
        try:
            await asyncio.wait([request[1]])
        except BaseException:
            self.world.locks.give_up(name, request)
            raise
        return lambda: self.world.locks.give_up(name, request)

    async def channel(
        self, name: str, heard: Callable[[Any], None]
    ) -> "tuple[Callable[[Any], None], Callable[[], None]]":
        await self._ask("channels")
        endpoint = (self, heard)
        endpoints = self.world.channels.setdefault(name, [])
        endpoints.append(endpoint)

        def deliver(to: "tuple[Window, Callable[[Any], None]]", message: object) -> None:
            if to in endpoints:
                self.world.loop.call_soon(to[1], message, context=to[0].context)

        def post(message: object) -> None:
            for each in endpoints:
                if each is not endpoint and not self.dead:
                    self.world.later(self.world.lag(), deliver, each, message)

        def leave() -> None:
            if endpoint in endpoints:
                endpoints.remove(endpoint)

        return post, leave

    def on_life(self, *callbacks: Callable[[], None]) -> Callable[[], None]:
        self.lives.append(callbacks)
        return lambda: self.lives.remove(callbacks)

    async def update(self, key: str, decide: Callable[[str | None], str | None]) -> str | None:
        await self._ask("indexedDB")
        found = self.world.database.get(key)
        wanted = decide(found)
        if wanted is not None:
            self.world.database[key] = wanted
            self.world.commits.append((self.world.loop.time(), key, wanted))
        await self._ask("")
        return found if wanted is None else wanted

    def claim(self, name: str, by: int) -> None:
        self.claims[name] = self.claims.get(name, 0) + by

    async def is_claimed(self, name: str) -> bool:
        await asyncio.sleep(self.world.lag())
        within_reach = [window for window in self.tab.windows if window is self or not window.in_shadow_tree]
        return any(window.claims.get(name, 0) > 0 for window in within_reach)

    def tab_name(self) -> str:
        return str(id(self.tab))

    async def _ask(self, what: str) -> None:
        await asyncio.sleep(self.world.lag())
        if self.dead:
            raise asyncio.CancelledError
        if what in self.world.broken | self.broken:
            raise StorageError(f"{what} is broken")
