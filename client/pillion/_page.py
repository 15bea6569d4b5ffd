"""What the page's own JavaScript gets of the session, by page.js: layers around its calls, and an object on window."""

import js

from pillion._js import forget, proxy_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

LAYERS = "__pillion_layers__"
SOURCE = "page.js"


def install(origins: "Iterable[str]", functions: "dict[str, Callable[..., object]]", name: str) -> "Callable[[], None]":
    """Lays the layers, and sets `window[name]`; returns what undoes both. functions: those of a rule of page.js."""
    layers = _layers()
    rule = js.Object.new()
    rule.origins = js.Set.new(js.Array.of(*origins))
    proxies: list[Any] = []
    for each, function in functions.items():
        proxy = proxy_of(function)
        proxies.append(proxy)
        setattr(rule, each, proxy)
    before = js.Object.getOwnPropertyDescriptor(js.globalThis, name)
    js.Object.defineProperty(js.globalThis, name, _property(layers.face(rule)))
    layers.add(rule)

    def remove() -> None:
        layers.remove(rule)
        if hasattr(before, "configurable"):
            js.Object.defineProperty(js.globalThis, name, before)
        else:
            js.Reflect.deleteProperty(js.globalThis, name)
        for proxy in proxies:
            forget(proxy)

    return remove


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


def _property(value: "Any") -> "Any":
    described = js.Object.new()
    described.value, described.configurable, described.enumerable = value, True, False
    return described
