"""How a value says no: a sentence and a place. What fits what is in test_signature.py and test_returns.py."""

from pillion_server.fitting import Misfit, at, kind_of, misfit, shown
from pillion_server.scalars import Integer
from pillion_shared import Int64
from server.world import RAW_ID


def test_the_place_is_built_from_inside() -> None:
    """Each container adds its step."""
    error = Misfit("no")
    for step in (".x", "[0]", ".points"):
        assert at(error, step) is error
    assert error.place == "points[0].x"
    assert Misfit("no").place == ""
    assert at(Misfit("no"), "[3]").place == "[3]"


def test_no_place_holds_a_session_id() -> None:
    """A key may be one."""
    assert RAW_ID not in at(Misfit("no"), f".{RAW_ID}").place
    assert RAW_ID not in shown(RAW_ID)
    assert len(shown("x " * 100)) == 80


def test_values_are_called_as_on_the_wire() -> None:
    """Where it has a word for them."""
    values = None, True, 1, Int64(1), 0.5, "a", b"a", [], (), {}, Int64
    expected = "null bool int Int64 float str bytes array array object type"
    assert " ".join(map(kind_of, values)) == expected


def test_a_number_that_may_be_rounded() -> None:
    """It is told apart from one with a fraction."""
    assert "beyond 2^53" in misfit(Integer(), 2.0**60).sentence
    assert misfit(Integer(), 0.5).sentence == "expected `int`, got `float`"
