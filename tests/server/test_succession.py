"""`ctx.sessions`: sessions that end and follow one another."""

import asyncio
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pillion_server import DefinitionError, FunctionError
from pillion_server.succession import REFUSALS, SessionsWriter
from server.clockwork import START, Clockwork, raw
from server.world import Process, World, serving

OLD, NEW, OTHER = 1, 2, 3


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Clockwork]:
    """Sessions whose time is set by hand."""
    bench = Clockwork(tmp_path)
    yield bench
    bench.connection.close()


def refused(work: Callable[[], object]) -> str:
    """The code with which it is refused; its sentence is there as well."""
    with pytest.raises(FunctionError) as caught:
        work()
    data = caught.value.data
    assert isinstance(data, dict)
    assert data == {"code": data["code"], "message": REFUSALS[data["code"]]}
    assert caught.value.message == data["message"]
    return str(data["code"])


def test_what_is_named_moves(bench: Clockwork) -> None:
    """From the old session to the new one, behind what that one has; other tables and sessions stay."""
    for number, name in ((OLD, "tea"), (NEW, "honey"), (OTHER, "milk"), (OLD, "mint")):
        bench.add(number, name)
    with bench.mutation() as now:
        old, new = now.lineage.of(raw(OLD)), now.lineage.of(raw(NEW))
        notes = [now.db.insert("notes", owner=owner, text="x") for owner in (old, old, "ada")]
        left = now.db.insert("elsewhere", session_id=old)
        now.sessions.transfer(old, new, items="by_session", notes="by_owner")
    assert bench.items(NEW) == ["tea", "honey", "mint"]
    assert bench.items(OTHER) == ["milk"]
    with bench.mutation() as now:
        owners = [document["owner"] for document in map(now.db.get, notes) if document]
        assert owners == [new, new, "ada"]
        assert (now.db.get(left) or {})["session_id"] == old


def test_everything_moves_when_nothing_is_named(bench: Clockwork) -> None:
    """Out of every table with an index by session; the second time too."""
    old, new = bench.opens(OLD), bench.opens(NEW)
    for name in ("tea", "late"):
        with bench.mutation() as now:
            now.db.insert("items", session_id=old, name=name)
            now.db.insert("notes", owner=old, text="x")
            now.sessions.transfer(old, new)
    assert bench.items(NEW) == ["tea", "late"]
    with bench.mutation() as now:
        assert [note["owner"] for note in now.db.query("notes").collect()] == [old, old]


@pytest.mark.parametrize(
    ("tables", "error", "sentence"),
    [
        ({"items": "by_creation_time"}, ValueError, "begins with the session"),
        ({"items": "by_owner"}, DefinitionError, "no index 'by_owner'"),
        ({"nothing": "by_session"}, DefinitionError, "no index 'by_session'"),
    ],
)
def test_an_index_that_holds_no_sessions(
    bench: Clockwork, tables: dict[str, str], error: type[Exception], sentence: str
) -> None:
    """The sentence says what to declare, and the session has not moved."""
    with pytest.raises(error, match=sentence), bench.mutation() as now:
        now.sessions.transfer(now.lineage.of(raw(OLD)), now.lineage.of(raw(NEW)), **tables)
    assert bench.opens(OLD) != bench.opens(NEW)


def test_for_the_grace_the_old_id_is_an_alias(bench: Clockwork) -> None:
    """A late tab loses nothing; afterwards it begins with nothing, and not with what was there before."""
    old = bench.opens(OLD)
    bench.transfer(OLD, NEW, grace=60)
    bench.wait(59)
    bench.add(OLD, "late")
    assert bench.opens(OLD) == bench.opens(NEW) != old
    bench.wait(1)
    fresh = bench.opens(OLD)
    assert fresh not in {old, bench.opens(NEW)}
    assert (bench.items(OLD), bench.items(NEW)) == ([], ["late"])
    bench.wait(1e9)
    assert bench.opens(OLD) == fresh


