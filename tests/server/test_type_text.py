"""Types as they are written."""

import datetime as dt
from typing import Annotated, Any, Literal, Optional

import pytest

from pillion_server import Id, SessionId
from pillion_server.type_text import type_text


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (Any, "Any"),
        (SessionId, "SessionId"),
        (dt.datetime, "datetime"),
        (str | None, "str | None"),
        (Optional[int], "int | None"),  # noqa: UP045
        (list[SessionId], "list[SessionId]"),
        (dict[str, list[dt.date] | None], "dict[str, list[date] | None]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (Literal["a.b", 2], "Literal['a.b', 2]"),
        (Annotated[int, "positive"], "int"),
        ("Later", "Later"),
        (Id["users"], 'Id["users"]'),
    ],
)
def test_types(annotation: object, text: str) -> None:
    """Without modules, as they are written."""
    assert type_text(annotation) == text
