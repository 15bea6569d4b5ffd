"""What one transaction gives to a function."""

from pathlib import Path

import pytest

from pillion_server import SessionsReader, SessionsWriter
from pillion_server.documents import DatabaseReader
from pillion_server.lineage import Lineage
from pillion_server.transaction import Reading
from server.clockwork import DIGESTS, SCHEMA, START, Clockwork


def test_a_query_asks_and_a_mutation_changes(tmp_path: Path) -> None:
    """`ctx.sessions` of a query has nothing that writes; both end together with the documents."""
    bench = Clockwork(tmp_path)
    reading = Reading(DatabaseReader(bench.connection, SCHEMA), Lineage(bench.connection, DIGESTS, START))
    session = bench.opens(1)
    with bench.mutation() as writing:
        for each, kind in ((reading, SessionsReader), (writing, SessionsWriter)):
            sessions = each.sessions
            assert type(sessions) is kind
            assert sessions.user(session) is None
            each.end()
            with pytest.raises(RuntimeError, match=r"ctx\.db was used after"):
                each.db.get("items:x")
            with pytest.raises(RuntimeError, match=r"ctx\.sessions was used after"):
                sessions.user(session)
    bench.connection.close()


def test_what_was_read_and_written(tmp_path: Path) -> None:
    """Documents and users together."""
    bench = Clockwork(tmp_path)
    session = bench.opens(1)
    with bench.mutation() as writing:
        id = writing.db.insert("items", n=1)
        writing.sessions.bind(session, "ada")
        writing.db.get(id)
        writing.sessions.user(session)
        assert (writing.writes.documents, writing.writes.users) == ({id}, {session, "user ada"})
        assert (writing.reads.documents, writing.reads.users) == ({id}, {session})
    bench.connection.close()