def test_without_grace_the_old_id_begins_afresh_at_once(bench: Clockwork) -> None:
    """`grace=0`."""
    old = bench.opens(OLD)
    bench.transfer(OLD, NEW, grace=0)
    assert len({old, bench.opens(OLD), bench.opens(NEW)}) == 3


@pytest.mark.parametrize("grace", [-1.0, math.nan, math.inf])
def test_a_grace_that_is_none(bench: Clockwork, grace: float) -> None:
    """It is a number of seconds."""
    with pytest.raises(ValueError, match="0 for none"):
        bench.transfer(OLD, NEW, grace=grace)


def test_the_grace_is_not_extended_by_a_second_transfer(bench: Clockwork) -> None:
    """It counts from the first."""
    bench.transfer(OLD, NEW)
    bench.wait(40)
    bench.transfer(OLD, NEW)
    bench.wait(20)
    assert bench.opens(OLD) != bench.opens(NEW)


@pytest.mark.parametrize("again", ["the same IDs", "the same sessions"])
def test_the_same_transfer_again(bench: Clockwork, again: str) -> None:
    """Its answer was lost, and it is asked for once more: what came under the old session since moves too."""
    old, new = bench.opens(OLD), bench.opens(NEW)
    bench.add(OLD, "tea")
    bench.transfer(OLD, NEW)
    with bench.mutation() as now:
        now.db.insert("items", session_id=old, name="late")
    if again == "the same IDs":
        bench.transfer(OLD, NEW)
    else:
        with bench.mutation() as now:
            now.sessions.transfer(old, new, items="by_session")
    assert bench.opens(NEW) == new
    assert bench.items(NEW) == ["tea", "late"]
    assert bench.items_of(old) == []


def test_a_refused_transfer(bench: Clockwork) -> None:
    """A session goes on once, to another one, which is live; each code has a sentence."""
    assert refused(lambda: bench.transfer(OLD, OLD)) == "session_same"
    old, new = bench.opens(OLD), bench.opens(NEW)
    bench.transfer(OLD, NEW)
    assert refused(lambda: bench.transfer(OLD, OTHER)) == "session_moved"
    assert refused(lambda: bench.transfer(OTHER, OLD)) == "session_moved"
    assert refused(lambda: bench.transfer(OLD, OLD)) == "session_same"
    assert refused(lambda: bench.transfer(NEW, OLD)) == "session_same"
    other = bench.opens(OTHER)
    bench.end(NEW)
    with bench.mutation() as now:
        transfer = now.sessions.transfer
        assert refused(lambda: transfer(old, other)) == "session_ended"
        assert refused(lambda: transfer(new, other)) == "session_ended"
        assert refused(lambda: transfer(other, new)) == "session_ended"
        assert refused(lambda: transfer(old, new)) == "session_ended"
    assert bench.opens(OTHER) == other


def test_who_held_on_to_a_session_that_has_moved(bench: Clockwork) -> None:
    """A handler with a digest from a document is told the same, after the grace too."""
    old = bench.opens(OLD)
    bench.transfer(OLD, NEW)
    bench.wait(100)
    with bench.mutation() as now:
        other = now.lineage.of(raw(OTHER))
        assert refused(lambda: now.sessions.transfer(old, other)) == "session_moved"
        assert refused(lambda: now.sessions.bind(old, "ada")) == "session_ended"


@pytest.mark.parametrize(("first", "second"), [(60, 20), (20, 60)])
def test_an_alias_leads_on_when_its_session_goes_on(bench: Clockwork, first: float, second: float) -> None:
    """In one step, and no longer than either grace; the same two transfers again are no error."""
    bench.transfer(1, 2, grace=first)
    bench.transfer(2, 3, grace=second)
    assert bench.opens(1) == bench.opens(2) == bench.opens(3)
    bench.transfer(1, 2)
    bench.transfer(2, 3)
    bench.wait(20)
    assert bench.opens(1) != bench.opens(3)
    assert (bench.opens(2) == bench.opens(3)) is (second > 20)


