"""The owner of the ID: reading, making, keeping, replacing."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from pillion import InvalidIdError, MemoryStorage, RefreshError, WebStorage, keeping
from pillion.changes import Change
from pillion.identity import ABSENT, PRESENT, UNKNOWN, Identity
from pillion.making import Maker
from pillion.record import ADOPTED, REFRESHED
from pillion_shared import SessionId, is_uuid4

KEY = "k"
UUID = "3b241101-e2bb-4255-8caf-4136c566a962"
OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e"


class Slow:
    """An async storage that lets others run whenever it is used, and remembers how."""

    name = "slow"

    def __init__(self, value: str | None = None) -> None:
        self.value = value
        self.writes: list[str] = []

    async def get(self, key: str) -> str | None:
        await asyncio.sleep(0)
        return self.value

    async def set(self, key: str, value: str) -> None:
        await asyncio.sleep(0)
        self.writes.append(value)
        self.value = value

    async def remove(self, key: str) -> None:
        self.value = None


class Broken(Slow):
    """A storage that fails as told."""

    def __init__(self, fault: str, value: str | None = None) -> None:
        super().__init__(value)
        self.fault = fault

    async def get(self, key: str) -> str | None:
        if self.fault == "get":
            raise OSError("no reading")
        return self.value

    async def set(self, key: str, value: str) -> None:
        if self.fault == "set":
            raise OSError("quota")
        if self.fault != "forget":
            self.value = value


def settled(storage: object, generator: Callable[[], Awaitable[str] | str] | None = None) -> Identity:
    """An identity that has settled."""
    identity = Identity(storage, KEY, Maker(generator))  # type: ignore[arg-type]
    asyncio.run(identity.settle())
    return identity


async def look(identity: Identity) -> None:
    """What a wake-up does."""
    identity.doubt()
    await identity.look()


def test_an_empty_storage_gets_a_new_id_which_is_kept() -> None:
    """The states follow one another, and the ID is published only once it is stored."""
    storage, seen = Slow(), []

    async def main() -> None:
        identity = Identity(storage, KEY)
        seen.append((identity.state, identity.id))
        task = asyncio.create_task(identity.settle())
        while not task.done():
            await asyncio.sleep(0)
            seen.append((identity.state, identity.id))
        assert is_uuid4(identity.id)
        assert identity.id == storage.value

    asyncio.run(main())
    states = [state for state, _ in seen]
    assert sorted(set(states), key=states.index) == [UNKNOWN, ABSENT, PRESENT]
    assert all(found is None for state, found in seen if state != PRESENT)
    assert len(storage.writes) == 1


def test_a_stored_id_is_taken_and_not_written_again() -> None:
    """Four loads, one ID."""
    storage = Slow(UUID)
    assert {settled(storage).id for _ in range(4)} == {UUID}
    assert storage.writes == []


@pytest.mark.parametrize("rubbish", ["undefined", f'"{UUID}"', "x" * 1_000_000, "", UUID.upper(), "token_" + "a" * 40])
def test_stored_rubbish_is_refused_and_replaced(rubbish: str) -> None:
    """It is never published."""
    storage = Slow(rubbish)
    identity = settled(storage)
    assert is_uuid4(identity.id)
    assert storage.value == identity.id


def test_a_generator_makes_the_ids_plain_or_async() -> None:
    """Its format is then what counts as ours in the storage."""

    async def later() -> str:
        await asyncio.sleep(0)
        return "b" * 43

    assert settled(MemoryStorage(), lambda: "a" * 43).id == "a" * 43
    assert settled(MemoryStorage(), later).id == "b" * 43
    assert settled(Slow("c" * 43), later).id == "c" * 43


@pytest.mark.parametrize("made", ["short", "", "a" * 200, "with spaces in it, alas", None, 3])
def test_what_a_generator_makes_is_checked(made: object) -> None:
    """Nothing that isn't an ID is ever stored or published."""
    storage = Slow()
    identity = Identity(storage, KEY, Maker(lambda: made))  # type: ignore[arg-type,return-value]
    with pytest.raises(InvalidIdError, match="20 to 128 characters"):
        asyncio.run(identity.settle())
    assert (identity.id, storage.value, storage.writes) == (None, None, [])


