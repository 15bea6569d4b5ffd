"""Random transactions on lists, and the server functions that run them.

Lists of even keys are a document each, which an append reads and patches; those of odd keys are a document per
value, found by an index. So what is tested are documents that change as well as ranges that grow.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from histories.history import History

MODULE = "lists"

FUNCTIONS = """
@mutation
def transact(ctx, steps: Any, fails: bool) -> Any:
    seen = [read(ctx.db, key) if value is None else append(ctx.db, key, value) for key, value in steps]
    if fails:
        raise FunctionError("as it was told to")
    return seen

@query
def look(ctx, steps: Any) -> Any:
    return [read(ctx.db, key) for key, _ in steps]

def read(db, key):
    if key % 2:
        return [row["value"] for row in db.query("values").with_index("by_key", key=key).collect()]
    document = db.query("lists").with_index("by_key", key=key).first()
    return document["values"] if document else []

def append(db, key, value):
    document = None if key % 2 else db.query("lists").with_index("by_key", key=key).first()
    if document:
        db.patch(document["_id"], values=[*document["values"], value])
    elif key % 2:
        db.insert("values", key=key, value=value)
    else:
        db.insert("lists", key=key, values=[value])
"""

SCHEMA = 'schema = Schema(lists=Table().index("by_key", "key"), values=Table().index("by_key", "key"))'

KEYS = 8
"""How many lists are in use at one time."""

MOVES = 12
"""After so many transactions the oldest of these makes way for a new one, so that no list gets long."""


@dataclass(frozen=True)
class Plan:
    """A transaction to be run: keys with the value to append, or with `None` to read."""

    steps: tuple[tuple[int, int | None], ...]
    fails: bool = False

    @property
    def function(self) -> tuple[str, str]:
        """Its kind and path: what only reads is a query."""
        is_query = all(value is None for _, value in self.steps) and not self.fails
        return ("query", f"{MODULE}:look") if is_query else ("mutation", f"{MODULE}:transact")

    @property
    def arguments(self) -> dict[str, object]:
        steps = [list(step) for step in self.steps]
        return {"steps": steps} if self.function[0] == "query" else {"steps": steps, "fails": self.fails}


def plans(seed: int) -> Iterator[Plan]:
    """Transactions without end: a third only read, one in twenty of the others fails when all is done."""
    dice = random.Random(seed)
    values = count(1)
    for number in count():
        appends = 0.0 if dice.random() < 1 / 3 else 0.6
        keys = [number // MOVES + dice.randrange(KEYS) for _ in range(dice.randint(1, 5))]
        steps = tuple((key, next(values) if dice.random() < appends else None) for key in keys)
        yield Plan(steps, fails=appends > 0 and dice.random() < 1 / 20)


def popular_plans(seed: int) -> Iterator[Plan]:
    """Transactions without end: nine in ten read one of four lists, all of them the same ones for a while."""
    dice = random.Random(seed)
    values = count(1)
    for number in count():
        keys = [number // (10 * MOVES) + key for key in range(4)]
        if dice.random() < 0.9:
            yield Plan(((dice.choice(keys), None),))
        else:
            yield Plan(tuple((key, next(values)) for key in dice.sample(keys, 2)))


def looks_at_all(history: History) -> list[Plan]:
    """A read of every list that is in a history."""
    return [Plan(((key, None),)) for key in sorted({step.key for each in history for step in each.steps})]
