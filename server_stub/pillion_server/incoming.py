"""The session of a request to an app of one's own: the ID that the page sent with plain HTTP, as a digest.

    session_of = IncomingSessions("data/app.secret")

    @app.get("/cart")
    def cart(request: Request):
        session = session_of(request)

It reads requests of Starlette, FastAPI, Flask and Django, and imports none of them unless a request is refused.
"""

import json
import logging
import os
import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import parse_qsl

from pillion_server.errors import StartError
from pillion_server.place import make_folder, secret_beside
from pillion_server.sessions import Digests, SessionId, secret_at
from pillion_shared import PillionError, is_session_id
from pillion_shared.wire import AUTHORIZATION, SCHEME

_KEY_BYTES = 32
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_QUOTED = re.compile('"[^"]*"')  # the parameters of other schemes may hold commas
_BLANK = " \t"
_FRAMEWORKS = {  # by the package of a request: what that framework answers with 400, and the arguments before the text
    "starlette": ("starlette.exceptions", "HTTPException", (400,)),
    "werkzeug": ("werkzeug.exceptions", "BadRequest", ()),
    "django": ("django.core.exceptions", "BadRequest", ()),
}

_logger = logging.getLogger("pillion_server")


class BadSession(PillionError):
    """The request names its session in a way that can't be trusted; the message never holds what was sent.

    For a request of a framework it is an error of that framework too, which answers it with status 400.
    """

    status = 400
    _before: tuple[object, ...] = ()

    def __init__(self, message: str) -> None:
        super().__init__(*self._before, message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class IncomingSessions:
    """Reads the session of a request: `session_of(request)` is its digest, or `None` if it carries no ID.

    secret: the file of the key that digests are made with, which is made with its folder if need be, readable by its
    owner alone; or the key, 32 bytes. header: a header that may carry the bare ID, `"X-Session-Id"`, besides
    `Authorization: Session <id>`. field: a field of the body that may, `"sessionId"`.

    Raises `StartError` when the secret can't be used.
    """

    def __init__(
        self, secret: str | os.PathLike[str] | bytes, *, header: str | None = None, field: str | None = None
    ) -> None:
        if header is not None and header.lower() == AUTHORIZATION.lower():
            raise ValueError(f"{AUTHORIZATION} is read anyway: name another header, or none.")
        if isinstance(secret, bytes) and len(secret) != _KEY_BYTES:
            raise ValueError(f"A secret is {_KEY_BYTES} bytes, this one {len(secret)}: secrets.token_bytes makes one.")
        self._digests = Digests(secret if isinstance(secret, bytes) else _kept(Path(secret)))
        self._header = header
        self._field = field

    @classmethod
    def beside(cls, database: str | os.PathLike[str], *, header: str | None = None, field: str | None = None) -> Self:
        """A reader with the secret of a pillion database, which may be in use, or not be there yet.

        An ID has the digest that it has in the functions of that database, unless they made it open another session:
        what `ctx.sessions` ends or replaces is written there, and is not looked up here. Raises `StartError`.
        """
        path = Path(database).resolve()
        make_folder(path)
        there = path.exists()
        secret, made = secret_at(secret_beside(path))
        if there and made:
            _logger.warning("%s had no secret beside it, so a new one was made: sessions start afresh.", path)
        return cls(secret, header=header, field=field)

    def __call__(self, request: Any, body: Any = None) -> SessionId | None:
        """The digest of the ID that a request carries, `None` if it carries none.

        request: one of Starlette, FastAPI, Flask or Django, or a mapping of headers. body: what a reader with a
        `field` looks into, as bytes or text (JSON, or a form if the Content-Type says so), or parsed. Flask's and
        Django's requests have it themselves; Starlette's has not: `body=await request.body()`.

        Raises `BadSession` for what is no ID, and for two where one is meant, even if they are the same.
        """
        framework = _framework_of(request)
        headers = _headers_of(request)
        media = _media_type(headers)
        if self._field is not None and body is None:
            body = _body_of(request, None if headers is request else framework, media)
        try:
            session_id = self._find(headers, body, media)
            return None if session_id is None else self._digests.of(session_id)
        except BadSession as error:
            message = error.message
        raise _kind(framework)(message)  # here, since the errors of parsers hold what they parsed

    def _find(self, headers: Any, body: Any, media: str) -> str | None:
        """The ID, if it is one and the same wherever it is; raises `BadSession`."""
        found = {f"the header {AUTHORIZATION}": _authorized(headers)}
        if self._header is not None:
            found[f"the header {self._header}"] = _bare(headers, self._header)
        if self._field is not None:
            found[f"the field {self._field!r} of the body"] = _in_body(body, self._field, media)
        given = {place: value for place, value in found.items() if value is not None}
        for place, value in given.items():
            if not is_session_id(value):
                raise BadSession(f"What {place} holds is no session ID: 20 to 128 characters of A-Z a-z 0-9 - _.")
        if len(set(given.values())) > 1:
            raise BadSession(f"The session IDs in {' and '.join(given)} differ: send one.")
        return next(iter(given.values()), None)


def _kept(path: Path) -> bytes:
    """The secret in a file, which is made if need be; raises `StartError`."""
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"{path.parent}, for the sessions' secret, can't be made: {error.strerror}.") from error
    return secret_at(path)[0]


