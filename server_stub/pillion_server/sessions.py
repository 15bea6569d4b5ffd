"""Session IDs on the server: handlers get a keyed digest, never the ID itself.

The digest works as an index key and survives leaking into a document, a log or another page's query: without
the secret it can't be made from an ID, and it is not shaped like one, so nobody can send it back as one.

    sid.<43 characters>      a session of epoch 0
    sid.7.<43 characters>    one of epoch 7: every `invalidate_all` begins the next epoch
"""

import base64
import hashlib
import json
import os
import re
import secrets
from pathlib import Path
from typing import Protocol, Self

from pillion_server.errors import StartError
from pillion_shared import is_session_id

_SECRET_BYTES = 32
_DIGEST_BYTES = 32
_PREFIX = "sid."  # a dot is outside the alphabet of IDs
_NO_ID = "not a session ID, which is 20 to 128 characters of A-Z a-z 0-9 - _"
_FORM = re.compile(r"sid\.(?:([1-9][0-9]{0,17})\.)?[A-Za-z0-9_-]{43}")


class SessionId(str):
    """The digest of a session's ID: equal for the same session, worth nothing as a credential.

    Annotate a parameter with it and it arrives on the wire as a raw ID. A digest read back from a document is
    a plain `str`; `SessionId(document["session_id"])` says that it is one when it is passed on to a function.

    via: the session that the caller's ID belonged to, if that one has gone on as this one; else `None`.
    """

    __slots__ = ("via",)

    via: str | None

    def __new__(cls, value: str, *, via: str | None = None) -> Self:
        self = super().__new__(cls, value)
        self.via = via
        return self

    def __repr__(self) -> str:
        return f"SessionId({str(self)!r})"


class Sessions(Protocol):
    """What makes the sessions among the arguments: `Digests`, or a transaction's `Lineage`."""

    def of(self, value: object, /) -> SessionId:
        """The session of a raw ID; raises `ValueError` for what is not one."""
        ...

    def again(self, session: SessionId, /) -> SessionId:
        """The session that a function of this server passes on; raises `ValueError` for what is not one."""
        ...


class Digests:
    """Makes digests under one secret.

    epoch: that of the last session that was looked up, the first guess for the next one.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.epoch = 0

    def of(self, value: object) -> SessionId:
        """The digest of a raw ID; raises `ValueError`, without repeating the value, for what is not one."""
        if not is_session_id(value):
            raise ValueError(_NO_ID)
        return SessionId(_PREFIX + self._keyed(value))

    def again(self, session: SessionId) -> SessionId:
        """A digest stays what it is; raises `ValueError` for what is not one."""
        epoch_of(session)
        return session

    def in_epoch(self, epoch: int, digest: str) -> str:
        """The digest that takes the place of `of`'s in an epoch; in epoch 0 it is that one."""
        return _mark(epoch) + self._keyed(f"{epoch}.{digest}") if epoch else digest

    def fingerprint(self, *words: str) -> str:
        """A digest of other words, which is that of no session: to recognise them by without keeping them."""
        return self._keyed(json.dumps(words))

    def _keyed(self, text: str) -> str:
        return _text(hashlib.blake2b(text.encode(), key=self._secret, digest_size=_DIGEST_BYTES).digest())


class Forms:
    """Stands for a transaction while it is not there yet: looks at the form of sessions alone."""

    def __init__(self) -> None:
        self._any = SessionId(new_digest(0))

    def of(self, value: object) -> SessionId:
        """A session that is nobody's; raises `ValueError`, without repeating the value, for what is no raw ID."""
        if not is_session_id(value):
            raise ValueError(_NO_ID)
        return self._any

    def again(self, session: SessionId) -> SessionId:
        """A digest stays what it is; raises `ValueError` for what is not one."""
        epoch_of(session)
        return session


def new_digest(epoch: int) -> str:
    """The digest of a session that no ID leads to by itself: a random one."""
    return _mark(epoch) + _text(secrets.token_bytes(_DIGEST_BYTES))


def epoch_of(digest: str) -> int:
    """The epoch of a digest; raises `ValueError` for what is not one."""
    form = _FORM.fullmatch(digest)
    if form is None:
        raise ValueError("not a session: give ctx.session_id, another SessionId, or one read from a document")
    return int(form[1] or 0)


def _mark(epoch: int) -> str:
    return f"{_PREFIX}{epoch}." if epoch else _PREFIX


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def secret_at(path: Path) -> tuple[bytes, bool]:
    """The secret kept in the file `path`, and whether it was made just now.

    The file appears whole or not at all, readable by its owner alone. Raises `StartError`.
    """
    try:
        made = not path.exists() and _create(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        secret = path.read_bytes()
    except OSError as error:
        raise StartError(f"The sessions' secret {path} can't be used: {error.strerror}.") from error
    if len(secret) != _SECRET_BYTES:
        raise StartError(f"{path} is not a sessions' secret ({_SECRET_BYTES} bytes): restore it, or remove it.")
    return secret, made


def _create(path: Path) -> bool:
    """Writes a new secret to `path` unless another process is quicker; says who was."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, it never replaces a secret in use
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
