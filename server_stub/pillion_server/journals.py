"""Journals: where a page that is shown ends, so that it is the same range of the index when its query runs again.

What is added meanwhile would else move the end of the page, and leave a gap before the next one, or an overlap.
A journal is the `continueCursor` of the first answer. It goes to the client, which sends it back with the query on
another socket, and it is the `endCursor` of every later run. A call that has an `endCursor` needs none.
"""

from collections.abc import Mapping
from typing import cast

import msgspec

from pillion_server.runner import Body
from pillion_shared.wire import WIRE_NAMES

_OPTIONS = WIRE_NAMES["pagination_opts"]
_END = "endCursor"


class _Page(msgspec.Struct, rename="camel"):
    continue_cursor: str


def with_journal(args: Mapping[str, object], journal: str | None) -> Mapping[str, object]:
    """The arguments of a query whose page ends where a journal says, if they ask for one."""
    options = _open_page(args)
    return args if journal is None or options is None else {**args, _OPTIONS: {**options, _END: journal}}


def journal_of(args: Mapping[str, object], journal: str | None, answer: Body) -> str | None:
    """The journal of an answer to such arguments; it stays the one that there was."""
    if _open_page(args) is None:
        return None
    if journal is None and answer["status"] == "success":
        try:
            return msgspec.json.decode(cast("msgspec.Raw", answer["value"]), type=_Page).continue_cursor
        except msgspec.ValidationError:
            return None
    return journal


def _open_page(args: Mapping[str, object]) -> Mapping[str, object] | None:
    """The options of a page whose end is open."""
    options = args.get(_OPTIONS)
    if not isinstance(options, dict) or cast("dict[str, object]", options).get(_END) is not None:
        return None
    return cast("dict[str, object]", options)