def test_no_alias_leads_to_a_users_session(bench: Clockwork) -> None:
    """Whoever slipped a visitor an old ID is not logged in with them: bound before, or bound later."""
    bench.bind(NEW, "ada")
    bench.transfer(OLD, NEW)
    assert bench.user(OLD) is None
    bench.transfer(3, 4)
    assert bench.opens(3) == bench.opens(4)
    bench.bind(4, "bo")
    assert bench.user(3) is None
    bench.transfer(4, 5)
    assert bench.opens(4) == bench.opens(5) != bench.opens(3)


def test_an_alias_does_not_live_on_in_an_action(bench: Clockwork) -> None:
    """One that began under the old ID, before the log-in, has an empty session afterwards."""
    bench.transfer(OLD, NEW)
    held = bench.opens(OLD)
    bench.bind(NEW, "ada")
    with bench.mutation() as now:
        assert now.sessions.user(held) == "ada"
        assert now.sessions.user(now.lineage.again(held)) is None


def test_an_alias_can_not_bind(bench: Clockwork) -> None:
    """The caller's own ID would not lead to the session any more."""
    bench.transfer(OLD, NEW)
    assert refused(lambda: bench.bind(OLD, "ada")) == "session_moved"
    assert bench.user(NEW) is None
    assert bench.opens(OLD) == bench.opens(NEW)


def test_a_user_has_sessions(bench: Clockwork) -> None:
    """Several; each has one user, and says so as often as it is asked."""
    for number, user in ((1, "ada"), (2, "ada"), (3, "bo"), (1, "ada")):
        bench.bind(number, user)
    assert [bench.user(number) for number in (1, 2, 3, 4)] == ["ada", "ada", "bo", None]
    assert refused(lambda: bench.bind(1, "bo")) == "session_taken"
    assert bench.user(1) == "ada"


def test_the_log_ins_of_a_user(bench: Clockwork) -> None:
    """Each with the time when it was bound first; none when it has ended, or moved to a session that isn't bound."""

    def logins() -> list[tuple[str, float | None]]:
        with bench.mutation() as now:
            return [(login["session_id"], login["bound"]) for login in now.sessions.logins("ada")]

    assert logins() == []
    for number in (3, 1, 1):
        bench.bind(number, "ada")
        bench.wait(1)
    bench.bind(2, "bo")
    first, second = bench.opens(3), bench.opens(1)
    assert logins() == [(first, START), (second, START + 1000)]
    bench.end(3)
    assert logins() == [(second, START + 1000)]
    bench.bind(3, "ada")
    assert logins() == [(second, START + 1000), (bench.opens(3), START + 3000)]
    bench.transfer(1, 4)
    assert logins() == [(bench.opens(3), START + 3000)]
    with bench.mutation() as now:
        now.sessions.invalidate_all()
    assert logins() == []


def test_a_user_is_text(bench: Clockwork) -> None:
    """Not the document."""
    with pytest.raises(TypeError, match="A user is a str, such as the ID of the user's document, not a dict"):
        bench.bind(1, {"_id": "users:x"})  # type: ignore[arg-type]


def test_the_user_does_not_move(bench: Clockwork) -> None:
    """Who may do more is said each time."""
    bench.bind(OLD, "ada")
    bench.transfer(OLD, NEW)
    assert (bench.user(OLD), bench.user(NEW)) == (None, None)


def test_an_ended_session_is_gone(bench: Clockwork) -> None:
    """Its ID opens a fresh one, with no user and nothing in it; to end it again is no error."""
    bench.add(OLD, "tea")
    bench.bind(OLD, "ada")
    old = bench.opens(OLD)
    bench.end(OLD)
    fresh = bench.opens(OLD)
    assert fresh != old
    assert (bench.user(OLD), bench.items(OLD)) == (None, [])
    with bench.mutation() as now:
        now.sessions.invalidate(old)
        assert now.sessions.user(old) is None
    assert bench.opens(OLD) == fresh


