"""Up to six tabs of a simulated browser, in which the real sessions run, whatever happens to them and whenever.

PILLION_EXAMPLES=5000 in the environment tries many more ways than the few of every day.
"""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from client.world import Tab, Window, World
from pillion import Client, NotReadyError, RefreshError, SessionId, SessionProvider, TransportError, api
from pillion.changes import Change
from pillion.identity import FORK, SHARE
from pillion.record import EXPIRED, LOGIN, LOGOUT, REFRESHED
from pillion.testing import Call, MockTransport

KEY = "pillion-session"
TABS = st.integers(0, 5)
PAUSES = st.sampled_from([0.0, 0.0, 0.001, 0.004, 0.02, 0.1, 0.4, 1.5, 4.0])
SERVER_LAGS = (0.001, 0.01, 0.01, 2.0)
BEFORES = ("none", "quick", "slow", "fails", "hangs")


class Page:
    """A window with a session, and what has been seen of it."""

    def __init__(self, tabs: "Tabs", window: Window) -> None:
        self.tabs = tabs
        self.window = window
        self.ids: list[str] = []
        self.generation = 0
        self.under_way = 0
        self.is_open = True
        window.context.run(self._begin)

    def _begin(self) -> None:
        client = Client("/api", MockTransport(self.receive))
        limits = {"idle_timeout": self.tabs.idle, "absolute_timeout": self.tabs.absolute}
        made = SessionProvider(client, self.tabs.kind, duplicate=self.tabs.policy, **limits)  # type: ignore[arg-type]
        self.session = made.session
        self.session.on_change(self.change)
        self.start(self.settle())

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs it in the page; what it raises is a fault, and so is that it doesn't end."""
        self.under_way += 1

        async def whole() -> None:
            try:
                await work
            except Exception as error:
                if not (isinstance(error, NotReadyError) and self.window.has_stood_still):
                    self.tabs.world.faults.append(error)
            finally:
                self.under_way -= 1

        self.window.start(whole())

    async def settle(self) -> None:
        await self.session.ready(60.0)
        self.notice()

    def notice(self) -> None:
        """Generations only grow, and each is one ID."""
        record = self.session._identity._holding.record
        if record is None:
            return
        if not self.ids:
            self.ids.append(record.id)
        assert record.generation >= self.generation, f"generation {self.generation} became {record.generation}"
        assert record.id == self.ids[-1], "an ID came into force of which nobody was told"
        self.generation = record.generation
        self.tabs.in_force.add(record.id)
        self.tabs.know(record.generation, record.id)

    def change(self, change: Change) -> None:
        """Told once per real change."""
        try:
            if not self.ids:
                return
            assert change.id != self.ids[-1], "told of an equal value"
            assert change.id == self.session.id
            assert change.id not in self.ids, f"back to an earlier ID, {change.reason}"
            self.ids.append(change.id)
            if change.reason == EXPIRED:
                assert self.tabs.idle or self.tabs.absolute
            self.notice()
        except AssertionError as error:
            self.tabs.world.faults.append(error)

    async def receive(self, call: Call) -> str:
        """The server's end: the call has just been sent."""
        try:
            sent = str(call.args["sessionId"])
            assert not self.window.dead
            assert sent == self.session.id
            self.notice()
            self.tabs.sent(self, sent)
        except AssertionError as error:
            self.tabs.world.faults.append(error)
        await asyncio.sleep(self.window.world.chance.choice(SERVER_LAGS))
        return sent

    async def call(self, mutation: bool) -> None:
        work = self.session.mutation if mutation else self.session.query
        try:
            await work(api.cart.items)
        except NotReadyError as error:
            if "logged out" not in str(error):
                raise
        except TransportError as error:
            if "the mutations before it took" not in str(error):  # many in a row, and a server that is slow
                raise

    async def refresh(self, reason: str, how: str, holds: bool) -> None:
        """A refresh, log-in or log-out, whose callback calls the server."""
        ran: list[str] = []
        old = await self.session.ready(60.0)
        begun = self.window.world.loop.time()

        async def before(new: SessionId | None = None) -> None:
            under = self.session.id
            assert under != new
            if how != "none":
                await self.session.query(api.users.login)
            if how == "slow":
                await asyncio.sleep(0.7)
            if how == "fails":
                raise PermissionError("wrong password")
            if how == "hangs":
                await asyncio.sleep(600)
            assert self.session.id == under
            ran.append(str(new))

        try:
            if reason == LOGIN:
                got = await self.session.login(before, 3.0)
            elif reason == LOGOUT:
                got = await self.session.logout(before, 3.0)
            else:
                got = await self.session.refresh(before, 3.0, holds)
        except (PermissionError, RefreshError):
            if reason == LOGOUT:
                assert old != self.session.id, "still logged in"
            return
        if ran:
            assert got != old
        if reason == LOGIN and self.tabs.scope == "browser" and self.tabs.is_sound:
            assert ran or self.tabs.has_logged_in_since(begun), "nobody has logged in"
        if reason != LOGOUT and ran and self.tabs.is_sound and not self.tabs.is_wiped:  # by who knew nothing newer
            assert got == ran[0] or ran[0] in self.tabs.in_force, "what was moved is stranded"


