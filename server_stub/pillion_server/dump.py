"""The documents of a database as JSON lines, and back; nothing is lost on the way.

    {"_id":"cart_items:...","_creation_time":1790000000000.25,"name":"tea","count":{"$integer":"AQAAAAAAAAA="}}

Values are encoded as on the wire. Sessions, and the secret of their digests, are not among the documents.
"""

import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any, cast

import apsw
import msgspec

from pillion_server.document_id import check_table
from pillion_server.documents import entry_of
from pillion_server.errors import DefinitionError
from pillion_server.schema import Schema
from pillion_server.sqlite import Connection
from pillion_shared import EncodingError, PillionError, decode, encode
from pillion_shared.ids import quotable

_PAGE = 1000
_DOCUMENTS = "select seq, id, created, body from documents where seq > ? order by seq limit ?"
_INSERT = "insert into documents (id, created, body) values (?, ?, ?)"
_ENTER = "insert into entries (idx, key, doc) values (?, ?, ?)"
_ID = re.compile(r"([A-Za-z0-9_]+):[A-Za-z0-9_-]+")

_json = msgspec.json.Encoder()


class LineError(PillionError):
    """A line is no document: the sentence begins with its number. Nothing was imported."""


def count(connection: Connection) -> int:
    """How many documents there are."""
    return cast("int", connection.value("select count(*) from documents"))


def lines_of(connection: Connection) -> Iterator[bytes]:
    """Every document as a line without its end, in the order of their creation."""
    after = 0
    while rows := connection.rows(_DOCUMENTS, (after, _PAGE)):
        after = rows[-1][0]
        for _, id, created, body in rows:
            head = f'{{"_id":"{id}","_creation_time":{_json.encode(created).decode()}'
            yield f"{head}{'}' if body == '{}' else ',' + body[1:]}".encode()


def restore(connection: Connection, lines: Iterable[bytes]) -> int:
    """Adds the documents of the lines and returns how many they are; empty lines are passed over.

    Raises `LineError`; then the transaction is to be given up. The declared indexes are filled when a server starts.
    """
    if present := count(connection):
        raise PillionError(f"The database holds {present} documents: import into an empty one, such as a new file.")
    connection.run("delete from indexes")  # so that a server takes every declared one for new, and fills it
    schema, restored, newest = Schema(), 0, 0.0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            id, table, created, fields = _document(line)
            if created < newest:
                raise ValueError("_creation_time is before that of the line above: sort the lines by it")
            connection.run(_INSERT, (id, created, _json.encode(encode(fields)).decode()))
        except apsw.ConstraintError:
            raise LineError(f"Line {number}: its _id was that of a line above already.") from None
        except (ValueError, EncodingError, DefinitionError) as error:
            raise LineError(f"Line {number}: {quotable(str(error)).rstrip('.')}.") from error
        entry = entry_of(schema.by_creation_time(table), fields, created, connection.last_id)
        connection.run(_ENTER, entry.row)
        restored, newest = restored + 1, created
    return restored


def _document(line: bytes) -> tuple[str, str, float, dict[str, Any]]:
    """The ID, the table, the time of creation and the fields; raises `ValueError` or a `PillionError`."""
    try:
        parsed: object = msgspec.json.decode(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(parsed, dict):
        raise ValueError("not an object")  # noqa: TRY004 - whoever wrote the line has no types
    parsed = cast("dict[str, object]", parsed)
    id, created = parsed.pop("_id", None), parsed.pop("_creation_time", None)
    form = _ID.fullmatch(id) if isinstance(id, str) else None
    if form is None:
        raise ValueError("_id is not that of a document, a text such as cart_items:4f7a")
    check_table(form[1])
    if isinstance(created, bool) or not isinstance(created, (int, float)) or not (isfinite(created) and created >= 0):
        raise ValueError("_creation_time is not a time, a number of milliseconds since 1970")
    if any(name.startswith("_") for name in parsed):
        raise ValueError("a field other than _id and _creation_time begins with _, as only the database's do")
    return form[0], form[1], float(created), cast("dict[str, Any]", decode(parsed))