def test_a_forgotten_session_leaves_nothing(bench: Clockwork) -> None:
    """It has ended, and its documents are gone; those that came later under its digest go by the same call again."""
    for number in (OLD, OTHER):
        bench.add(number, "tea")
    old = bench.opens(OLD)
    bench.bind(OLD, "ada")
    for _ in range(2):
        with bench.mutation() as now:
            now.sessions.forget(old)
            assert now.sessions.user(old) is None
        assert bench.items_of(old) == []
        with bench.mutation() as now:
            now.db.insert("items", session_id=old, name="late")
    assert bench.opens(OLD) != old
    assert bench.items(OTHER) == ["tea"]
    bench.transfer(OTHER, NEW)
    with bench.mutation() as now:
        now.sessions.forget(now.lineage.of(raw(OTHER)))
    assert bench.items(NEW) == []


def test_an_alias_ends_with_its_session(bench: Clockwork) -> None:
    """A tab that is late finds a fresh session of its own, not the one that the other ID opens now."""
    bench.transfer(OLD, NEW)
    heir = bench.opens(NEW)
    bench.end(OLD)
    assert len({heir, bench.opens(OLD), bench.opens(NEW)}) == 3


def test_all_sessions_of_a_user_end(bench: Clockwork) -> None:
    """And nobody else's."""
    for number, user in ((1, "ada"), (2, "ada"), (3, "bo")):
        bench.bind(number, user)
    before = [bench.opens(number) for number in (1, 2, 3, 4)]
    with bench.mutation() as now:
        now.sessions.invalidate_user("ada")
        now.sessions.invalidate_user("nobody")
    after = [bench.opens(number) for number in (1, 2, 3, 4)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True, True]
    assert [bench.user(number) for number in (1, 2, 3)] == [None, None, "bo"]


def test_all_sessions_end(bench: Clockwork) -> None:
    """Those without a row too, at once in the same transaction; aliases and ended ones start afresh as well."""
    bench.bind(1, "ada")
    bench.transfer(2, 3)
    bench.end(4)
    before = [bench.opens(number) for number in range(1, 6)]
    with bench.mutation() as now:
        now.sessions.invalidate_all()
        assert now.sessions.user(before[0]) is None
        assert refused(lambda: now.sessions.bind(before[4], "ada")) == "session_ended"
    after = [bench.opens(number) for number in range(1, 6)]
    assert len({*before, *after}) == 4 + 5
    bench.bind(5, "ada")
    assert (bench.user(5), bench.opens(5)) == ("ada", after[4])
    assert bench.connection.value("select count(*) from sessions") == 1


def test_what_is_rolled_back_has_not_happened(bench: Clockwork) -> None:
    """Of any of it."""
    bench.bind(1, "ada")
    before = [bench.opens(number) for number in (1, 2, 3)]

    def change(sessions: SessionsWriter) -> None:
        sessions.bind(before[1], "bo")
        sessions.transfer(before[1], before[2])
        sessions.invalidate(before[2])
        sessions.invalidate_user("ada")
        sessions.invalidate_all()
        raise LookupError

    with pytest.raises(LookupError), bench.mutation() as now:
        change(now.sessions)
    assert [bench.opens(number) for number in (1, 2, 3)] == before
    assert (bench.user(1), bench.user(2)) == ("ada", None)


def test_what_is_no_session(bench: Clockwork) -> None:
    """The ID of a document, say: the sentence tells what to give."""
    with bench.mutation() as now:
        for work in (now.sessions.user, now.sessions.invalidate):
            with pytest.raises(ValueError, match=r"give ctx\.session_id"):
                work("users:x")


