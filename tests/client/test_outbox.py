"""What is kept of a mutation, and what becomes of a store that fails."""

import asyncio
import json

import pytest

from client.disks import Disk
from pillion import Client, StorageError
from pillion.outbox import Entry, Outbox, parse, store_of

CLIENT = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
SERVER = "ws://localhost:1/api/sync"


def entry(number: int, client_id: str = CLIENT) -> Entry:
    return Entry(client_id, number, "notes:add", {"text": "é", "sessionId": "mine"}, 1_700_000_000_000)


class Full:
    """A store that takes nothing."""

    def put(self, key: str, text: str) -> None:
        raise OSError("the disk is full")

    def remove(self, key: str) -> None:
        raise AssertionError("nothing to remove")

    def texts(self, prefix: str) -> list[str]:
        return []


def test_an_entry_is_read_as_it_was_written() -> None:
    read = parse(entry(3).text())
    assert read is not None
    assert vars(read) == vars(entry(3))
    assert read.is_of({"mine", "other"})
    assert not read.is_of({"other"})
    assert not Entry(CLIENT, 0, "a:b", {}, 0).is_of({"mine", "None "})


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", '["a", "b", "c", {}, 5]', '["a", 1, "c", [], 5]', 5])
def test_what_is_no_entry(text: object) -> None:
    assert parse(text) is None


def test_what_is_kept_is_each_clients_in_its_order_and_of_one_server() -> None:
    async def main() -> None:
        disk = Disk()
        outbox, elsewhere = Outbox(disk.page(), SERVER), Outbox(disk.page(), "ws://other.example/api/sync")
        kept = [entry(10), entry(9), entry(2, OTHER), entry(1, OTHER)]
        for each in kept:
            await outbox.put(each)
        await elsewhere.put(entry(0))
        assert [(each.client_id, each.number) for each in await outbox.entries()] == [
            (CLIENT, 9),
            (CLIENT, 10),
            (OTHER, 1),
            (OTHER, 2),
        ]
        await outbox.remove(kept[1])
        assert [each.number for each in await outbox.entries(CLIENT)] == [10]
        assert [each.number for each in await elsewhere.entries()] == [0]
        assert (outbox.report.kind, outbox.report.persistent, outbox.report.why) == ("disk", True, "")

    asyncio.run(main())


def test_what_is_over_before_it_is_kept_is_not() -> None:
    async def main() -> None:
        disk = Disk()
        page = disk.page()
        page.writable.clear()
        outbox, made = Outbox(page, SERVER), entry(0)
        putting = asyncio.create_task(outbox.put(made))
        await asyncio.sleep(0)
        await outbox.remove(made)
        page.writable.set()
        await putting
        assert disk.texts == {}

    asyncio.run(main())


def test_a_store_that_fails_is_reported_once() -> None:
    async def main() -> None:
        outbox = Outbox(Full(), SERVER)
        await outbox.put(entry(0))
        await outbox.put(entry(1))
        assert (outbox.report.kind, outbox.report.persistent) == ("memory", False)
        assert "the disk is full" in outbox.report.why

    with pytest.warns(RuntimeWarning, match="Full can't be used: OSError: the disk is full") as warned:
        asyncio.run(main())
    assert len(warned) == 1


def test_what_is_no_outbox_is_refused() -> None:
    with pytest.raises(StorageError, match="no IndexedDB outside a browser: an outbox here is an object of yours"):
        Client("http://localhost:1/api", outbox="indexeddb")
    with pytest.raises(StorageError, match="no outbox 'local'"):
        store_of("local")
    with pytest.raises(StorageError, match="this object has no put"):
        store_of(object())  # type: ignore[arg-type]


def test_it_is_json_and_holds_the_session_id() -> None:
    """So it is as secret as the storage of the ID is."""
    assert json.loads(entry(3).text())[3]["sessionId"] == "mine"
