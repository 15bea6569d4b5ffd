"""Shapes that hold others: lists, tuples, dicts, and unions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pillion_server.fitting import Misfit, Session, Shape, at, misfit, shown
from pillion_server.objects import Object


@dataclass(frozen=True)
class Items:
    """`list[T]`, `tuple[T, ...]`: as many values of one type as there are."""

    item: Shape
    make: Callable[[list[object]], object]

    name = "array"

    def fit(self, value: object, session: Session) -> Any:
        if not isinstance(value, (list, tuple)):
            raise misfit(self, value)
        fit, made = self.item.fit, list[object]()
        try:
            for each in cast("Sequence[object]", value):
                made.append(fit(each, session))
        except Misfit as error:
            raise at(error, f"[{len(made)}]") from None
        return self.make(made)


@dataclass(frozen=True)
class Row:
    """`tuple[A, B]`: so many values, each of a type of its own."""

    items: tuple[Shape, ...]
    make: Callable[[list[object]], object]

    name = "array"

    def fit(self, value: object, session: Session) -> Any:
        if not isinstance(value, (list, tuple)):
            raise misfit(self, value)
        values, made = cast("Sequence[object]", value), list[object]()
        if len(values) != len(self.items):
            raise Misfit(f"expected {len(self.items)} items, got {len(values)}")
        try:
            for shape, each in zip(self.items, values, strict=True):
                made.append(shape.fit(each, session))
        except Misfit as error:
            raise at(error, f"[{len(made)}]") from None
        return self.make(made)


@dataclass(frozen=True)
class Entries:
    """`dict[str, T]`."""

    key: Shape
    value: Shape

    name = "object"

    def fit(self, value: object, session: Session) -> Any:
        if not isinstance(value, dict):
            raise misfit(self, value)
        made: dict[object, object] = {}
        for key, each in cast("dict[object, object]", value).items():
            try:
                name = self.key.fit(key, session)
            except Misfit as error:
                raise Misfit(f"a key: {error.sentence}") from None
            try:
                made[name] = self.value.fit(each, session)
            except Misfit as error:
                raise at(error, f".{shown(key)}") from None
        return made


@dataclass(frozen=True)
class Union:
    """Several types: the value is of the one that it matches exactly, else of the first that it fits."""

    members: tuple[Shape, ...]
    exact: Mapping[type, Shape]

    @property
    def name(self) -> str:
        return " | ".join(each.name for each in self.members)

    def fit(self, value: object, session: Session) -> Any:
        exact = self.exact.get(type(value))
        if exact is not None:
            return exact.fit(value, session)
        misfits: list[Misfit] = []
        for member in self.members:
            try:
                return member.fit(value, session)
            except Misfit as error:
                misfits.append(error)
        raise _refusal(self, value, misfits)


def _refusal(union: Union, value: object, misfits: Sequence[Misfit]) -> Misfit:
    """What the one member says that the value was meant for, or that it is none of them."""
    inside = [each for each in misfits if each.steps or not each.other]
    mark = _mark(union)
    meant = [each for each in inside if each.steps != [mark]]
    if len(meant) == 1:
        return meant[0]
    if inside and not meant:
        return inside[0]
    return misfit(union, value)


def _mark(union: Union) -> str | None:
    """The step to the field that tells the objects of a union apart, if all of them have such a one."""
    marks = [each.marks for each in union.members if isinstance(each, Object)]
    return next((f".{name}" for name in marks[0] if all(name in each for each in marks)), None) if marks else None