@pytest.mark.parametrize(
    ("fault", "why"),
    [("get", "OSError: no reading"), ("set", "OSError: quota"), ("forget", "what was set is not there")],
)
def test_a_storage_that_fails_ends_in_memory_with_one_warning(fault: str, why: str) -> None:
    """The session works on, and the report is honest."""
    with pytest.warns(RuntimeWarning, match="ends with the page") as warned:
        identity = settled(Broken(fault))
    assert len(warned) == 1
    assert is_uuid4(identity.id)
    assert (identity.report.kind, identity.report.persistent) == ("memory", False)
    assert why in identity.report.why
    asyncio.run(identity.refresh(None, 1))
    assert is_uuid4(identity.id)


def test_where_there_is_no_browser_its_storages_are_none() -> None:
    """The identity says so and stays unknown; its session waits or skips."""
    identity = Identity(WebStorage("localStorage"), KEY)
    assert not identity.has_storage
    assert identity.report.kind == "none"
    assert identity.state == UNKNOWN


def test_refresh_keeps_the_articles_order() -> None:
    """Made, the callback run under the old ID, then stored, then published, then told."""
    storage, order = Slow(UUID), []
    identity = settled(storage)

    async def before(new: SessionId) -> None:
        order.append(("before", identity.id == UUID, storage.value == UUID, new != UUID))
        await asyncio.sleep(0)
        order.append(("still", identity.id == UUID, storage.value == UUID))

    identity.changed.add(lambda change: order.append((change.reason, storage.value == change.id == identity.id)))
    new = asyncio.run(identity.refresh(before, 5))
    assert order == [("before", True, True, True), ("still", True, True), (REFRESHED, True)]
    assert new == identity.id == storage.value


def test_a_plain_callback_does_as_well() -> None:
    """It need not be async."""
    identity, given = settled(Slow(UUID)), []
    assert [asyncio.run(identity.refresh(given.append, 5))] == given


def test_if_the_callback_raises_nothing_has_changed() -> None:
    """The error is the caller's, the old ID in force, and the next refresh works."""
    storage = Slow(UUID)
    identity = settled(storage)
    told: list[Change] = []
    identity.changed.add(told.append)

    def refuse(new: SessionId) -> None:
        raise PermissionError("wrong password")

    with pytest.raises(PermissionError, match="wrong password"):
        asyncio.run(identity.refresh(refuse, 5))
    assert (identity.id, storage.value, storage.writes, told) == (UUID, UUID, [], [])
    assert asyncio.run(identity.refresh(None, 5)) == storage.value != UUID


def test_a_callback_that_never_returns_is_given_up() -> None:
    """After the bound, with the old ID in force."""
    storage = Slow(UUID)
    identity = settled(storage)
    with pytest.raises(RefreshError, match=r"more than 0\.01 s"):
        asyncio.run(identity.refresh(lambda new: asyncio.Event().wait(), 0.01))
    assert (identity.id, storage.value) == (UUID, UUID)


def test_two_refreshes_at_once_are_one() -> None:
    """One callback runs, both callers get the one new ID, one change is told."""
    identity, ran = settled(Slow(UUID)), []
    told: list[Change] = []
    identity.changed.add(told.append)

    async def before(new: SessionId) -> None:
        ran.append(new)
        await asyncio.sleep(0)

    async def main() -> list[SessionId]:
        return list(await asyncio.gather(*(identity.refresh(before, 5) for _ in range(20))))

    ids = asyncio.run(main())
    assert set(ids) == set(ran) == {identity.id}
    assert len(ran) == len(told) == 1


