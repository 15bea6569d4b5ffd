"""Where a request carries the ID: a header, or a field of its body."""

import json

from pillion import _platform
from pillion_shared.shapes import is_dict
from pillion_shared.wire import AUTHORIZATION, authorization

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pillion_shared import SessionId

CONTENT_TYPE = "content-type"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
_FORBIDDEN = (
    "cookie",
    "host",
    "origin",
    "referer",
    "connection",
    "content-length",
    "date",
    "te",
    "trailer",
    "upgrade",
    "via",
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"


class Placement:
    """`Authorization: Session <id>`, or the bare ID in another header, or in a top-level field of a JSON or form body.

    follows_redirects: whether the browser may follow redirects: of a header by another name, and of a body, it would
    take the ID along to wherever they lead.
    """

    def __init__(self, header: "str | None" = None, field: "str | None" = None) -> None:
        if header is not None and field is not None:
            raise ValueError("The ID goes into a header or into a field: pass header= or field=, not both.")
        if header is not None and not (header and all(each in _LETTERS for each in header.lower())):
            raise ValueError(f"{header!r} is no name of a header.")
        if header is not None and (header.lower() in _FORBIDDEN or header.lower()[:4] == "sec-"):
            raise ValueError(f"Browsers let nobody set {header}: name another header.")
        self.header = None if field is not None else header or AUTHORIZATION
        self.field = field
        self.follows_redirects = self.header is not None and self.header.lower() == AUTHORIZATION.lower()
        self._scheme = authorization("") if self.follows_redirects else ""

    def put(self, session_id: "SessionId", headers: "dict[str, str]", body: "Any") -> "tuple[dict[str, str], Any]":
        """Headers and body with the ID in them, unless the caller has put a value of their own there.

        A dict as the body becomes JSON in any case. Raises `ValueError` for a body that can hold no field.
        """
        if self.header is not None:
            return with_header(headers, self.header, self._scheme + session_id), body
        return headers, self._filled(session_id, find(headers, CONTENT_TYPE) or "", body)

    def value(self, session_id: "SessionId") -> str:
        """What stands in the header."""
        return self._scheme + session_id

    def _filled(self, session_id: "SessionId", content_type: str, body: "Any") -> "Any":
        name = str(self.field)
        kind = content_type.partition(";")[0].strip().lower()
        if isinstance(body, str) and (kind == JSON or kind.endswith("+json")):
            fields = json.loads(body)
            if is_dict(fields):
                return body if name in fields else _spliced(body, name, session_id, ", " if fields else "")
        elif isinstance(body, str) and kind == FORM:
            return _platform.form_with(body, name, session_id)
        elif _platform.IN_BROWSER and not isinstance(body, (str, bytes)) and body is not None:
            web = _platform.web()
            if web.kind_of(body) in ("FormData", "URLSearchParams"):
                return web.with_field(body, name, session_id)
        raise ValueError(
            f"There is no field {name!r} to this body: pass json= with a dict, a form, or a JSON text with its "
            "Content-Type. The ID is never put into an address."
        )


IN_AUTHORIZATION = Placement()
"""Where it is unless somebody says otherwise."""


def _spliced(text: str, name: str, value: str, comma: str) -> str:
    """The text of a JSON object with one more field; the rest of it stays as it is written."""
    begin = text.index("{") + 1
    return text[:begin] + json.dumps(name) + ": " + json.dumps(value) + comma + text[begin:]


def added(fields: "dict[Any, Any]", name: str, value: "Any") -> "dict[Any, Any]":
    """A copy of the fields with one more, unless it is there already."""
    made = dict(fields)
    made.setdefault(name, value)
    return made


def find(headers: "dict[str, str]", name: str) -> "str | None":
    """The value of a header, whatever case its name is written in."""
    for each, value in headers.items():
        if each.lower() == name.lower():
            return value
    return None


def with_header(headers: "dict[str, str]", name: str, value: str) -> "dict[str, str]":
    """A copy of the headers with one more, unless it is there already."""
    if not headers:
        return {name: value}
    return headers if find(headers, name) is not None else added(headers, name, value)
