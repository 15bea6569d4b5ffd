"""What a call of a server function costs, with few sessions in the database and with many.

    make bench                                                                      all of it: some minutes
    .venv/bin/python benchmarks/server.py --rounds 1 --calls 200 --sessions 10 20   a quick look

cached, uncached    requests per CPU second of the server's process ÷ those of an echo, which gets the same requests
mutations           acknowledged per second, by 64 callers ÷ by a loop over `sqlite3` with the same rows and durability

Both sides of a ratio take turns; each figure is the median of the rounds' ratios. See served.py and mutations.py for what
exactly is compared, and shelf.py for the functions and the database, which lies on the disk of this folder.
"""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import served
import shelf
from mutations import ByHand, Functions

from pillion_shared.wire import FORMAT

ROOT = Path(__file__).parents[1]
APART = 1.2
"""How much slower a call may be with many sessions than with few."""

TARGETS = {
    "cached query": 0.6,
    "cached query of a session": 0.6,
    "uncached indexed query of a session": 0.4,
    "mutations, synchronous=FULL": 1.0,
    "mutations, synchronous=NORMAL": 0.3,
}
"""What the ratios are to reach."""

CACHED = 100
"""How many sessions ask for what is kept."""

_numbers = count()

Side = Callable[[], float]
"""Measures one side once; how many it does in a second."""


class Round(NamedTuple):
    """One round: the ratios with few sessions and with many, and our rate with few ÷ ours with many."""

    few: float
    many: float
    apart: float


def requests(sessions: int, calls: int) -> dict[str, list[bytes]]:
    """What is sent, by the names in `TARGETS`."""

    def query(name: str, **args: object) -> bytes:
        return served.post("query", {"path": f"shelf:{name}", "args": args, "format": FORMAT})

    def anybody() -> str:
        return shelf.raw_id(random.randrange(sessions))

    return {
        "cached query": [query("newest")] * calls,
        "cached query of a session": [
            query("mine", sessionId=shelf.raw_id(number % min(CACHED, sessions))) for number in range(calls)
        ],
        "uncached indexed query of a session": [
            query("mine_uncached", sessionId=anybody(), number=next(_numbers)) for _ in range(calls)
        ],
    }


def writes(sessions: int, calls: int) -> list[bytes]:
    """Mutations to be sent."""
    return [
        served.post(
            "mutation", {"path": "shelf:add", "args": shelf.arguments(random.randrange(sessions)), "format": FORMAT}
        )
        for _ in range(calls)
    ]


def play(number: int, few: tuple[Side, Side], many: tuple[Side, Side]) -> Round:
    """One round: first what is compared with, then ours; the other way round every second time."""
    sides = [*few, *many]
    rates = {place: sides[place]() for place in (range(4) if number % 2 else reversed(range(4)))}
    return Round(rates[1] / rates[0], rates[3] / rates[2], rates[1] / rates[3])


def measure_http(paths: Sequence[Path], sizes: Sequence[int], rounds: int, calls: int) -> dict[str, list[Round]]:
    """Queries; prints what mutations take over HTTP too, which is compared with nothing."""
    measured: dict[str, list[Round]] = {}
    with ExitStack() as stack:
        echo, few, many = (stack.enter_context(served.served(path)) for path in (None, *paths))
        for number in range(rounds):
            sent = zip(requests(sizes[0], calls).items(), requests(sizes[1], calls).values(), strict=True)
            for (name, to_few), to_many in sent:
                sides = [
                    partial(server.requests_per_cpu_second, told)
                    for server, told in ((echo, to_few), (few, to_few), (echo, to_many), (many, to_many))
                ]
                measured.setdefault(name, []).append(play(number, (sides[0], sides[1]), (sides[2], sides[3])))
        per_cpu = statistics.median(few.requests_per_cpu_second(writes(sizes[0], calls)) for _ in range(rounds))
        per_second = statistics.median(few.requests_per_second(writes(sizes[0], calls)) for _ in range(rounds))
    print(f"mutations over HTTP, synchronous=FULL: {per_second:,.0f} per second, {per_cpu:,.0f} per CPU second\n")
    return measured


def measure_mutations(paths: Sequence[Path], sizes: Sequence[int], rounds: int, calls: int) -> dict[str, list[Round]]:
    """Mutations without HTTP."""
    measured: dict[str, list[Round]] = {}
    with ExitStack() as stack:
        sides: list[ByHand | Functions] = []
        for path, size in zip(paths, sizes, strict=True):
            copy = shutil.copyfile(path, path.with_suffix(".copy"))
            sides += [stack.enter_context(closing(ByHand(copy))), stack.enter_context(closing(Functions(path, size)))]
        for number in range(rounds):
            for durability in ("FULL", "NORMAL"):
                timed = [partial(side.per_second, durability, calls) for side in sides]
                rounds_of = measured.setdefault(f"mutations, synchronous={durability}", [])
                rounds_of.append(play(number, (timed[0], timed[1]), (timed[2], timed[3])))
    return measured


def tell(measured: Mapping[str, list[Round]], sizes: Sequence[int]) -> bool:
    """Prints the table; whether everything is as it is meant to be."""
    print(f"{'median of the rounds':<38}{'target':>8}{sizes[0]:>12,}{sizes[1]:>12,} sessions{'few ÷ many':>12}")
    reached = True
    for name, rounds in measured.items():
        few, many, apart = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{name:<38}{f'≥ {TARGETS[name]}':>8}{few:>12.2f}{many:>12.2f}         {apart:>12.2f}")
        reached = reached and min(few, many) >= TARGETS[name] and apart <= APART
    return reached


def main() -> int:
    """Measures and prints; 1 if a target of `TARGETS` or `APART` is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="how many times everything is measured")
    parser.add_argument("--calls", type=int, default=2048, help="of each side in a round, at least 64")
    parser.add_argument("--sessions", type=int, nargs=2, default=(1000, 1_000_000), help="in the two databases")
    options = parser.parse_args()
    home = ROOT / ".pillion"
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        paths = [Path(folder, f"{size}.sqlite3") for size in options.sessions]
        for path, size in zip(paths, options.sessions, strict=True):
            shelf.fill(path, size)
        measured = measure_http(paths, options.sessions, options.rounds, options.calls)
        measured |= measure_mutations(paths, options.sessions, options.rounds, options.calls)
    return int(not tell(measured, options.sessions))


if __name__ == "__main__":
    sys.exit(main())