def test_who_joins_a_refresh_that_fails_gets_its_error() -> None:
    """And whoever comes after it starts anew."""
    identity = settled(Slow(UUID))

    async def refuse(new: SessionId) -> None:
        await asyncio.sleep(0)
        raise PermissionError("wrong password")

    async def main() -> list[object]:
        return list(await asyncio.gather(*(identity.refresh(refuse, 5) for _ in range(3)), return_exceptions=True))

    assert [type(outcome) for outcome in asyncio.run(main())] == [PermissionError] * 3
    assert identity.id == UUID


def test_a_cancelled_refresh_changes_nothing_and_frees_those_who_joined() -> None:
    """They are told that it was cancelled."""
    storage = Slow(UUID)
    identity = settled(storage)

    async def main() -> None:
        begun = asyncio.Event()

        async def before(new: SessionId) -> None:
            begun.set()
            await asyncio.Event().wait()

        first = asyncio.create_task(identity.refresh(before, 60))
        await begun.wait()
        second = asyncio.create_task(identity.refresh(None, 60))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(RefreshError, match="cancelled"):
            await second

    asyncio.run(main())
    assert (identity.id, storage.value) == (UUID, UUID)


def test_refreshing_from_inside_the_callback_is_refused() -> None:
    """It would wait for itself for ever."""
    identity = settled(Slow(UUID))
    with pytest.raises(RefreshError, match="inside its own callback"):
        asyncio.run(identity.refresh(lambda new: identity.refresh(None, 5), 5))
    assert identity.id == UUID


def test_if_storing_fails_after_the_callback_the_new_id_is_in_force() -> None:
    """The server has moved the data already."""
    storage = Broken("", UUID)
    identity = settled(storage)
    storage.fault = "set"
    moved: list[SessionId] = []
    with pytest.warns(RuntimeWarning, match="quota"):
        asyncio.run(identity.refresh(moved.append, 5))
    assert [identity.id] == moved
    assert identity.report.kind == "memory"


def test_a_refresh_cancelled_while_storing_goes_through() -> None:
    """The callback has succeeded, so the new ID is kept and in force, whatever becomes of the caller."""

    class Held(Slow):
        def __init__(self) -> None:
            super().__init__(UUID)
            self.storing, self.go_on = asyncio.Event(), asyncio.Event()

        async def set(self, key: str, value: str) -> None:
            self.storing.set()
            await self.go_on.wait()
            await super().set(key, value)

    async def main() -> None:
        storage, moved = Held(), []
        identity = Identity(storage, KEY)
        await identity.settle()
        task = asyncio.create_task(identity.refresh(moved.append, 5))
        await storage.storing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert identity.refreshes.is_under_way()
        storage.go_on.set()
        while identity.refreshes.is_under_way():
            await asyncio.sleep(0)
        await look(identity)
        assert [identity.id] == [storage.value] == moved

    asyncio.run(main())


@pytest.mark.parametrize("ticks", range(12))
def test_once_the_callback_has_succeeded_cancelling_changes_nothing(ticks: int) -> None:
    """The server has moved the data by then: the new ID is in force, whichever tick its caller went in."""

    async def main() -> None:
        identity, moved = Identity(Slow(), KEY), asyncio.Event()
        await identity.settle()
        made: list[SessionId] = []

        async def before(new: SessionId) -> None:
            made.append(new)
            moved.set()

        caller = asyncio.create_task(identity.refresh(before, 5))
        await moved.wait()
        for _ in range(ticks):
            await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        while identity.refreshes.is_under_way():
            await asyncio.sleep(0)
        assert identity.id == made[0]

    asyncio.run(main())


@pytest.mark.parametrize("error", [RuntimeError("listener"), asyncio.CancelledError()])
@pytest.mark.filterwarnings("error")
def test_a_listener_that_fails_ends_no_refresh_in_the_middle(error: BaseException) -> None:
    """Even where warnings are errors: the new ID is in force, and whoever waits goes on."""
    identity = settled(MemoryStorage())

    def fail(_change: Change) -> None:
        raise error

    identity.changed.add(fail)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        old = identity.id
        new = await identity.refresh(None, 5)
        assert not identity.refreshes.is_under_way()
        assert identity.id == new != old

    asyncio.run(main())


