"""The digests of session IDs, and the secret they are made with."""

import stat
import threading
from pathlib import Path

import pytest

from pillion_server import SessionId, StartError
from pillion_server.sessions import Digests, Forms, epoch_of, new_digest, secret_at
from pillion_shared import is_session_id
from server.world import OTHER_ID, RAW_ID


def test_a_digest_is_stable_and_its_own() -> None:
    """One ID has one digest under one secret, another under another."""
    digests = Digests(b"a" * 32)
    assert digests.of(RAW_ID) == digests.of(RAW_ID) == Digests(b"a" * 32).of(RAW_ID)
    assert digests.of(RAW_ID) != Digests(b"b" * 32).of(RAW_ID)
    assert digests.of(RAW_ID) != digests.of(RAW_ID.upper())


def test_a_digest_is_no_credential() -> None:
    """It doesn't hold the ID, and it can't be sent back as one."""
    digest = Digests(b"a" * 32).of(RAW_ID)
    assert type(digest) is SessionId
    assert RAW_ID not in digest
    assert not is_session_id(digest)
    with pytest.raises(ValueError, match="not a session ID"):
        Digests(b"a" * 32).of(digest)


@pytest.mark.parametrize("value", ["", "short", "undefined", "x" * 129, '"' + RAW_ID + '"', None, 7, RAW_ID + "\n"])
def test_what_is_no_id_is_refused_without_repeating_it(value: object) -> None:
    """Somebody's secret may be in there."""
    with pytest.raises(ValueError, match="not a session ID") as caught:
        Digests(b"a" * 32).of(value)
    assert not value or str(value) not in str(caught.value)


def test_a_digest_is_what_it_was_in_older_versions() -> None:
    """Documents of a database hold digests, and are found under them after an update."""
    assert Digests(b"a" * 32).of(RAW_ID) == "sid.V-ENDI-wUI7PwyJfMGQ6DgqVPj3385wM3y26exaqP_Q"


def test_every_epoch_has_its_own_digests() -> None:
    """The first one's are those that `of` makes; none of another can be made from them without the secret."""
    digests = Digests(b"a" * 32)
    base = digests.of(RAW_ID)
    of_epochs = [digests.in_epoch(epoch, base) for epoch in range(12)]
    assert of_epochs[0] == base
    assert len({digest.rpartition(".")[2] for digest in of_epochs}) == 12
    assert [epoch_of(digest) for digest in of_epochs] == list(range(12))
    assert Digests(b"b" * 32).in_epoch(1, base) != of_epochs[1]


@pytest.mark.parametrize("epoch", [0, 1, 2**40])
def test_a_new_digest_is_like_any_other(epoch: int) -> None:
    """Random, of its epoch, and no ID."""
    first, second = new_digest(epoch), new_digest(epoch)
    assert first != second
    assert epoch_of(first) == epoch
    assert not is_session_id(first)
    assert len(first) == len(Digests(b"a" * 32).in_epoch(epoch, Digests(b"a" * 32).of(RAW_ID)))


@pytest.mark.parametrize("text", ["", "sid.x", "sid.0." + "A" * 43, "sid." + "A" * 44, "users:" + "A" * 22, RAW_ID])
def test_what_is_no_digest(text: str) -> None:
    """Such as the ID of a document, or an ID; it is not repeated."""
    with pytest.raises(ValueError, match=r"not a session: give ctx\.session_id") as caught:
        epoch_of(text)
    with pytest.raises(ValueError, match="not a session"):
        Digests(b"a" * 32).again(SessionId(text))
    assert not text or text not in str(caught.value)


def test_a_session_may_know_by_which_one_it_was_found() -> None:
    """It is equal to the same one found otherwise."""
    found = SessionId("sid.x", via="sid.y")
    assert (found.via, SessionId("sid.x").via) == ("sid.y", None)
    assert found == SessionId("sid.x") == "sid.x"


def test_the_repr_says_what_it_is() -> None:
    """`SessionId('sid....')`."""
    assert repr(SessionId("sid.x")) == "SessionId('sid.x')"


def test_the_secret_is_made_once_for_its_owner(tmp_path: Path) -> None:
    """It is kept, and nobody else may read it."""
    path = tmp_path / "data.secret"
    secret, made = secret_at(path)
    assert made
    assert len(secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_at(path) == (secret, False)
    assert [file.name for file in tmp_path.iterdir()] == ["data.secret"]


def test_a_secret_that_others_can_read_is_closed(tmp_path: Path) -> None:
    """A copy from a backup may have come back with another mode."""
    path = tmp_path / "data.secret"
    secret_at(path)
    path.chmod(0o644)
    secret_at(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_all_that_start_at_once_get_the_same_secret(tmp_path: Path) -> None:
    """One of them makes it; nobody reads half of one."""
    found: list[tuple[bytes, bool]] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.append(secret_at(tmp_path / "data.secret"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({secret for secret, _ in found}) == 1
    assert [made for _, made in found].count(True) == 1


def test_a_damaged_secret_is_not_used(tmp_path: Path) -> None:
    """Nor is it replaced: the sessions are kept under the old one."""
    path = tmp_path / "data.secret"
    path.write_bytes(b"short")
    with pytest.raises(StartError, match="restore it, or remove it"):
        secret_at(path)


def test_no_place_for_a_secret(tmp_path: Path) -> None:
    """The sentence names the file."""
    with pytest.raises(StartError, match=r"data\.secret can't be used"):
        secret_at(tmp_path / "nowhere" / "data.secret")


def test_a_fingerprint_is_no_session() -> None:
    """It depends on the secret, on each word and on where one ends, and nobody can send it as an ID's digest."""
    digests, others = Digests(b"x" * 32), Digests(b"y" * 32)
    made = [digests.fingerprint(*words) for words in (("a", "b"), ("a", "b", ""), ("ab",), ("b", "a"), ('a", "b',))]
    assert len({*made, others.fingerprint("a", "b")}) == 6
    assert digests.fingerprint("a", "b") == made[0]
    assert digests.of("a" * 20).removeprefix("sid.") != digests.fingerprint("a" * 20)


def test_forms_know_no_session() -> None:
    """They tell an ID from what is none, and open nothing by it."""
    forms, digest = Forms(), Digests(b"a" * 32).of(RAW_ID)
    assert forms.of(RAW_ID) == forms.of(OTHER_ID) != digest
    assert forms.again(digest) == digest
    for wrong in ("short", 3, str(digest)):
        with pytest.raises(ValueError, match="not a session ID"):
            forms.of(wrong)
    with pytest.raises(ValueError, match="not a session"):
        forms.again(SessionId("users:x"))
