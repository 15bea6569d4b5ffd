"""Annotations as shapes; which values fit them is in test_signature.py and test_returns.py."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, NewType, TypedDict, TypeVar

import pytest

from pillion_server import DefinitionError, SessionId
from pillion_server.annotations import Reader, Use, hints_of
from pillion_server.containers import Entries, Items, Union
from pillion_server.objects import Object

T = TypeVar("T")


@dataclass
class Page(Generic[T]):
    """A generic class of the user's."""

    items: list[T]
    size: int = field(default=1, init=False)


class Loose(TypedDict, total=False):
    """Fields that may all be missing."""

    a: int
    b: "str"


def read(annotation: Any, use: Use = Use.ARGUMENT) -> Any:
    return Reader(use).shape_of(annotation)


def test_hints_are_evaluated_where_they_are_written() -> None:
    """Also under a decorator that wraps."""

    def f(ctx: object, a: "Page[int]") -> None: ...

    assert hints_of("f", f, {"a": "Page[int]"}) == {"a": Page[int]}
    with pytest.raises(DefinitionError, match=r"f: an annotation can't be read .*import what it names"):
        hints_of("f", f, {"a": "Nowhere"})


def test_generic_classes() -> None:
    """Their parameters are put in; a field that the constructor doesn't take is not on the wire."""
    shape = read(Page[int])
    assert isinstance(shape, Object)
    [items] = shape.fields
    assert isinstance(items.shape, Items)
    assert items.shape.item.name == "int"
    assert read(Page).fields[0].shape.item.name == "Any"


def test_fields_that_may_be_missing() -> None:
    """Those of a class that is not total."""
    assert [(each.wire, each.required) for each in read(Loose).fields] == [("a", False), ("b", False)]


def test_names_of_types() -> None:
    """What they name is read; what they say besides is for others."""
    assert read(NewType("Age", int)).name == "int"
    assert read(Annotated[int, "years"]).name == "int"
    assert isinstance(read(dict), Entries)
    assert isinstance(read(int | None), Union)


@pytest.mark.parametrize(
    "annotation", [SessionId, SessionId | None, list[SessionId], dict[str, list[SessionId | None]]]
)
def test_it_notices_sessions(annotation: Any) -> None:
    """Anywhere in it."""
    reader = Reader(Use.ARGUMENT)
    reader.shape_of(list[int])
    assert not reader.takes_sessions
    reader.shape_of(annotation)
    assert reader.takes_sessions


def test_a_session_may_only_be_optional_in_an_argument() -> None:
    """A raw ID would pass for a str; in results and documents there is none."""
    with pytest.raises(TypeError, match="may only be optional"):
        read(SessionId | str)
    assert isinstance(read(SessionId | str, Use.RESULT), Union)
    assert isinstance(read(SessionId | str, Use.DOCUMENT), Union)


@pytest.mark.parametrize("annotation", [3, [int], T, set[int], complex, dict[int, int], dict[bytes, int], object()])
def test_what_is_no_type_of_values(annotation: Any) -> None:
    """It is a TypeError, from which a DefinitionError is made."""
    with pytest.raises(TypeError):
        read(annotation)
