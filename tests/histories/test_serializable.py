"""Thousands of transactions side by side look as if they had run one after another; in broken databases they don't."""

import contextlib
import http.client
import sys
from collections.abc import Callable, Iterator
from itertools import accumulate, count, islice
from math import inf
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings

from histories import engines
from histories.checking import anomalies
from histories.generating import FUNCTIONS, MODULE, SCHEMA, Plan, looks_at_all, plans, popular_plans
from histories.history import Append, History, Read
from histories.recording import Answer, record, record_in_threads
from pillion_server.cache import Kept, Key, QueryCache
from pillion_server.database import Database
from pillion_server.loading import load
from pillion_server.runner import Runner
from server.world import serving, write_functions

TRANSACTIONS = min(10_000, 500 * settings().max_examples)
"""Three thousand in `make test-fast`, ten in `make test`."""

OVER_HTTP = 1_000
CALLERS = 32
IN_ONE_TRY = 300
TRIES = 30
"""How often a broken database may happen to do it right."""

NUMBERS = count()
"""A file for each database."""


@pytest.fixture(autouse=True)
def _threads_take_turns() -> Iterator[None]:
    """More often than they would by themselves."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    return write_functions(tmp_path / "functions", schema=SCHEMA, **{MODULE: FUNCTIONS})


def run(engine: type[Database], functions: Path, planned: list[Plan]) -> History:
    """The history of the plans on a new database, with a look at all lists in the end."""
    registry = load(functions)
    database = engine(functions.with_name(f"{next(NUMBERS)}.sqlite3"), registry.schema)
    database.open()
    runner = Runner(registry, database)

    async def call(plan: Plan) -> Answer:
        kind, path = plan.function
        answer = await runner.answer(kind, path, plan.arguments)
        return msgspec.json.decode(msgspec.json.encode(answer))  # as it arrives

    with contextlib.closing(database):
        history = record(planned, call, CALLERS)
        return [*history, *record(looks_at_all(history), call, CALLERS)]


def together(history: History) -> int:
    """How many of the transactions ran while another one did."""
    spans = sorted((each.began, each.ended or each.began) for each in history)
    latest = [0, *accumulate((ended for _, ended in spans), max)]
    later = [*(began for began, _ in spans[1:]), inf]
    return sum(
        began < before or after < ended for (began, ended), before, after in zip(spans, latest, later, strict=False)
    )


@pytest.mark.parametrize("engine", [Database, engines.OnThreads])
def test_no_anomaly(functions: Path, engine: type[Database]) -> None:
    """Most of the transactions run at the same time as others, and some of them fail."""
    history = run(engine, functions, list(islice(plans(1), TRANSACTIONS)))
    assert anomalies(history) == {}
    assert len(history) > TRANSACTIONS
    done = [each for each in history if not each.failed]
    assert TRANSACTIONS / 50 < len(history) - len(done) < TRANSACTIONS / 20
    assert sum(isinstance(step, Append) for each in done for step in each.steps) > TRANSACTIONS
    assert together(history) > len(history) * 0.9


def test_no_anomaly_in_answers_that_were_kept(functions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the queries and more are answered by the cache, between commits that touch what they read."""
    hits = list[object]()
    get = QueryCache.get

    def counted(cache: QueryCache, key: Key, mark: int) -> Kept | None:
        kept = get(cache, key, mark)
        hits.extend([kept] if kept else [])
        return kept

    monkeypatch.setattr(QueryCache, "get", counted)
    history = run(Database, functions, list(islice(popular_plans(3), TRANSACTIONS)))
    assert anomalies(history) == {}
    queries = sum(all(isinstance(step, Read) for step in each.steps) for each in history)
    assert queries > len(hits) > queries / 2


def test_no_anomaly_over_http(functions: Path, tmp_path: Path) -> None:
    """A server of its own, called by threads."""
    planned = list(islice(plans(2), OVER_HTTP))
    with serving(functions, tmp_path / "x.sqlite3") as process, contextlib.ExitStack() as stack:
        connections = [stack.enter_context(contextlib.closing(process.connect())) for _ in range(8)]

        def caller(connection: http.client.HTTPConnection) -> Callable[[Plan], Answer]:
            def call(plan: Plan) -> Answer:
                kind, path = plan.function
                return process.call(kind, path, connection, **plan.arguments).json

            return call

        history = record_in_threads(planned, map(caller, connections))
        history += record_in_threads(looks_at_all(history), [caller(connections[0])])
    assert anomalies(history) == {}
    assert len(history) > OVER_HTTP


@pytest.mark.parametrize(
    ("engine", "kinds"),
    [
        (engines.Unprotected, {"G0", "G1a", "G1b", "G1c", "G-single", "G2", "lost append"}),
        (engines.Split, {"G-single", "G2", "lost append"}),
        (engines.Stale, {"real time"}),
        (engines.Dropping, {"lost append"}),
    ],
)
def test_a_broken_database_is_found_out(functions: Path, engine: type[Database], kinds: set[str]) -> None:
    """By the very same transactions."""
    assert kinds <= found_by(plans, engine, functions, kinds)


@pytest.mark.parametrize("engine", [engines.Forgetful, engines.Hasty])
def test_a_broken_cache_is_found_out(functions: Path, engine: type[Database]) -> None:
    """By what it serves after a commit."""
    assert "real time" in found_by(popular_plans, engine, functions, {"real time"})


def found_by(
    make: Callable[[int], Iterator[Plan]], engine: type[Database], functions: Path, kinds: set[str]
) -> set[str]:
    """The anomalies of a few histories, until these kinds are among them."""
    found: set[str] = set()
    for seed in range(TRIES):
        found |= set(anomalies(run(engine, functions, list(islice(make(seed), IN_ONE_TRY)))))
        if kinds <= found:
            break
    return found
