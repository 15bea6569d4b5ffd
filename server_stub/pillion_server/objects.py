"""The shape of an object: a `TypedDict`, a dataclass, a `msgspec.Struct`, or the arguments of a call.

Into a function it becomes what was asked for, and a field that isn't named is refused. Out of one it becomes a
dict of the fields that are named, and the others are left behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, is_typeddict

import msgspec

from pillion_server.fitting import Misfit, Session, Shape, at, kind_of, misfit, shown
from pillion_server.scalars import OneOf
from pillion_shared.ids import quotable


@dataclass(frozen=True)
class Field:
    """A field of an object: what it is called in Python and on the wire, and its type."""

    name: str
    wire: str
    shape: Shape
    required: bool


@dataclass
class Object:
    """A `TypedDict`, a dataclass or a `msgspec.Struct`; `fields` follow, as a type may hold itself.

    tag: the field and the value by which msgspec tells a Struct from others.
    """

    type: type
    out: bool
    tag: tuple[str, object] | None = None
    fields: tuple[Field, ...] = ()

    @property
    def name(self) -> str:
        return self.type.__name__

    @property
    def marks(self) -> list[str]:
        """The fields that may tell it from others: its tag, and those of a `Literal`."""
        literals = [each.wire for each in self.fields if isinstance(each.shape, OneOf)]
        return literals if self.tag is None else [self.tag[0], *literals]

    def fit(self, value: object, session: Session) -> Any:
        return self._strip(value, session) if self.out else self._make(value, session)

    def _make(self, value: object, session: Session) -> Any:
        if not isinstance(value, dict):
            raise Misfit(f"expected `object`, got `{kind_of(value)}`", other=True)
        made = fields_of(self.fields, self._untagged(cast("dict[str, object]", value)), session)
        try:
            return self.type(**made)
        except (ValueError, TypeError) as error:
            raise Misfit(quotable(str(error))) from error

    def _strip(self, value: object, session: Session) -> Any:
        if isinstance(value, dict):
            given = self._untagged(cast("dict[str, object]", value))
        elif not is_typeddict(self.type) and isinstance(value, self.type):
            given = {each.wire: getattr(value, each.name) for each in self.fields if _is_set(value, each.name)}
        else:
            raise misfit(self, value)
        made = present(self.fields, given, session, wire=True)
        return made if self.tag is None else {self.tag[0]: self.tag[1], **made}

    def _untagged(self, given: Mapping[str, object]) -> Mapping[str, object]:
        """The fields without the tag, which may be left out but not be another's."""
        if self.tag is None:
            return given
        name, mark = self.tag
        if given.get(name, mark) != mark:
            raise at(Misfit("not one of the values that are allowed"), f".{name}")
        return {each: value for each, value in given.items() if each != name}


def fields_of(fields: Sequence[Field], given: Mapping[str, object], session: Session) -> dict[str, Any]:
    """The given fields under their names in Python; one that isn't named, or is missing, is a `Misfit`."""
    made = present(fields, given, session, wire=False)
    if len(made) < len(given):
        names = {each.wire for each in fields}
        for name in given:
            if name not in names:
                raise Misfit(f"there is no field `{shown(name)}`")
    return made


def present(fields: Sequence[Field], given: Mapping[str, object], session: Session, *, wire: bool) -> dict[str, Any]:
    """The named fields that are given; a required one that is missing is a `Misfit`."""
    made: dict[str, Any] = {}
    for each in fields:
        if (name := each.wire) in given:
            try:
                made[name if wire else each.name] = each.shape.fit(given[name], session)
            except Misfit as error:
                raise at(error, f".{name}") from None
        elif each.required:
            raise Misfit(f"the required field `{name}` is missing")
    return made


def _is_set(value: object, name: str) -> bool:
    return getattr(value, name, msgspec.UNSET) is not msgspec.UNSET