SHOP = """
@query
def cart(ctx, session_id: SessionId) -> list:
    rows = ctx.db.query("items").with_index("by_session", session_id=session_id).collect()
    return [row["name"] for row in rows]

@mutation
def add(ctx, session_id: SessionId, name: str) -> None:
    ctx.db.insert("items", session_id=session_id, name=name)

@mutation
def refresh(ctx, session_id: SessionId, new: SessionId) -> None:
    ctx.sessions.transfer(session_id, new, items="by_session")

@mutation
def login(ctx, session_id: SessionId, new: SessionId, user: str) -> None:
    ctx.sessions.bind(new, user)
    ctx.sessions.transfer(session_id, new, items="by_session")

@mutation
def end(ctx, session_id: SessionId) -> None:
    ctx.sessions.invalidate(session_id)

@mutation
def invalidate_all(ctx, fail: bool = False) -> None:
    ctx.sessions.invalidate_all()
    if fail:
        raise FunctionError({"code": "no"})

@query
def who(ctx, session_id: SessionId) -> str | None:
    return ctx.sessions.user(session_id)

@query
def logins(ctx, session_id: SessionId) -> list[Login]:
    return ctx.sessions.logins(ctx.sessions.user(session_id) or "")

@query
def logins_of(ctx, user: str) -> int:
    return len(ctx.sessions.logins(user))

@mutation
def end_login(ctx, session_id: SessionId, login: str) -> None:
    user = ctx.sessions.user(session_id)
    if user is None or ctx.sessions.user(login) != user:
        raise FunctionError({"code": "not_yours"})
    ctx.sessions.invalidate(login)

@query
def digest(ctx, session_id: SessionId) -> str:
    return str(session_id)

@action
async def during(ctx, session_id: SessionId, meanwhile: str, args: dict[str, Any]) -> None:
    own = {} if meanwhile == "invalidate_all" else {"session_id": session_id}
    await ctx.run_mutation(f"shop:{meanwhile}", **own, **args)
    await ctx.run_mutation(add, session_id=session_id, name="from the action")

@action
async def sees(ctx, session_id: SessionId) -> str:
    return str(session_id)
"""
SCHEMA = 'schema = Schema(items=Table().index("by_session", "session_id"))'


@pytest.fixture
def shop(world: Callable[..., World]) -> World:
    """A shop whose carts go along."""
    return world(shop=SHOP, schema=SCHEMA)


def test_a_log_in_takes_the_cart_along(shop: World) -> None:
    """Over the wire: the new session is the user's, the old ID opens nothing of it, and twice does no harm."""
    shop.mutation("shop:add", sessionId=raw(1), name="tea")
    for _ in range(2):
        shop.mutation("shop:login", sessionId=raw(1), new=raw(2), user="ada")
    assert shop.query("shop:cart", sessionId=raw(2)) == ["tea"]
    assert shop.query("shop:who", sessionId=raw(2)) == "ada"
    assert shop.query("shop:cart", sessionId=raw(1)) == []
    assert shop.query("shop:who", sessionId=raw(1)) is None


def test_a_user_ends_another_log_in(shop: World) -> None:
    """By the name that the list shows, which is nobody's ID; kept lists know of it at once."""
    for number, user in ((1, "ada"), (2, "ada"), (3, "bo")):
        shop.mutation("shop:login", sessionId=raw(9), new=raw(number), user=user)
        assert shop.query("shop:logins_of", user="ada") == min(number, 2)
    one, two = shop.query("shop:logins", sessionId=raw(1))
    assert two["session_id"] == shop.query("shop:digest", sessionId=raw(2))
    assert 0 < one["bound"] <= two["bound"]
    refused = shop.call("mutation", "shop:end_login", sessionId=raw(3), login=two["session_id"]).json
    assert refused["errorData"] == {"code": "not_yours"}
    shop.mutation("shop:end_login", sessionId=raw(1), login=two["session_id"])
    assert shop.query("shop:logins", sessionId=raw(1)) == [one]
    assert shop.query("shop:logins_of", user="ada") == 1
    assert shop.query("shop:who", sessionId=raw(2)) is None
    shop.mutation("shop:invalidate_all")
    assert shop.query("shop:logins_of", user="ada") == 0


def test_a_page_that_died_before_its_own_commit(shop: World) -> None:
    """It still has the old ID, and everything with it; the next refresh of the same page goes on."""
    shop.mutation("shop:add", sessionId=raw(1), name="tea")
    shop.mutation("shop:refresh", sessionId=raw(1), new=raw(2))
    assert shop.query("shop:cart", sessionId=raw(1)) == ["tea"]
    assert shop.action("shop:sees", sessionId=raw(1)) == shop.query("shop:digest", sessionId=raw(2))
    answer = shop.call("mutation", "shop:refresh", sessionId=raw(1), new=raw(3)).json
    assert answer["errorData"] == {"code": "session_moved", "message": REFUSALS["session_moved"]}
    assert shop.query("shop:cart", sessionId=raw(3)) == []


