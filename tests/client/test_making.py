"""Making IDs, and knowing one's own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pillion import InvalidIdError
from pillion.making import TOKEN, UUID, Maker
from pillion_shared import is_token, is_uuid4

MADE = "m" * 24


async def later() -> str:
    return MADE


@pytest.mark.parametrize(("format", "is_form"), [(UUID, is_uuid4), (TOKEN, is_token)])
def test_each_format_makes_its_ids_and_knows_them(format: str, is_form: Callable[[object], bool]) -> None:
    """And refuses the other's."""
    maker, other = Maker(None, format), Maker(None, TOKEN if format == UUID else UUID)
    ids = [asyncio.run(maker.make()) for _ in range(20)]
    assert len(set(ids)) == 20
    assert all(is_form(each) and maker.is_ours(each) and not other.is_ours(each) for each in ids)


def test_there_is_no_other_format() -> None:
    """The error says which there are."""
    with pytest.raises(ValueError, match="id_format is 'uuid' or 'token', not 'short'"):
        Maker(None, "short")


@pytest.mark.parametrize("generator", [lambda: MADE, later])
def test_a_generator_makes_ids_of_any_form(generator: Callable[[], Awaitable[str] | str]) -> None:
    """Plain or async; then all of the right length count as ours."""
    maker = Maker(generator)
    assert asyncio.run(maker.make()) == MADE
    assert maker.is_ours(MADE)
    assert not maker.is_ours("undefined")


@pytest.mark.parametrize("made", [None, "", "short", 3, "with a space in its middle"])
def test_what_is_no_id_is_refused(made: Any) -> None:
    """Whoever made it."""
    with pytest.raises(InvalidIdError, match="id_generator"):
        asyncio.run(Maker(lambda: made).make())