def test_a_write_that_is_ignored_does_not_bring_the_dead_id_back() -> None:
    """As when a cookie of a narrower path hides ours: the storage goes on giving the old ID."""

    class Shadowed(Slow):
        async def set(self, key: str, value: str) -> None:
            pass

    identity = settled(Shadowed(UUID))
    with pytest.warns(RuntimeWarning, match="what was set is not there"):
        new = asyncio.run(identity.refresh(None, 5))
    asyncio.run(look(identity))
    assert identity.id == new != UUID
    assert (identity.report.kind, identity.report.persistent) == ("memory", False)


def test_the_dead_id_is_taken_out_of_a_storage_that_keeps_no_new_one() -> None:
    """Else a reload would bring it back."""

    class Full(Slow):
        async def set(self, key: str, value: str) -> None:
            raise OSError("quota")

    storage = Full(UUID)
    identity = settled(storage)
    with pytest.warns(RuntimeWarning, match="quota"):
        asyncio.run(identity.refresh(None, 5))
    assert storage.value is None


def test_a_storage_that_fails_once_while_rereading_is_not_given_up() -> None:
    """Nothing was learnt; the next log-in is stored as ever."""
    storage = Broken("", UUID)
    identity = settled(storage)
    storage.fault = "get"
    asyncio.run(look(identity))
    storage.fault = ""
    new = asyncio.run(identity.refresh(None, 5))
    assert storage.value == new
    assert identity.report.kind == "slow"


def test_a_storage_that_hangs_hangs_no_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends in memory, with the new ID in force."""
    monkeypatch.setattr(keeping, "STORAGE_SECONDS", 0.01)
    storage = Slow(UUID)
    identity = settled(storage)
    monkeypatch.setattr(storage, "set", lambda key, value: asyncio.Event().wait())
    with pytest.warns(RuntimeWarning, match="did not answer within"):
        new = asyncio.run(identity.refresh(None, 5))
    assert identity.id == new != UUID
    assert identity.report.kind == "memory"


def test_a_storage_that_never_answers_ends_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session is settled all the same, and says why it will not last."""
    monkeypatch.setattr(keeping, "STORAGE_SECONDS", 0.01)
    storage = Slow(UUID)
    monkeypatch.setattr(storage, "get", lambda key: asyncio.Event().wait())
    with pytest.warns(RuntimeWarning, match="did not answer within"):
        identity = settled(storage)
    assert is_uuid4(identity.id)
    assert identity.report.kind == "memory"


def test_a_generator_that_hangs_hangs_no_refresh() -> None:
    """The old ID stays in force."""
    made: list[object] = [asyncio.Event().wait(), "a" * 20]
    identity = settled(MemoryStorage(), made.pop)  # type: ignore[arg-type]
    with pytest.raises(RefreshError, match="the old ID is still in force"):
        asyncio.run(identity.refresh(None, 0.01))
    assert identity.id == "a" * 20


def test_healing_and_refreshing_do_not_cross() -> None:
    """However slow the storage and whichever comes first, the new ID wins and the storage is not called broken."""

    class Laggard(Slow):
        def __init__(self, chance: random.Random) -> None:
            super().__init__(UUID)
            self.chance = chance

        async def lag(self) -> None:
            for _ in range(self.chance.randrange(5)):
                await asyncio.sleep(0)

        async def get(self, key: str) -> str | None:
            await self.lag()
            found = self.value
            await self.lag()
            return found

        async def set(self, key: str, value: str) -> None:
            await self.lag()
            self.value = value
            await self.lag()

    async def one(chance: random.Random) -> None:
        storage = Laggard(chance)
        identity = Identity(storage, KEY)
        await identity.settle()
        storage.value = None

        async def wake() -> None:
            await storage.lag()
            await look(identity)

        async def refresh() -> SessionId:
            await storage.lag()
            return await identity.refresh(lambda new: storage.lag(), 5)

        new, *_ = await asyncio.gather(refresh(), wake(), wake())
        await look(identity)
        assert (identity.id, storage.value, identity.report.kind) == (new, new, "slow")

    async def main() -> None:
        for seed in range(500):
            await one(random.Random(seed))

    asyncio.run(main())


