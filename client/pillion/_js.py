"""JavaScript, as both Pythons see it: its values, its promises, what it throws.

What may throw in JavaScript is called inside a promise: MicroPython can catch a rejected promise that it
awaits, but not an exception that JavaScript throws straight into it.
"""

import sys

import js

try:
    from pyodide.ffi import JsProxy, create_proxy
except ImportError:
    from jsffi import JsProxy, create_proxy

from pillion_shared import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MICROPYTHON = sys.implementation.name == "micropython"

# PyScript gives a worker a `document` that stands for the page's, so that alone says nothing.
IN_PAGE = hasattr(js, "document") and not hasattr(js, "WorkerGlobalScope")


LAYERS = "__pillion_layers__"
"""What page.js puts on `globalThis`."""


def promise() -> "tuple[Any, Callable[[object], None]]":
    """A promise, and what resolves it."""
    made = deferred()
    return made.promise, made.resolve


def proxy_of(function: "Callable[..., object]") -> "Any":
    """A function of Python's as one of JavaScript's, until `forget`."""
    return create_proxy(function)


def expose(target: "Any", name: str, function: "Callable[..., object]") -> "Callable[[], None]":
    """Sets `target.name` to a function; returns what unsets it."""
    proxy = create_proxy(function)
    setattr(target, name, proxy)

    def take_back() -> None:
        setattr(target, name, None)
        forget(proxy)

    return take_back


async def ask(target: "Any", name: str, *arguments: object) -> "Any":
    """What a function of an object, or the promise it returns, gives. Raises `StorageError` with what it throws."""
    function = getattr(target, name)
    # By `apply`, because `then` passes an argument of its own, which a function of Python's would not take.
    return await attempt(js.Reflect.apply.bind(None, function, None, js.Array.of(*arguments)))


async def attempt(function: "Any", failure: "type[Exception]" = StorageError) -> "Any":
    """What a JavaScript function of no arguments returns; raises `failure` with what it throws."""
    try:
        return await js.Promise.resolve().then(function)
    except Exception as error:
        why = reason(error)
    raise failure(why)


async def construct(kind: "Any", *arguments: object) -> "Any":
    """A new object of JavaScript's; raises `ValueError` with what its making throws."""
    if MICROPYTHON:
        return await attempt(js.Reflect.construct.bind(None, kind, js.Array.of(*arguments), kind), ValueError)
    try:
        return kind.new(*arguments)
    except Exception as error:
        why = reason(error)
    raise ValueError(why)


def reason(error: "Any") -> str:
    """`"SecurityError: ..."`, whichever way the runtime tells it: Pyodide by attributes, MicroPython by `args`."""
    if hasattr(error, "name"):
        name, message = error.name, getattr(error, "message", error)
    elif len(error.args) == 3:
        _, name, message = error.args
    else:
        name, message = type(error).__name__, error
    return f"{name}: {message}".split("\n")[0].rstrip(".")


def text_of(value: object) -> "str | None":
    """A missing item is `jsnull` on Pyodide and `None` on MicroPython."""
    return value if isinstance(value, str) else None


def is_of_js(value: object) -> bool:
    """Whether a value is an object of JavaScript's."""
    return isinstance(value, JsProxy)


def forget(proxy: "Any") -> None:
    """Gives up a proxy that JavaScript will not call any more; MicroPython's go by themselves."""
    if hasattr(proxy, "destroy"):
        proxy.destroy()


def deferred() -> "Any":
    """A promise with its `resolve` and `reject`, as `Promise.withResolvers` (ES2024) gives it."""
    if hasattr(js.Promise, "withResolvers"):
        return js.Promise.withResolvers()
    made = js.Object.new()

    def take(resolve: object, reject: object) -> None:
        made.resolve, made.reject = resolve, reject

    made.promise = js.Promise.new(take)
    return made


def is_there(value: "Any") -> bool:
    """Whether a JavaScript value is neither null nor undefined, whichever way the runtime tells it."""
    return bool(js.Boolean(value))


def nothing(*_ignored: object) -> None:
    pass