def test_many_refresh_one_session_at_one_instant(shop: World) -> None:
    """One of them wins, the others are told; what was there, and what came meanwhile, is the winner's."""
    callers = range(10, 60)

    async def main() -> list[dict[str, Any]]:
        calls = []
        for number in callers:
            calls.append(shop.acall("mutation", "shop:add", sessionId=raw(1), name=f"tea {number}"))
            calls.append(shop.acall("mutation", "shop:refresh", sessionId=raw(1), new=raw(number)))
        return [answer.json for answer in await asyncio.gather(*calls)]

    answers = asyncio.run(main())
    assert {answer["status"] for answer in answers[0::2]} == {"success"}
    refreshed = answers[1::2]
    [winner] = [number for number, answer in zip(callers, refreshed, strict=True) if answer["status"] == "success"]
    assert {answer["errorData"]["code"] for answer in refreshed if "errorData" in answer} == {"session_moved"}
    everything = sorted(f"tea {number}" for number in callers)
    assert sorted(shop.query("shop:cart", sessionId=raw(winner))) == everything
    assert sorted(shop.query("shop:cart", sessionId=raw(1))) == everything
    assert {len(shop.query("shop:cart", sessionId=raw(number))) for number in callers if number != winner} == {0}


@pytest.mark.parametrize(
    ("meanwhile", "args", "carts"),
    [
        ("refresh", {"new": raw(2)}, [["from the action"], ["from the action"]]),
        ("login", {"new": raw(2), "user": "ada"}, [[], []]),
        ("invalidate_all", {}, [[], []]),
        ("end", {}, [[], []]),
    ],
)
def test_what_happens_to_a_session_during_an_action(
    shop: World, meanwhile: str, args: dict[str, Any], carts: list[list[str]]
) -> None:
    """It goes along with a refresh; after a log-in or an end, what the action does is nobody's."""
    shop.action("shop:during", sessionId=raw(1), meanwhile=meanwhile, args=args)
    assert [shop.query("shop:cart", sessionId=raw(number)) for number in (1, 2)] == carts


def test_the_end_of_all_is_part_of_its_mutation_and_outlives_the_server(shop: World) -> None:
    """One that fails ends nothing; one that is acknowledged is on the disk, through a kill."""
    before = shop.query("shop:digest", sessionId=raw(1))
    shop.mutation("shop:add", sessionId=raw(1), name="tea")
    assert shop.call("mutation", "shop:invalidate_all", fail=True).json["errorData"] == {"code": "no"}
    assert shop.query("shop:cart", sessionId=raw(1)) == ["tea"]
    shop.close()
    functions = shop.database.parent / "functions"
    server = Process(functions, shop.database)
    assert server.call("mutation", "shop:invalidate_all").value is None
    ended = server.call("query", "shop:digest", sessionId=raw(1)).value
    server.kill()
    with serving(functions, shop.database) as server:
        assert server.call("query", "shop:digest", sessionId=raw(1)).value == ended != before
        assert server.call("query", "shop:cart", sessionId=raw(1)).value == []


def test_an_alias_outlives_the_server(shop: World) -> None:
    """So does the end of the session behind it."""
    shop.mutation("shop:add", sessionId=raw(1), name="tea")
    shop.mutation("shop:refresh", sessionId=raw(1), new=raw(2))
    shop.close()
    shop.app.state.database.open()
    assert shop.query("shop:cart", sessionId=raw(1)) == ["tea"]
    shop.mutation("shop:end", sessionId=raw(1))
    shop.close()
    shop.app.state.database.open()
    assert shop.query("shop:cart", sessionId=raw(2)) == shop.query("shop:cart", sessionId=raw(1)) == []