def test_of_two_that_start_together_the_later_adopts_what_it_finds() -> None:
    """What another tab has stored meanwhile is an ID like ours, not a broken storage."""

    class Contended(Slow):
        async def set(self, key: str, value: str) -> None:
            await super().set(key, OTHER)

    identity = settled(Contended())
    assert (identity.id, identity.report.kind) == (OTHER, "slow")


def test_what_a_users_storage_says_of_its_failure_hides_the_id() -> None:
    """Neither the warning nor the report holds it."""

    class Talkative(Slow):
        async def set(self, key: str, value: str) -> None:
            raise ValueError(f"can't store {key}={value}")

    with pytest.warns(RuntimeWarning, match="can't store k=sess_") as warned:
        identity = settled(Talkative())
    assert identity.id is not None
    assert identity.id not in identity.report.why + str(warned[0].message)


def test_closed_before_it_has_settled_it_stores_nothing() -> None:
    """And tells nobody afterwards."""

    async def main() -> None:
        storage = Slow()
        identity = Identity(storage, KEY)
        identity.changed.add(lambda change: pytest.fail("told after closing"))
        task = asyncio.create_task(identity.settle())
        await asyncio.sleep(0)
        identity.close()
        await task
        assert (identity.id, storage.writes) == (None, [])

        kept = Identity(Slow(UUID), KEY)
        await kept.settle()
        kept.changed.add(lambda change: pytest.fail("told after closing"))
        kept.close()
        await kept.refresh(None, 5)

    asyncio.run(main())


def test_another_tabs_id_is_adopted_and_told_once() -> None:
    """The reason says where it came from."""
    storage = Slow(UUID)
    identity = settled(storage)
    told: list[Change] = []
    identity.changed.add(told.append)
    storage.value = OTHER
    asyncio.run(look(identity))
    asyncio.run(look(identity))
    assert identity.id == OTHER
    assert [change.reason for change in told] == [ADOPTED]


@pytest.mark.parametrize("found", [None, "undefined"])
def test_a_cleared_storage_is_healed(found: str | None) -> None:
    """Clearing is not expiry: the same ID is put back, and nobody is told of a change."""
    storage = Slow(UUID)
    identity = settled(storage)
    identity.changed.add(lambda change: pytest.fail("no change has happened"))
    storage.value = found
    asyncio.run(look(identity))
    assert identity.id == storage.value == UUID


def test_rereading_leaves_a_refresh_alone() -> None:
    """While one is under way, and before anything was read, there is nothing to adopt."""
    storage = Slow(UUID)
    identity = Identity(storage, KEY)

    async def main() -> None:
        await look(identity)
        assert identity.state == UNKNOWN
        await identity.settle()

        async def before(new: SessionId) -> None:
            storage.value = OTHER
            await look(identity)
            assert identity.id == UUID

        new = await identity.refresh(before, 5)
        assert identity.id == storage.value == new

    asyncio.run(main())


def test_while_one_looks_nobody_is_sure() -> None:
    """Of two calls at once the second must not go out under what the first is about to replace."""

    async def main() -> None:
        storage = Slow(UUID)
        identity = Identity(storage, KEY)
        await identity.settle()
        storage.value = OTHER
        identity.doubt()
        looking = asyncio.create_task(identity.look())
        await asyncio.sleep(0)
        assert not identity.is_sure()
        await identity.make_sure()
        assert identity.id == OTHER
        assert identity.is_sure()
        await looking

    asyncio.run(main())


def test_a_doubt_that_comes_during_a_look_outlasts_it() -> None:
    """What it is about may have come after the look has read."""

    async def main() -> None:
        identity = Identity(Slow(UUID), KEY)
        await identity.settle()
        identity.doubt()
        looking = asyncio.create_task(identity.look())
        await asyncio.sleep(0)
        identity.doubt()
        await looking
        assert not identity.is_sure()
        await identity.make_sure()
        assert identity.is_sure()

    asyncio.run(main())
