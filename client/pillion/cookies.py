"""Cookies as text: what `document.cookie` is given, and what is found in it (RFC 6265)."""

_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
LONGEST_AGE = 400 * 24 * 3600
"""Seconds that a browser keeps a cookie at most (RFC 6265bis section 5.5)."""


class CookieAttributes:
    """What a cookie is set with.

    path, domain: where it is sent; no domain means this host only.
    max_age: seconds, at most 400 days.
    same_site: `"Lax"`, `"Strict"` or `"None"` (which browsers take only with Secure).
    secure: `True`, `False`, or `None` for "on https".
    partitioned: a jar of its own under each site that embeds the page (needs Secure).
    """

    def __init__(
        self,
        path: str = "/",
        domain: "str | None" = None,
        max_age: int = LONGEST_AGE,
        same_site: str = "Lax",
        secure: "bool | None" = None,
        partitioned: bool = False,
    ) -> None:
        if same_site not in ("Lax", "Strict", "None"):
            raise ValueError(f"same_site is 'Lax', 'Strict' or 'None', not {same_site!r}.")
        if secure is False and (same_site == "None" or partitioned):
            raise ValueError("Browsers keep a cookie with same_site='None' or partitioned=True only if it is secure.")
        if not path.startswith("/"):
            raise ValueError(f"path begins with /, not {path!r}.")
        if not 0 < max_age <= LONGEST_AGE:
            raise ValueError(f"max_age is 1 to {LONGEST_AGE} seconds (400 days), not {max_age}.")
        for name, text in (("path", path), ("domain", domain or "")):
            if any(character < " " or character > "~" or character == ";" for character in text):
                raise ValueError(f"{name} {text!r} holds what a cookie attribute can't.")
        self.path = path
        self.domain = domain
        self.max_age = max_age
        self.same_site = same_site
        self.secure = secure
        self.partitioned = partitioned


def cookie_text(key: str, value: str, attributes: CookieAttributes, secure: bool, max_age: int) -> str:
    """The line that sets `key` for `max_age` seconds; with 0 it is the line that deletes it."""
    parts = [f"{quote(key)}={quote(value)}", f"Path={attributes.path}", f"Max-Age={max_age}"]
    parts.append(f"SameSite={attributes.same_site}")
    if attributes.domain:
        parts.append(f"Domain={attributes.domain}")
    if secure:
        parts.append("Secure")
    if attributes.partitioned:
        parts.append("Partitioned")
    return "; ".join(parts)


def cookie_value(header: str, key: str) -> "str | None":
    """The value of `key` in a `Cookie` header or `document.cookie`; the first wins, as in browsers."""
    wanted = quote(key)
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted:
            return unquote(value)
    return None


def quote(text: str) -> str:
    """`text` percent-encoded, so that any string fits a cookie's name or value."""
    return "".join(chr(octet) if chr(octet) in _PLAIN else f"%{octet:02X}" for octet in text.encode())


def unquote(text: str) -> "str | None":
    """What `quote` made `text` of; `None` if it made no such thing."""
    octets = bytearray()
    place = 0
    while place < len(text):
        if text[place] == "%":
            try:
                octets.append(int(text[place + 1 : place + 3], 16))
            except ValueError:
                return None
            place += 3
        else:
            octets.extend(text[place].encode())
            place += 1
    try:
        return octets.decode()
    except UnicodeError:
        return None
