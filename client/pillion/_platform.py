"""Where this code runs, and what every place gives under one name: random bytes, a warning, the browser."""

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

_clock: "Callable[[], float]" = getattr(time, "monotonic", time.time)

IN_BROWSER = sys.platform in ("emscripten", "webassembly")
"""Whether this is Python in a browser (or in another JavaScript runtime), by `sys.platform` alone."""

SHARES_A_TASK = IN_BROWSER and sys.implementation.name == "micropython"
"""Whether coroutines called by JavaScript are one task to asyncio."""


_SCHEME = "abcdefghijklmnopqrstuvwxyz0123456789+-."
_web_module: "list[ModuleType]" = []


def browser() -> "ModuleType":
    """The one module that talks to the browser; only where `IN_BROWSER`."""
    from pillion import _browser

    return _browser


def database() -> "ModuleType":
    """The one module that talks to the browser's IndexedDB; only where `IN_BROWSER`."""
    from pillion import _database

    return _database


def bridge() -> "ModuleType":
    """The one module that knows JavaScript's values; only where `IN_BROWSER`."""
    from pillion import _js

    return _js


def web() -> "ModuleType":
    """The one module that knows the browser's ways out; only where `IN_BROWSER`."""
    if not _web_module:  # an import is a search each time, and every call of plain HTTP asks
        from pillion import _web

        _web_module.append(_web)
    return _web_module[0]


def page() -> "ModuleType":
    """The one module that the page's own JavaScript has to do with; only where `IN_BROWSER`."""
    from pillion import _page

    return _page


def home() -> "str | None":
    """The origin of this page, or of a worker's page; `None` outside a browser."""
    origin: str | None = web().home() if IN_BROWSER else None
    return origin


def locate(url: str) -> "tuple[str, str | None] | None":
    """An address made absolute as this place does it, and its origin as browsers write it; `None` for what is none.

    There is no origin to what isn't http or WebSocket, such as `data:` and `blob:`. Outside a browser an address is
    whole, and one that others may read in another way (a backslash, a user before the host) has no origin.
    """
    located: tuple[str, str | None] | None = web().locate(url) if IN_BROWSER else _locate(url)
    return located


def form_with(body: str, name: str, value: str) -> str:
    """A form's text, `a=b&c=d`, with one more field, unless it has it already."""
    whole: str = web().form_with(body, name, value) if IN_BROWSER else _form_with(body, name, value)
    return whole


def _form_with(body: str, name: str, value: str) -> str:
    from urllib.parse import parse_qsl, urlencode

    has_it = any(each == name for each, _ in parse_qsl(body, keep_blank_values=True))
    return body if has_it else "&".join(filter(None, (body, urlencode({name: value}))))


def is_whole(url: str) -> bool:
    """Whether an address says its scheme and host, so that it is the same on every page."""
    return url[:7] == "http://" or url[:8] == "https://"


def has_scheme(url: str) -> bool:
    """Whether an address begins with `scheme://`."""
    scheme, separator, _ = url.partition("://")
    return bool(separator and scheme) and all(letter in _SCHEME for letter in scheme.lower())


def is_same_everywhere(url: str) -> bool:
    """Whether everybody reads one address in it: it is whole, or begins with a slash, and no `<base>` changes it."""
    if is_whole(url):
        return True
    if url[:1] != "/" and not has_scheme(url):
        return False  # `evil.example/x` is a path to a browser, and a host to urllib3
    return not IN_BROWSER or bool(web().locate(url) == web().locate_with_base(url))


def set_page(href: str) -> None:
    """Says where the page of this worker is."""
    if IN_BROWSER:
        web().set_page(href)


def page_address() -> "str | None":
    """Where this page is; `None` outside a browser, and in a worker that nobody has told."""
    href: str | None = web().page() if IN_BROWSER else None
    return href


def _locate(url: str) -> "tuple[str, str | None] | None":
    from urllib.parse import urlsplit

    if "\\" in url or any(character <= " " for character in url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    ports = {"http": 80, "https": 443, "ws": 80, "wss": 443}
    if not parts.scheme or not host:
        return None
    if parts.scheme not in ports or "@" in parts.netloc or any(letter > "~" for letter in host):
        return url, None  # the standards differ about names of other letters
    host = f"[{host}]" if ":" in host else host
    return url, f"{parts.scheme}://{host}" + ("" if port in (None, ports[parts.scheme]) else f":{port}")


def is_of_js(value: object) -> bool:
    """Whether a value is an object of JavaScript's."""
    return IN_BROWSER and bool(bridge().is_of_js(value))


def expose(target: "Any", name: str, function: "Callable[..., object]") -> "Callable[[], None]":
    """Gives JavaScript a function under a name of an object; returns what takes it back."""
    if IN_BROWSER:
        take_back: Callable[[], None] = bridge().expose(target, name, function)
        return take_back
    setattr(target, name, function)
    return lambda: delattr(target, name)


def ask(target: "Any", name: str, *arguments: object) -> "Any":
    """What a function that another place has exposed gives, or an awaitable of it; raises where there is none."""
    return bridge().ask(target, name, *arguments) if IN_BROWSER else getattr(target, name)(*arguments)


def random_bytes(count: int) -> bytes:
    """`count` bytes of a cryptographically secure source; raises `RandomnessError` where there is none."""
    octets: bytes = browser().random_bytes(count) if IN_BROWSER else os.urandom(count)
    return octets


async def shown() -> None:
    """Returns when somebody can see the page: at once, but for one that is prerendered."""
    if IN_BROWSER:
        await browser().shown()


def now() -> float:
    """Seconds on a clock for measuring waits: one that is never set, where the runtime has one."""
    return _clock()


def warn(message: str) -> None:
    """Tells the developer: on the page's console, or as a Python warning."""
    if IN_BROWSER:
        browser().warn(message)
    else:
        import warnings

        warnings.warn(message, RuntimeWarning, stacklevel=3)
