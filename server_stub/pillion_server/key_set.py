"""The public keys that tokens are checked with: a JWKS, in a file or at an address, read again when it has changed."""

import asyncio
import contextlib
import http.client
import json
import logging
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, cast

import jwt

from pillion_server.errors import StartError

ALGORITHMS = frozenset(("RS256", "ES256", "EdDSA"))
"""The ones whose keys are public: what could check a token can't make one."""

MOST_BYTES = 1024 * 1024
"""How long a JWKS may be."""

FETCH_SECONDS = 10.0
"""How long an address may take to answer, and how long a token waits for it."""

AGAIN_SECONDS = 30.0
"""How soon the keys may be read again because one is not known."""

OLD_SECONDS = 3600.0
"""After so long they are read again in any case, so that one that was withdrawn is not taken for ever."""

_URL = re.compile(r"https://[^\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s]*)?", re.IGNORECASE)
_logger = logging.getLogger("pillion_server")


class KeySet:
    """The keys at an address (https, or http on this machine) or in a file. `load` them, then `find`."""

    def __init__(self, source: str | Path) -> None:
        self._source = source
        self._keys = dict[str | None, jwt.PyJWK]()
        self._read = 0.0
        self._reading: asyncio.Task[None] | None = None

    def load(self) -> None:
        """Reads them; raises `StartError`."""
        self._keys = keys_of(self._source)
        self._read = time.monotonic()

    async def find(self, name: str | None) -> jwt.PyJWK | None:
        """The key of that `kid`, or the only key there is for a token that names none; `None` if there is none.

        For an unknown one the keys are read again, unless they were a moment ago. Where that fails the log says why,
        and those that were there stay.
        """
        age = time.monotonic() - self._read
        if age > OLD_SECONDS or (age > AGAIN_SECONDS and self._at(name) is None):
            if self._reading is None or self._reading.done():
                self._read = time.monotonic()
                self._reading = asyncio.ensure_future(self._read_again())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FETCH_SECONDS):
                    await asyncio.shield(self._reading)  # who gives up doesn't end what others wait for
        return self._at(name)

    def _at(self, name: str | None) -> jwt.PyJWK | None:
        if name is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(name)

    async def _read_again(self) -> None:
        try:
            self._keys = await asyncio.to_thread(keys_of, self._source)
        except StartError as error:
            _logger.error("The keys that there were are still used. %s", error)  # noqa: TRY400 - the sentence says all


def keys_of(source: str | Path) -> dict[str | None, jwt.PyJWK]:
    """The keys in a file or at an address that can check tokens, by their `kid`; raises `StartError`."""
    text = _in_file(source) if isinstance(source, Path) else _at_address(source)
    try:
        entries: object = cast("dict[str, object]", json.loads(text))["keys"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise _unusable(source, 'is no JWKS, which is JSON: {"keys": [...]}') from None
    if not isinstance(entries, list):
        raise _unusable(source, "has no list of keys")
    found = dict[str | None, jwt.PyJWK]()
    for entry in cast("list[object]", entries):
        key = _key(entry, source)
        if key is not None:
            found[key.key_id] = key
    if not found:
        raise _unusable(source, f"has no key for {', '.join(sorted(ALGORITHMS))}")
    return found


def _key(entry: object, source: str | Path) -> jwt.PyJWK | None:
    """The key in an entry, `None` for one of another use or algorithm."""
    if not isinstance(entry, dict):
        return None
    fields = cast("dict[str, Any]", entry)
    usable = fields.get("use", "sig") == "sig" and fields.get("kty") in ("RSA", "EC", "OKP")
    if not usable or not isinstance(fields.get("kid", ""), str):
        return None
    if "d" in fields:
        raise _unusable(source, "has a private key, which belongs to the issuer alone: take its public ones")
    try:
        key = jwt.PyJWK.from_dict(fields)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if key.algorithm_name in ALGORITHMS else None


def _in_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _unusable(path, f"can't be read ({error.strerror})") from error
    return _bounded(path, text)


def _at_address(url: str) -> bytes:
    if not _URL.fullmatch(url):
        raise _unusable(url, "is no address to get keys from: it begins with https://, or http:// on this machine")
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(url, timeout=FETCH_SECONDS) as response:
            text: bytes = response.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise _unusable(url, f"answers with status {error.code}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise _unusable(url, f"can't be fetched ({reason})") from error
    return _bounded(url, text)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Who answers is who was asked."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


def _bounded(source: str | Path, text: bytes) -> bytes:
    if len(text) > MOST_BYTES:
        raise _unusable(source, f"has more than {MOST_BYTES:,} bytes")
    return text


def _unusable(source: str | Path, reason: str) -> StartError:
    return StartError(f"Tokens can't be checked: {source} {reason}.")
