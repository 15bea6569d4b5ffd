"""What live queries cost the server: to tell many of a change, not to tell many, and to have all of them come back.

    make bench                                                                         all of it: some minutes
    .venv/bin/python benchmarks/live.py --rounds 1 --subscribers 20 --unrelated 10 100     a quick look

to all        a mutation that every subscriber is shown ÷ a frame of the same length that as many sockets are sent by hand
to one        a mutation that one subscriber is shown, beside many queries that it doesn't touch ÷ the same beside few
coming back   a server that has just started, and all subscribers at once, until each is shown its value ÷ sockets by hand,
              as many, until each is sent a frame of the same length

Two costs are told of each: the CPU seconds of the server's process, and those by the clock, which count what else the
machine does. By hand is a broadcast by Starlette's WebSockets, see served.py; each server is behind uvicorn as `pillion run`
sets it up. All sockets are those of this process, see crowd.py. A subscriber has one socket and shows one query; the queries
that aren't touched are shown by ten sockets, those of few as those of many. Both sides of a ratio take turns; each figure
is the median of the rounds, and a ratio is the median of theirs.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import shelf
from crowd import Crowd, allow
from served import Served, served

ROOT = Path(__file__).parents[1]

TARGETS = {"to all": 2.0, "to one": 1.1, "coming back": None}
"""What the ratios are not to exceed, where there is a target."""

UNRELATED_SOCKETS = 10

_numbers = count(1)


class Cost(NamedTuple):
    """In seconds."""

    cpu: float
    clock: float


class Round(NamedTuple):
    """What one round cost on both sides."""

    base: Cost
    ours: Cost


Side = Callable[[], Awaitable[Cost]]


def call(function: str, /, **args: object) -> dict[str, object]:
    """A call of a function of `shelf`, as a part of a frame."""
    return {"udfPath": f"shelf:{function}", "args": [args]}


def opening(queries: Sequence[dict[str, object]], seen: str | None = None) -> list[str]:
    """The frames of a client that shows queries. seen: the timestamp of what it has seen before."""
    connect: dict[str, Any] = {
        "type": "Connect",
        "sessionId": str(uuid.uuid4()),
        "connectionCount": int(seen is not None),
    }
    if seen is not None:
        connect["maxObservedTimestamp"] = seen
    modifications = [{"type": "Add", "queryId": number, **query} for number, query in enumerate(queries)]
    modify = {"type": "ModifyQuerySet", "baseVersion": 0, "newVersion": 1, "modifications": modifications}
    return [json.dumps({**connect, "clientTs": time.time() * 1000}), json.dumps(modify)]


def new_name() -> str:
    """What a document is called that was not there before; all of one length."""
    return f"{shelf.NAME}, number {next(_numbers):09}"


async def add(crowd: Crowd, by: int | None = None) -> str:
    """Adds a document, and waits until it is shown; its name."""
    name = new_name()
    args = {**shelf.arguments(0), "name": name}
    await crowd.say(json.dumps({"type": "Mutation", "requestId": next(_numbers), **call("add", **args)}), name, by=by)
    return name


async def cost(server: Served, times: int, work: Callable[[], Awaitable[object]]) -> Cost:
    """What it costs to do some work once, when it is done so many times."""
    cpu, clock = server.cpu_seconds(), time.perf_counter()
    for _ in range(times):
        await work()
    clock = time.perf_counter() - clock
    return Cost((server.cpu_seconds() - cpu) / times, clock / times)


async def play(number: int, base: Side, ours: Side) -> Round:
    """One round: first what is compared with, then ours; the other way round every second time."""
    if number % 2:
        return Round(await base(), await ours())
    last = await ours()
    return Round(await base(), last)


async def measure_to_all(path: Path, rounds: int, subscribers: int, mutations: int) -> tuple[list[Round], str]:
    """The rounds, and a frame that subscribers were sent."""
    with served() as bare, served(path) as ours:
        here, there = Crowd(), Crowd()
        await here.connect(ours.port, [opening([call("newest")]) for _ in range(subscribers)], shelf.NAME)
        first = await add(here)
        before, _, after = here.last.partition(first)
        await there.connect(bare.port, [[here.last]] * subscribers, shelf.NAME)

        async def broadcast() -> None:
            name = new_name()
            await there.say(before + name + after, name)

        sides = partial(cost, bare, mutations, broadcast), partial(cost, ours, mutations, partial(add, here))
        measured = [await play(number, *sides) for number in range(rounds)]
        for crowd in (here, there):
            crowd.leave()
        return measured, here.last


async def measure_to_one(paths: Sequence[Path], rounds: int, unrelated: Sequence[int], mutations: int) -> list[Round]:
    """Those beside few and beside many."""
    with served(paths[0]) as few, served(paths[1]) as many:
        sides: list[Side] = []
        crowds = Crowd(), Crowd()
        for crowd, server, queries in zip(crowds, (few, many), unrelated, strict=True):
            theirs = [call("mine", sessionId=shelf.raw_id(number)) for number in range(1, queries + 1)]
            shares = [theirs[number::UNRELATED_SOCKETS] for number in range(UNRELATED_SOCKETS)]
            mine = [call("mine", sessionId=shelf.raw_id(0))]
            await crowd.connect(server.port, [opening(each) for each in (mine, *shares)], shelf.NAME)
            sides.append(partial(cost, server, mutations, partial(add, crowd, by=1)))
        measured = [await play(number, sides[0], sides[1]) for number in range(rounds)]
        for crowd in crowds:
            crowd.leave()
        return measured


async def measure_coming_back(path: Path, rounds: int, subscribers: int, frame: str) -> list[Round]:
    """Those of servers that have just started. frame: one that subscribers were sent before."""
    seen = json.loads(frame)["endVersion"]["ts"]

    async def come(database: Path | None) -> Cost:
        with served(database) as server:
            crowd = Crowd()
            openings = [[frame] if database is None else opening([call("newest")], seen) for _ in range(subscribers)]
            spent = await cost(server, 1, lambda: crowd.connect(server.port, openings, shelf.NAME))
            crowd.leave()
            return spent

    return [await play(number, partial(come, None), partial(come, path)) for number in range(rounds)]


def tell(measured: Mapping[str, list[Round]]) -> bool:
    """Prints the table; whether everything is as it is meant to be."""
    print(f"{'median of the rounds':<14}{'target':>8}{'CPU':>8}{'clock':>8}{'CPU, ms':>20}{'clock, ms':>20}")
    reached = True
    for name, rounds in measured.items():
        target = TARGETS[name]
        columns = []
        for kind in (0, 1):
            base, ours = ([side[kind] for side in sides] for sides in zip(*rounds, strict=True))
            ratio = statistics.median(mine / other for mine, other in zip(ours, base, strict=True))
            columns.append((ratio, f"{statistics.median(ours) * 1000:.2f} ÷ {statistics.median(base) * 1000:.2f}"))
            reached = reached and (target is None or ratio <= target)
        (cpu, cpu_ms), (clock, clock_ms) = columns
        aim = "" if target is None else f"≤ {target}"
        print(f"{name:<14}{aim:>8}{cpu:>8.2f}{clock:>8.2f}{cpu_ms:>20}{clock_ms:>20}")
    return reached


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, list[Round]]:
    """All of it, by the names in `TARGETS`."""
    paths = [folder / f"{name}.sqlite3" for name in ("all", "few", "many")]
    for path, sessions in zip(paths, (1, *options.unrelated), strict=True):
        shelf.fill(path, sessions + 1)
    measured: dict[str, list[Round]] = {}
    rounds, subscribers, mutations = options.rounds, options.subscribers, options.mutations
    measured["to all"], frame = await measure_to_all(paths[0], rounds, subscribers, mutations)
    measured["to one"] = await measure_to_one(paths[1:], rounds, options.unrelated, 10 * mutations)
    measured["coming back"] = await measure_coming_back(paths[0], rounds, subscribers, frame)
    return measured


def main() -> int:
    """Measures and prints; 1 if a target of `TARGETS` is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="how many times everything is measured")
    parser.add_argument("--subscribers", type=int, default=1000, help="who are told of a mutation, or come back")
    parser.add_argument("--mutations", type=int, default=20, help="of a round, and ten times as many to one subscriber")
    parser.add_argument("--unrelated", type=int, nargs=2, default=(10, 10_000), help="queries that it doesn't touch")
    options = parser.parse_args()
    allow(2 * options.subscribers)
    loaded = os.getloadavg()[0]
    home = ROOT / ".pillion"
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        reached = tell(asyncio.run(measure(options, Path(folder))))
    print(f"{os.cpu_count()} cores, load average {loaded:.1f} at the start, {os.getloadavg()[0]:.1f} at the end")
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
