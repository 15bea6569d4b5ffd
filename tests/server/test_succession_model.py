"""`ctx.sessions` against a model: whatever happens, each ID opens what a page of plain Python says."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pillion_server import FunctionError, SessionId
from server.clockwork import Clockwork, raw

IDS = st.integers(0, 4)
USERS = st.sampled_from(["ada", "bo"])


@dataclass(eq=False)
class Life:
    """One session: what it holds, whose it is, and, when it has ended, who took over and until when."""

    before: "Life | None" = None
    items: list[str] = field(default_factory=list)
    user: str | None = None
    live: bool = True
    heir: "Life | None" = None
    until: float = 0.0

    def leads_to(self, now: float) -> "Life | None":
        """The live session that its ID is an alias of."""
        if self.heir is None or self.until <= now:
            return None
        return self.heir if self.heir.live else self.heir.leads_to(now)


def answer(work: Callable[[], None]) -> str:
    """The code with which it is refused, `""` if it is not."""
    try:
        work()
    except FunctionError as error:
        return str(cast("dict[str, object]", error.data)["code"])
    return ""


class Sessions(RuleBasedStateMachine):
    """Five IDs, two users, a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.bench = Clockwork(self.folder)
        self.own = [Life() for _ in range(5)]
        self.lives = list(self.own)
        self.digests: dict[Life, str] = {}
        self.held: list[tuple[SessionId, Life]] = []
        self.added = 0

    def teardown(self) -> None:
        self.bench.connection.close()
        shutil.rmtree(self.folder)

    def opens(self, number: int) -> tuple[Life, Life | None]:
        """What an ID opens, and the session that it came by if that was an alias."""
        own = self.own[number]
        heir = own.before.leads_to(self.bench.now) if own.before else None
        return (heir, own.before) if heir else (own, None)

    def close(self, life: Life) -> None:
        life.live, life.user = False, None
        fresh = Life(before=life)
        self.lives.append(fresh)
        self.own[self.own.index(life)] = fresh

    def cut(self, life: Life) -> None:
        """Whoever is on the way to it won't get there."""
        for each in self.lives:
            if each.leads_to(self.bench.now) is life:
                each.heir = None

    @rule(number=IDS)
    def add(self, number: int) -> None:
        self.added += 1
        self.bench.add(number, str(self.added))
        self.opens(number)[0].items.append(str(self.added))

    @rule(old=IDS, new=IDS, grace=st.sampled_from([0, 20, 60]))
    def transfer(self, old: int, new: int, grace: int) -> None:
        (source, via_old), (target, via_new) = self.opens(old), self.opens(new)
        said = answer(lambda: self.bench.transfer(old, new, grace))
        if source is target:
            assert said == ("" if via_old and via_old is not via_new else "session_same")
        elif via_old or via_new:
            assert said == "session_moved"
        else:
            assert said == ""
            source.heir, source.until = target, self.bench.now + grace * 1000
            if target.user:
                source.heir = None
                self.cut(source)
            self.close(source)
            target.items = sorted(target.items + source.items, key=int)
            source.items = []

    @rule(number=IDS, user=USERS)
    def bind(self, number: int, user: str) -> None:
        life, via = self.opens(number)
        said = answer(lambda: self.bench.bind(number, user))
        assert said == ("session_moved" if via else "session_taken" if life.user not in (None, user) else "")
        if not said:
            life.user = user
            self.cut(life)

    @rule(number=IDS)
    def end(self, number: int) -> None:
        life = self.opens(number)[0]
        self.bench.end(number)
        self.cut(life)
        self.close(life)

    @rule(number=IDS)
    def forget(self, number: int) -> None:
        life = self.opens(number)[0]
        with self.bench.mutation() as now:
            session = now.lineage.of(raw(number))
            now.sessions.forget(session)
        assert self.bench.items_of(session) == []
        life.items = []
        self.cut(life)
        self.close(life)

    @rule(user=USERS)
    def invalidate_user(self, user: str) -> None:
        with self.bench.mutation() as now:
            now.sessions.invalidate_user(user)
        for life in [each for each in self.own if each.user == user]:
            self.cut(life)
            self.close(life)

    @rule()
    def invalidate_all(self) -> None:
        with self.bench.mutation() as now:
            now.sessions.invalidate_all()
        for life in self.lives:
            life.live, life.user, life.heir = False, None, None
        self.own = [Life() for _ in range(5)]
        self.lives.extend(self.own)

    @rule(seconds=st.sampled_from([1, 19, 20, 41, 60]))
    def wait(self, seconds: int) -> None:
        self.bench.wait(seconds)

    @rule(number=IDS)
    def hold(self, number: int) -> None:
        """An action begins."""
        life, via = self.opens(number)
        self.held.append((self.bench.opens(number), via or life))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def use(self, data: st.DataObject) -> None:
        """An action calls: for its session, for the one that took over, or for an empty one."""
        session, came_by = data.draw(st.sampled_from(self.held))
        by_now = self.bench.again(session)
        expected = came_by if came_by.live else came_by.leads_to(self.bench.now)
        if expected is None:
            assert by_now not in self.digests.values()
            assert self.bench.items_of(by_now) == []
        else:
            assert by_now == self.digests.setdefault(expected, by_now)

    @invariant()
    def each_id_opens_what_the_model_says(self) -> None:
        for number in range(5):
            life, via = self.opens(number)
            session = self.bench.opens(number)
            assert self.digests.setdefault(life, session) == session
            assert session.via == (self.digests[via] if via else None)
            assert self.bench.items(number) == life.items
            assert self.bench.user(number) == life.user
            assert not (via and life.user)
        assert len(set(self.digests.values())) == len(self.digests)


TestSessions = Sessions.TestCase
TestSessions.settings = settings(stateful_step_count=15)