class Tabs(RuleBasedStateMachine):
    """The user."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[Window, Page] = {}

    @initialize(
        seed=st.integers(0, 2**32),
        kind=st.sampled_from(["session", "session", "local", "cookie", "indexeddb"]),
        locks=st.sampled_from([True, True, True, False]),
        limits=st.sampled_from([(None, None), (None, None), (30.0, None), (None, 45.0), (20.0, 50.0)]),
        policy=st.sampled_from([FORK, FORK, FORK, SHARE]),
        mishaps=st.sampled_from(["", "", "parts", "clears", "clears parts", "clears breaks"]),
    )
    def begin(
        self,
        seed: int,
        kind: str,
        locks: bool,
        limits: tuple[float | None, float | None],
        policy: str,
        mishaps: str,
    ) -> None:
        self.world = World(seed, locks)
        self.mishaps, self.policy = mishaps, policy
        self.kind, self.locks = kind, locks
        self.idle, self.absolute = limits
        self.known: dict[int, str] = {}
        self.in_force: set[str] = set()
        self.is_wiped = self.was_broken = self.was_parted = self.has_shadows = False
        self.senders: dict[str, Page] = {}
        self.world.install()
        self.add(self.world.open())

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.all_is_well(last=True)
            finally:
                self.world.close()

    # --- what is known ---

    @property
    def scope(self) -> str:
        return "tab" if self.kind == "session" else "browser"

    @property
    def is_sound(self) -> bool:
        """Whether what is promised holds: with locks, and while no storage fails."""
        return self.locks and not (self.was_broken or self.was_parted)

    def know(self, generation: int, session_id: str) -> None:
        if self.scope == "browser" and not (self.is_wiped or self.was_broken or self.was_parted):
            one = self.known.setdefault(generation, session_id)
            assert one == session_id, f"two IDs of generation {generation}"

    def sent(self, page: Page, session_id: str) -> None:
        identity = page.session._identity
        if self.was_broken or self.was_parted or self.is_wiped or identity.refreshes.is_under_way():
            return
        if self.scope == "browser":
            now = self.world.loop.time()
            seen = [text for at, key, text in self.world.commits if key == KEY and at < now - 2 and text]
            if seen:
                newest = max(int(text.split(" ")[1]) for text in seen)
                assert page.generation >= newest, f"a call of generation {page.generation} after {newest}"
        elif self.locks and self.policy == FORK and not self.has_shadows:
            other = self.senders.setdefault(session_id, page)
            if other.window.tab is not page.window.tab and self.is_awake(other) and other.session.id == session_id:
                assert not other.session._identity.is_sure(), "two tabs call under one ID"
            self.senders[session_id] = page

    def has_logged_in_since(self, begun: float) -> bool:
        return any(at >= begun - 1 and f" {LOGIN} " in text for at, _, text in self.world.commits)

    def is_awake(self, page: Page) -> bool:
        return page.window.running and page.window in page.window.tab.windows

    # --- moves ---

    def add(self, tab: Tab) -> None:
        for window in tab.windows:
            if window not in self.pages:
                self.pages[window] = Page(self, window)

    def tab(self, number: int) -> Tab:
        return self.world.tabs[number % len(self.world.tabs)]

    def page(self, number: int, frame: int = 0) -> Page:
        windows = self.tab(number).windows
        return self.pages[windows[frame % len(windows)]]

    def go_on(self, pause: float) -> None:
        self.world.run(pause)
        self.check()

    def check(self) -> None:
        if self.world.faults:
            fault = self.world.faults[0]
            raise fault if isinstance(fault, BaseException) else AssertionError(fault)
        self.pages = {window: page for window, page in self.pages.items() if not window.dead}
        for page in self.pages.values():
            page.notice()

    def has_tabs(self) -> bool:
        return bool(self.world.tabs)

    def has_room(self) -> bool:
        return len(self.world.tabs) < 6

    @precondition(has_room)
    @rule(count=st.integers(1, 6), pause=PAUSES)
    def open(self, count: int, pause: float) -> None:
        for _ in range(min(count, 6 - len(self.world.tabs))):
            self.add(self.world.open())
        self.go_on(pause)

    @precondition(lambda self: self.has_tabs() and self.has_room())
    @rule(number=TABS, count=st.integers(1, 4), pause=PAUSES)
    def duplicate(self, number: int, count: int, pause: float) -> None:
        for _ in range(min(count, 6 - len(self.world.tabs))):
            self.add(self.world.open(self.tab(number)))
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(number=TABS, in_shadow_tree=st.sampled_from([False, False, True]), pause=PAUSES)
    def frame(self, number: int, in_shadow_tree: bool, pause: float) -> None:
        tab = self.tab(number)
        if len(tab.windows) < 3 and tab.windows[0].running:
            tab.add_frame().in_shadow_tree = in_shadow_tree
            self.has_shadows = self.has_shadows or in_shadow_tree
            self.add(tab)
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(number=TABS, pause=PAUSES)
    def reload(self, number: int, pause: float) -> None:
        self.tab(number).reload()
        self.add(self.tab(number))
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(number=TABS, crashes=st.booleans(), pause=PAUSES)
    def close(self, number: int, crashes: bool, pause: float) -> None:
        tab = self.tab(number)
        (tab.die if crashes else tab.close)()
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(
        numbers=st.lists(st.tuples(TABS, st.integers(0, 2)), min_size=1, max_size=6),
        reason=st.sampled_from([REFRESHED, REFRESHED, REFRESHED, LOGIN, LOGOUT]),
        how=st.sampled_from(BEFORES),
        holds=st.booleans(),
        pause=PAUSES,
    )
    def refresh(self, numbers: list[tuple[int, int]], reason: str, how: str, holds: bool, pause: float) -> None:
        for number, frame in numbers:
            page = self.page(number, frame)
            page.start(page.refresh(reason, how, holds))
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(number=TABS, frame=st.integers(0, 2), mutation=st.booleans(), count=st.integers(1, 3), pause=PAUSES)
    def call(self, number: int, frame: int, mutation: bool, count: int, pause: float) -> None:
        page = self.page(number, frame)
        for _ in range(count):
            page.start(page.call(mutation))
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(number=TABS, pause=PAUSES)
    def freeze(self, number: int, pause: float) -> None:
        for window in self.tab(number).windows:
            window.stand_still()
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(number=TABS, pause=PAUSES, is_told=st.booleans())
    def thaw(self, number: int, pause: float, is_told: bool) -> None:
        for window in self.tab(number).windows:
            if not window.running:
                self.world.loop.release(window)
                if is_told:
                    window.fire(0)
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(number=TABS, pause=PAUSES)
    def download(self, number: int, pause: float) -> None:
        self.tab(number).download()
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(number=TABS, pause=PAUSES)
    def navigate(self, number: int, pause: float) -> None:
        tab = self.tab(number)
        if tab.windows[0].running:
            tab.navigate()
            self.add(tab)
        self.go_on(pause)

    @precondition(has_tabs)
    @rule(number=TABS, pause=PAUSES)
    def go_back(self, number: int, pause: float) -> None:
        if self.tab(number).cache and self.tab(number).windows[0].running:
            self.tab(number).go_back()
        self.go_on(pause)

    @rule(seconds=st.sampled_from([-3600, -4, 0.9, 4, 21, 60, 86400]), pause=PAUSES)
    def set_clock(self, seconds: float, pause: float) -> None:
        """Or the machine sleeps."""
        self.world.epoch += seconds
        self.go_on(pause)

    @precondition(lambda self: "clears" in self.mishaps)
    @rule(what=st.sampled_from(["named", "database", "all"]), pause=PAUSES)
    def clear(self, what: str, pause: float) -> None:
        if what == "named":
            self.world.local.clear()
            self.world.cookies.clear()
        elif what == "database":
            self.is_wiped = True
            self.world.database.clear()
        else:
            self.is_wiped = True
            self.world.wipe()
        self.go_on(pause)

    @precondition(lambda self: "parts" in self.mishaps and self.kind in ("local", "cookie") and self.has_tabs())
    @rule(number=TABS, pause=PAUSES)
    def lose_the_database(self, number: int, pause: float) -> None:
        """IndexedDB fails in one tab, for a while: that may cost an ID its data, but the tabs agree in the end."""
        self.was_parted = True
        for window in self.tab(number).windows:
            window.broken.add("indexedDB")
        self.go_on(pause)

    @precondition(lambda self: self.was_parted and self.has_tabs())
    @rule(number=TABS, pause=PAUSES)
    def find_the_database(self, number: int, pause: float) -> None:
        for window in self.tab(number).windows:
            window.broken.clear()
        self.go_on(pause)

    @precondition(lambda self: "breaks" in self.mishaps)
    @rule(
        what=st.sampled_from(["indexedDB", "localStorage", "cookie", "sessionStorage", "locks", "channels"]),
        pause=PAUSES,
    )
    def break_storage(self, what: str, pause: float) -> None:
        if what != "channels":
            self.was_broken = True
        self.world.broken.add(what)
        self.go_on(pause)

    @precondition(lambda self: self.world.broken)
    @rule(pause=PAUSES)
    def mend(self, pause: float) -> None:
        self.world.broken.clear()
        self.go_on(pause)

    @rule()
    def rest(self) -> None:
        self.all_is_well()

    def all_is_well(self, last: bool = False) -> None:
        """After all has come to its end, and each page that is awake has been looked at by its user."""
        if last:
            for tab in self.world.tabs:
                for window in tab.windows:
                    if not window.running:
                        self.world.loop.release(window)
        self.go_on(30)
        self.world.broken.clear()
        for _ in range(2):
            for window, page in self.pages.items():
                if self.is_awake(page):
                    window.fire(0)
            self.go_on(3)
        awake = [page for page in self.pages.values() if self.is_awake(page)]
        for page in awake:
            assert page.under_way == 0, "something hangs"
            assert page.session.state == "present"
            assert not page.session._identity.refreshes.is_under_way()
        if self.disagreement(awake):
            self.go_on(1)  # one may have had its time just now, and some haven't heard
        why = self.disagreement(awake)
        assert not why, why
        if self.is_wiped and len(awake) == len(self.pages):
            self.is_wiped, self.known = False, {}
            self.world.commits.clear()
            self.check()

    def disagreement(self, awake: list[Page]) -> str:
        """What is wrong with the IDs of the pages that are awake."""
        if self.was_broken:
            return ""
        if self.scope == "browser":
            return "the tabs disagree" if len({page.session.id for page in awake}) > 1 else ""
        of_tabs = [{page.session.id for page in awake if page.window.tab is tab} for tab in self.world.tabs]
        ids = [session_id for each in of_tabs for session_id in each]
        if self.locks and any(len(each) > 1 for each in of_tabs):
            return "the frames of a tab disagree"
        is_apart = self.locks and self.policy == FORK
        return "two tabs have one ID" if is_apart and len(ids) != len(set(ids)) else ""


TestTabs = Tabs.TestCase
TestTabs.settings = settings(
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
    report_multiple_bugs=False,
    derandomize="PILLION_EXAMPLES" not in os.environ,
)
