"""Storages: names, the user's own, and the report; the browser's adapters are tested in browsers."""

import asyncio

import pytest

from pillion import CookieStorage, MemoryStorage, StorageError, WebStorage
from pillion.storage import StorageReport, is_elsewhere, name_of, probe, storage_of


class Slot:
    """A user's storage with room for a single value."""

    def __init__(self) -> None:
        self.value: str | None = None

    def get(self, key: str) -> str | None:
        return self.value

    def set(self, key: str, value: str) -> None:
        self.value = value

    def remove(self, key: str) -> None:
        self.value = None


@pytest.mark.parametrize(
    ("name", "kind"),
    [("session", "sessionStorage"), ("local", "localStorage"), ("cookie", "cookie"), ("memory", "memory")],
)
def test_each_name_is_a_storage(name: str, kind: str) -> None:
    """The four names of the manual."""
    storage = storage_of(name)
    assert name_of(storage) == kind
    assert is_elsewhere(storage) is (name != "memory")


def test_a_users_storage_is_taken_as_it_is() -> None:
    """It needs three methods, and no name."""
    slot = Slot()
    assert storage_of(slot) is slot
    assert name_of(slot) == "Slot"
    assert not is_elsewhere(slot)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("sessionstorage", "no storage 'sessionstorage': it is one of session, local, cookie, indexeddb, memory"),
        (object(), "this object has no get"),
        (3, "this int has no get"),
    ],
)
def test_what_is_no_storage_is_refused(choice: object, said: str) -> None:
    """With a sentence that says what there is."""
    with pytest.raises(StorageError, match=said):
        storage_of(choice)  # type: ignore[arg-type]


def test_a_web_storage_is_one_of_two() -> None:
    """Others don't exist."""
    with pytest.raises(ValueError, match="localStorage"):
        WebStorage("indexedDB")


@pytest.mark.parametrize("storage", [WebStorage("localStorage"), CookieStorage()])
def test_outside_a_browser_the_browsers_storages_say_so(storage: WebStorage | CookieStorage) -> None:
    """They can be made anywhere, as the same code runs on the server, but keep nothing here."""
    with pytest.raises(StorageError, match="outside a browser"):
        asyncio.run(storage.get("k"))
    assert asyncio.run(probe(storage)) == f"There is no {storage.name} outside a browser."


def test_memory_keeps_and_forgets() -> None:
    """The protocol, in the order of use."""
    storage = MemoryStorage()
    assert storage.get("k") is None
    storage.set("k", "v")
    assert storage.get("k") == "v"
    assert storage.get("other") is None
    storage.remove("k")
    storage.remove("k")
    assert storage.get("k") is None


def test_a_users_storage_is_never_probed() -> None:
    """One with a single slot would lose its value to the probe."""
    slot = Slot()
    slot.value = "precious"
    assert asyncio.run(probe(slot)) == ""
    assert slot.value == "precious"


def test_the_report_reads_well() -> None:
    """It is what a developer prints."""
    report = StorageReport("memory", False, "it is blocked")
    assert repr(report) == "StorageReport(kind='memory', persistent=False, why='it is blocked')"