def _framework_of(request: object) -> str | None:
    """The package that a request is of, a key of `_FRAMEWORKS`; `None` for any other object."""
    packages = (cls.__module__.partition(".")[0] for cls in type(request).__mro__)
    return next((package for package in packages if package in _FRAMEWORKS), None)


@cache
def _kind(framework: str | None) -> type[BadSession]:
    """The `BadSession` that a framework takes for its own error."""
    if framework is None:
        return BadSession
    module, name, before = _FRAMEWORKS[framework]
    bases = (BadSession, getattr(import_module(module), name))
    return cast(type[BadSession], type(BadSession.__name__, bases, {"_before": before, "__module__": __name__}))


def _headers_of(request: Any) -> Any:
    """The headers of a request, a mapping that may have `getlist`; raises `TypeError` for what is no request."""
    headers = getattr(request, "headers", request)
    if not isinstance(headers, Mapping) and not hasattr(headers, "getlist"):
        what = type(request).__name__
        raise TypeError(f"A {what} is no request of Starlette, FastAPI, Flask or Django, nor a mapping of headers.")
    return cast(Any, headers)


def _values(headers: Any, name: str) -> list[str]:
    """What a header was given as; WSGI, and so Django, joins the values of several with commas."""
    if hasattr(headers, "getlist"):
        return list(headers.getlist(name))
    return [value for key, value in headers.items() if key.lower() == name.lower()]


def _media_type(headers: Any) -> str:
    """The Content-Type without its parameters, in lower case; `""` if there is none."""
    return next(iter(_values(headers, "Content-Type")), "").partition(";")[0].strip(_BLANK).lower()


def _authorized(headers: Any) -> str | None:
    """What follows the scheme `Session`; raises `BadSession` where that is not the only one."""
    joined = ",".join(_values(headers, AUTHORIZATION)).replace("\t", " ")
    pieces = [piece.strip(" ").partition(" ") for piece in _QUOTED.sub('""', joined).split(",")]
    ours = [credentials.strip(" ") for scheme, _, credentials in pieces if scheme.lower() == SCHEME.lower()]
    if ours and len(pieces) > 1:
        raise _twice(f"The header {AUTHORIZATION}")
    return ours[0] if ours else None


def _bare(headers: Any, name: str) -> str | None:
    """The value of a header; raises `BadSession` for several."""
    values = _values(headers, name)
    if len(values) > 1 or any("," in value for value in values):
        raise _twice(f"The header {name}")
    return values[0].strip(_BLANK) if values else None


def _body_of(request: Any, framework: str | None, media: str) -> Any:
    """The body that a request has itself, raw or as a form; the app can still read it. Raises `TypeError`."""
    if framework == "werkzeug":
        raw = b"" if media == _MULTIPART else request.get_data()  # before the form, which would leave nothing of it
        return request.form if media in {_FORM, _MULTIPART} else raw
    if framework == "django":
        return request.POST if media == _MULTIPART and request.method == "POST" else request.body
    how = "await request.body()" if framework == "starlette" else "..."
    raise TypeError(f"A field of the body is read from a body: pass body={how}.")


def _in_body(body: Any, name: str, media: str) -> str | None:
    """The value of a field; raises `BadSession` for several, for none that is text, and for a broken body."""
    values = _fields(body, name, media)
    if len(values) > 1:
        raise _twice(f"The field {name!r} of the body")
    if values and not isinstance(values[0], str):
        raise BadSession(f"The field {name!r} of the body is not a string.")
    return cast(str, values[0]) if values else None


def _fields(body: Any, name: str, media: str) -> list[object]:
    """All values of the fields with a name; raises `BadSession`, or `TypeError` for what can't be a body."""
    if hasattr(body, "getlist"):
        return list(body.getlist(name))
    if isinstance(body, Mapping):
        return [body[name]] if name in body else []
    if isinstance(body, (list, int, float)):
        raise _no_object()
    if not isinstance(body, (bytes, bytearray, str)):
        raise TypeError(f"A body is bytes, text, a mapping or a form, not a {type(body).__name__}.")
    if media == _MULTIPART and body:
        raise BadSession("The body is multipart, which is only read as a parsed form.")
    if media == _FORM:
        text = body if isinstance(body, str) else body.decode(errors="replace")
        return [value for key, value in parse_qsl(text, keep_blank_values=True) if key == name]
    return _of_json(body, name, strict=media == "application/json" or media.endswith("+json"))


class _Pairs(list[tuple[str, object]]):
    """An object of JSON, with what it holds twice."""


def _of_json(body: bytes | bytearray | str, name: str, strict: bool) -> list[object]:
    """All values that a JSON object has under a name; of what is none, `BadSession` if strict."""
    try:
        value = json.loads(body, object_pairs_hook=_Pairs) if body else _Pairs()
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, _Pairs):
        return [each for key, each in value if key == name]
    if strict:
        raise _no_object()
    return []


def _twice(place: str) -> BadSession:
    return BadSession(f"{place} is given more than once: send one session ID.")


def _no_object() -> BadSession:
    return BadSession("The body is not a JSON object.")
