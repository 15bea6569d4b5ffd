"""The arguments of a call, before and inside its transaction."""

from pathlib import Path
from typing import Any, TypedDict

import pytest

from pillion_server import ArgumentError, SessionId
from pillion_server.arguments import Arguments
from pillion_server.signature import Signature, parameters_of
from pillion_shared import Int64
from server.clockwork import DIGESTS, Clockwork, raw


class Move(TypedDict):
    """Sessions, deep inside."""

    pairs: list[tuple[SessionId, SessionId]]


def deep(ctx: object, session_id: SessionId, move: Move) -> None: ...


def anything(ctx: object, a: Any, b: Any = None) -> None: ...


def plain(ctx: object, name: str) -> None: ...


def test_sessions_are_those_that_the_ids_open_in_the_transaction(tmp_path: Path) -> None:
    """Wherever they are among the arguments, and not those of the moment they arrived."""
    bench = Clockwork(tmp_path)
    args = {"sessionId": raw(1), "move": {"pairs": [[raw(2), raw(1)]]}}
    arguments = Arguments(Signature("f", parameters_of(deep)), args, DIGESTS)
    assert arguments.hold_sessions
    bench.end(1)
    with bench.mutation() as now:
        keywords = arguments.keywords(now.lineage)
    one, two = bench.opens(1), bench.opens(2)
    assert one != DIGESTS.of(raw(1))
    assert keywords == {"session_id": one, "move": {"pairs": [(two, one)]}}
    bench.connection.close()


def test_without_sessions_there_is_nothing_to_look_up() -> None:
    """The keywords are those that were checked."""
    arguments = Arguments(Signature("f", parameters_of(plain)), {"name": "tea"}, DIGESTS)
    arguments.check()
    assert not arguments.hold_sessions
    assert arguments.keywords(DIGESTS) is arguments.checked
    assert arguments.checked == {"name": "tea"}


@pytest.mark.parametrize("args", [{"sessionId": "short"}, {"sessionId": raw(1), "move": {"pairs": [[raw(2)]]}}, {}])
def test_wrong_ones_get_no_transaction(args: dict[str, object]) -> None:
    """They are refused as they arrive."""
    with pytest.raises(ArgumentError):
        Arguments(Signature("f", parameters_of(deep)), args, DIGESTS).check()


@pytest.mark.parametrize("value", [SessionId("users:x"), "sid.x"])
def test_what_a_function_passes_on_is_a_session(value: str) -> None:
    """Or it is refused as it arrives, too."""
    args = {"session_id": value, "move": {"pairs": []}}
    with pytest.raises(ArgumentError, match="`sessionId`: not a session"):
        Arguments(Signature("f", parameters_of(deep)), args, DIGESTS, trusted=True).check()


def test_a_digest_stands_for_the_arguments() -> None:
    """Equal for equal ones, whatever their order; bytes are not their base64, and no ID is in it."""

    def digest(**args: object) -> bytes:
        return Arguments(Signature("f", parameters_of(anything)), args, DIGESTS).digest

    assert digest(a=1, b=[b"ab"]) == digest(b=[b"ab"], a=1.0)
    assert len({digest(a=1, b=b""), digest(a=1, b=""), digest(a="1", b=""), digest(a=Int64(1), b=""), digest(a=1)}) == 5
