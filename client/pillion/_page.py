"""What the page's own JavaScript gets of the session, by page.js: layers around its calls, and an object on window."""

import js

from pillion._js import LAYERS, forget, proxy_of
from pillion_shared import SessionError
from pillion_shared.wire import AUTHORIZATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

SOURCE = "page.js"


def install(origins: "Iterable[str]", functions: "dict[str, Callable[..., object]]", name: str) -> "Callable[[], None]":
    """Lays the layers, and sets `window[name]`; returns what undoes both. functions: those of a rule of page.js.

    Raises `SessionError` where the page has something of that name that stays.
    """
    layers = _layers()
    rule = js.Object.new()
    rule.origins = js.Set.new(js.Array.of(*origins))
    rule.header = AUTHORIZATION
    proxies: list[Any] = []
    for each, function in functions.items():
        proxy = proxy_of(function)
        proxies.append(proxy)
        setattr(rule, each, proxy)

    def give_up() -> None:
        for proxy in proxies:
            forget(proxy)

    if not layers.add(rule, name):
        give_up()
        raise SessionError(f"The page has a {name!r} of its own that can't be replaced: install(session, name=...).")

    def remove() -> None:
        layers.remove(rule)
        give_up()

    return remove


def lay_again() -> None:
    """Lays the layers where others have taken them off."""
    _layers().lay()


def error(name: str, message: str) -> "Any":
    """An Error of JavaScript's."""
    made = js.Error.new(message)
    made.name = name
    return made


def _layers() -> "Any":
    if not hasattr(js.globalThis, LAYERS):
        with open(__file__.rpartition("/")[0] + "/" + SOURCE) as file:  # noqa: PTH123 - MicroPython's Path has no open
            js.Function.new(file.read())()
    return getattr(js.globalThis, LAYERS)
