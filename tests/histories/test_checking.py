"""The checker, on histories so small that their one anomaly can be seen."""

import pytest

from histories.checking import anomalies
from histories.history import Append, History, Read, Transaction

X, Y = 0, 1


def r(key: int, *values: int) -> Read:
    return Read(key, values)


def a(key: int, value: int) -> Append:
    return Append(key, value)


def at_once(*steps: tuple[Read | Append, ...]) -> History:
    """Transactions all of which overlap."""
    return [Transaction(each, 0, 100) for each in steps]


def in_turn(*steps: tuple[Read | Append, ...]) -> History:
    """Each begins when the one before has ended."""
    return [Transaction(each, 10 * n, 10 * n + 5) for n, each in enumerate(steps)]


def rolled_back(*steps: Read | Append) -> Transaction:
    return Transaction(steps, 0, 100, failed=True)


def unanswered(*steps: Read | Append) -> Transaction:
    return Transaction(steps, 0, None)


HISTORIES: dict[str, list[History]] = {
    "G0": [at_once((a(X, 1), a(Y, 1)), (a(X, 2), a(Y, 2)), (r(X, 1, 2),), (r(Y, 2, 1),))],
    "G1a": [[*at_once((r(X, 1),)), rolled_back(a(X, 1))]],
    "G1b": [at_once((a(X, 1), a(X, 2)), (r(X, 1),))],
    "G1c": [at_once((a(X, 1), r(Y, 1)), (a(Y, 1), r(X, 1)))],
    "G-single": [
        at_once((a(X, 1), a(Y, 1)), (r(X, 1), r(Y)), (r(Y, 1),)),
        at_once((r(X), a(X, 1)), (r(X), a(X, 2)), (r(X, 1, 2),)),
        at_once((r(X), r(Y, 1)), (a(X, 1),), (r(X, 1), a(Y, 1))),
    ],
    "G2": [
        at_once((r(X), a(Y, 1)), (r(Y), a(X, 1)), (r(X, 1), r(Y, 1))),
        at_once((r(X), r(Y, 1)), (r(X, 1), r(Y)), (a(X, 1),), (a(Y, 1),)),
    ],
    "lost append": [
        in_turn((a(X, 1),), (a(X, 2),), (r(X, 2),)),
        in_turn((a(X, 1),), (r(X),)),
        [*in_turn((r(X, 1),), (r(X, 1), r(Y))), unanswered(a(X, 1), a(Y, 1))],
    ],
    "real time": [
        in_turn((a(X, 1),), (r(X),), (r(X, 1),)),
        in_turn((a(X, 1),), (a(X, 2),), (r(X, 2, 1),)),
    ],
    "internal": [
        at_once((a(X, 1), r(X)), (r(X, 1),)),
        at_once((r(X), r(X, 1)), (a(X, 1),)),
    ],
    "order": [at_once((a(X, 1),), (a(X, 2),), (r(X, 1),), (r(X, 2),))],
    "value": [at_once((r(X, 7),)), at_once((a(X, 1),), (r(X, 1, 1),))],
}


@pytest.mark.parametrize(("kind", "history"), [(kind, each) for kind, some in HISTORIES.items() for each in some])
def test_one_anomaly(kind: str, history: History) -> None:
    """It is found, and nothing else."""
    assert list(anomalies(history)) == [kind]


@pytest.mark.parametrize(
    "history",
    [
        [],
        in_turn((r(X),), (a(X, 1), r(X, 1)), (r(X, 1), a(X, 2), a(X, 3), r(X, 1, 2, 3)), (r(X, 1, 2, 3), r(Y))),
        at_once((a(X, 1), a(Y, 1)), (r(X), r(Y)), (r(X, 1), r(Y, 1)), (a(X, 2), r(X, 1, 2)), (r(X, 1, 2),)),
        at_once((a(X, 1), a(Y, 1)), (a(X, 2), a(Y, 2)), (r(X, 2, 1),), (r(Y, 2, 1),)),
        [*in_turn((r(X),), (r(X),)), rolled_back(a(X, 1)), unanswered(a(X, 2), a(Y, 2))],
        [*in_turn((r(X, 1), r(Y, 1)), (r(X, 1), a(X, 2))), unanswered(a(X, 1), a(Y, 1))],
    ],
)
def test_nothing_to_find(history: History) -> None:
    """What a serializable database may do; what got no answer may have happened or not."""
    assert anomalies(history) == {}


def test_an_example_in_words() -> None:
    """The transactions by their places in the history, and how each depends on the one before."""
    skewed = at_once((r(X), a(Y, 1)), (r(Y), a(X, 1)), (r(X, 1), r(Y, 1)))
    assert anomalies(skewed) == {"G2": "T0 -rw-> T1 -rw-> T0"}
