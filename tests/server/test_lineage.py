"""Which session an ID opens."""

from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest

from pillion_server import SessionId
from pillion_server.lineage import Known
from server.clockwork import DIGESTS, START, Clockwork, raw


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Clockwork]:
    """Sessions whose time is set by hand."""
    bench = Clockwork(tmp_path)
    yield bench
    bench.connection.close()


def rows(bench: Clockwork) -> int:
    return int(bench.connection.value("select count(*) from sessions"))


def test_an_id_opens_the_session_of_its_digest(bench: Clockwork) -> None:
    """As it did before sessions could end; nothing is kept of it."""
    assert bench.opens(1) == DIGESTS.of(raw(1))
    assert bench.opens(1).via is None
    assert rows(bench) == 0


@pytest.mark.parametrize("value", ["short", 7, None, DIGESTS.of(raw(1))])
def test_what_is_no_id_is_refused(bench: Clockwork, value: object) -> None:
    """A digest too."""
    with pytest.raises(ValueError, match="not a session ID"), bench.mutation() as now:
        now.lineage.of(value)


def test_an_id_opens_another_session_each_time_one_has_ended(bench: Clockwork) -> None:
    """However often; the first end costs two rows, each later one a row."""
    seen = [bench.opens(1)]
    for ends in range(1, 20):
        bench.end(1)
        assert rows(bench) == ends + 1
        seen.append(bench.opens(1))
    assert len(set(seen)) == 20
    assert bench.opens(2) == DIGESTS.of(raw(2))


def test_a_known_session(bench: Clockwork) -> None:
    """Live with nothing to say; then bound; then ended, with who took over."""
    first, second = bench.opens(1), bench.opens(2)
    with bench.mutation() as now:
        assert now.lineage.known(first) == Known(first, live=True)
    bench.bind(1, "ada")
    with bench.mutation() as now:
        assert now.lineage.known(first) == Known(first, live=True, user="ada")
        assert now.lineage.of_user("ada") == [(first, START)]
    bench.transfer(1, 2, grace=5)
    with bench.mutation() as now:
        assert now.lineage.known(first) == Known(first, live=False, heir=second, until=START + 5000)
        assert now.lineage.of_user("ada") == []


def test_what_is_no_session_is_refused(bench: Clockwork) -> None:
    """Such as the ID of a document."""
    with pytest.raises(ValueError, match="not a session"), bench.mutation() as now:
        now.lineage.known("users:abc")


def test_what_a_held_session_is_by_now(bench: Clockwork) -> None:
    """Itself; who took over, for its grace; then an empty one, another one each time."""
    held, heir = bench.opens(1), bench.opens(2)
    assert bench.again(held) is held
    bench.transfer(1, 2, grace=10)
    by_alias = bench.again(held)
    assert (by_alias, by_alias.via) == (heir, held)
    assert bench.again(by_alias) == heir
    bench.wait(10)
    empty = [bench.again(each) for each in (held, by_alias, held, by_alias)]
    assert len({held, heir, bench.opens(1), *empty}) == 7
    assert bench.again(heir) is heir


def test_a_held_session_from_before_the_end_of_all_is_an_empty_one(bench: Clockwork) -> None:
    """Also one that the server has kept no row of, and one that came by an alias."""
    bench.transfer(1, 2)
    held = [bench.opens(1), bench.opens(2), bench.opens(3)]
    with bench.mutation() as now:
        now.sessions.invalidate_all()
    now_open = {bench.opens(number) for number in (1, 2, 3)}
    assert len({*held, *now_open, *(bench.again(each) for each in held)}) == 8


def test_a_digest_that_an_action_makes_up_of_a_document(bench: Clockwork) -> None:
    """It is the session that it was, as long as that one lives."""
    again = bench.again(SessionId(str(bench.opens(1))))
    assert again == bench.opens(1)


def test_looking_up_uses_the_indexes(bench: Clockwork) -> None:
    """A million ended sessions make nothing slower; `epoch` has one row."""
    from pillion_server import lineage

    queries = {
        "_OPENS": ("x", 0),
        "_ROW": ("x",),
        "_OF_USER": ("x",),
        "_HAND_ON": ("x", 0, "x", 0),
        "_CUT": ("x",),
    }
    for name, bindings in queries.items():
        plan = bench.connection.rows("explain query plan " + getattr(lineage, name), bindings)
        assert [row[3] for row in plan if row[3].startswith("SCAN") and row[3] != "SCAN epoch"] == [], name


def test_its_use_ends_with_the_function(bench: Clockwork) -> None:
    """It can't look into another transaction."""
    with bench.mutation() as now:
        lineage = now.lineage
        lineage.end()
    with pytest.raises(RuntimeError, match=r"ctx\.sessions was used after its function had ended"):
        lineage.of(raw(1))


def test_which_users_were_asked_for_and_changed(bench: Clockwork) -> None:
    """So that an answer that shows a session's user is given anew when he may be another one."""
    one, two = bench.opens(1), bench.opens(2)
    with bench.mutation() as now:
        assert now.lineage.user(one) is None
        assert (now.lineage.asked, now.lineage.changed) == ({one}, set())
        now.lineage.bind(one, "ada")
        now.lineage.close(two)
        assert now.lineage.changed == {one, two, "user ada"}
        assert now.lineage.of_user("bo") == []
        assert now.lineage.asked == {one, "user bo"}
        now.lineage.close_all()
        now.lineage.close(now.lineage.of(raw(3)))
        assert now.lineage.changed is None


def test_how_long_an_alias_leads_on(bench: Clockwork) -> None:
    """Until the first of those that were asked for is over; what is no alias stays."""
    for old, new, grace in ((1, 2, 5), (3, 4, 60)):
        bench.opens(old)
        bench.transfer(old, new, grace=grace)
    with bench.mutation() as now:
        now.lineage.of(raw(2))
        assert now.lineage.until == inf
        led_on = now.lineage.of(raw(3))
        assert now.lineage.until == START + 60_000
        now.lineage.of(raw(1))
        assert now.lineage.until == START + 5_000
    with bench.mutation() as now:
        now.lineage.again(led_on)
        assert now.lineage.until == START + 60_000
