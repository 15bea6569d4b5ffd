"""Shapes of single values: texts, numbers, bytes, and what travels as one of them."""

import datetime as dt
import decimal
import enum
import uuid
from dataclasses import dataclass
from typing import Any

import msgspec

from pillion_server.document_id import DocumentId
from pillion_server.fitting import Misfit, Session, Shape, misfit
from pillion_shared import Int64
from pillion_shared.ids import quotable
from pillion_shared.values import MAX_SAFE_INTEGER

FOREIGN = (dt.datetime, dt.date, dt.time, dt.timedelta, uuid.UUID, decimal.Decimal, enum.Enum)
"""Types that travel as the text, or the number, that msgspec writes for them."""


@dataclass(frozen=True)
class Anything:
    """`Any`: every value as it is."""

    name = "Any"

    def fit(self, value: object, _: Session) -> Any:
        return value


@dataclass(frozen=True)
class Scalar:
    """A value of one type, and of those that are as good: `bytearray` for `bytes`."""

    type: type
    name: str

    def fit(self, value: object, _: Session) -> Any:
        if isinstance(value, self.type):
            return value
        raise misfit(self, value)


@dataclass(frozen=True)
class Integer:
    """`int`: a whole number, also one that arrived as a Float64. -0.0 is 0."""

    name = "int"

    def fit(self, value: object, _: Session) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_SAFE_INTEGER:
            return int(value)
        raise misfit(self, value)


@dataclass(frozen=True)
class Number:
    """`float`: every number that a Float64 holds exactly, so that none is rounded in silence."""

    name = "float"

    def fit(self, value: object, _: Session) -> Any:
        if isinstance(value, float):
            return value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SAFE_INTEGER:
            return float(value)
        raise misfit(self, value)


@dataclass(frozen=True)
class Long:
    """`Int64`: a whole number of 64 bits."""

    name = "Int64"

    def fit(self, value: object, _: Session) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
            return Int64(value)
        raise misfit(self, value)


@dataclass(frozen=True)
class NoLong:
    """`int` or `float` of a document, where an `Int64` is another value, which an index keeps apart."""

    shape: Integer | Number

    @property
    def name(self) -> str:
        return self.shape.name

    def fit(self, value: object, session: Session) -> Any:
        if isinstance(value, Int64):
            raise misfit(self, value)
        return self.shape.fit(value, session)


@dataclass(frozen=True)
class OfSession:
    """`SessionId`."""

    name = "SessionId"

    def fit(self, value: object, session: Session) -> Any:
        try:
            return session(value)
        except ValueError as error:
            raise Misfit(str(error)) from None


@dataclass(frozen=True)
class OfTable:
    """`Id["users"]`: the ID of a document of one table."""

    type: type[DocumentId]

    @property
    def name(self) -> str:
        return self.type.__name__

    def fit(self, value: object, _: Session) -> Any:
        try:
            return self.type(value)
        except ValueError as error:
            raise Misfit(str(error)) from None


@dataclass(frozen=True)
class OneOf:
    """`Literal`: one of some values, and of their types, so that `True` is not 1."""

    values: tuple[object, ...]

    @property
    def name(self) -> str:
        return "one of " + ", ".join(map(repr, self.values))

    def fit(self, value: object, _: Session) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        for each in self.values:
            if each == value and isinstance(value, type(each)) and isinstance(value, bool) == isinstance(each, bool):
                return each
        raise Misfit("not one of the values that are allowed")


@dataclass(frozen=True)
class Foreign:
    """One of the `FOREIGN` types."""

    type: type
    out: bool

    @property
    def name(self) -> str:
        return self.type.__name__

    def fit(self, value: object, _: Session) -> Any:
        if self.out:
            if isinstance(value, self.type):
                return msgspec.to_builtins(value)
            raise misfit(self, value)
        return _converted(value, self.type)


@dataclass(frozen=True)
class Limited:
    """A shape with `msgspec.Meta`: bounds of a number or of a length, a pattern."""

    shape: Shape
    limits: Any

    @property
    def name(self) -> str:
        return self.shape.name

    def fit(self, value: object, session: Session) -> Any:
        fitted = self.shape.fit(value, session)
        _converted(fitted, self.limits)
        return fitted


def _converted(value: object, type: Any) -> Any:
    try:
        return msgspec.convert(value, type, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        text = str(error)
        if text.startswith("Invalid ") and "value" in text:  # it quotes the value
            raise Misfit("not one of the values that are allowed") from None
        raise Misfit(quotable(text[:1].lower() + text[1:])) from None
