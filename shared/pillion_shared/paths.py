"""Function paths: `module:function`, and `api`, which spells them in Python.

The rules are Convex's: modules may be nested with `/`, `module.js:function` and a bare `module` (its
`default`) are other spellings of the same function.
"""

from pillion_shared.errors import PathError
from pillion_shared.ids import quotable

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
_DIGITS = "0123456789"
_LONGEST = 64


class Reference:
    """A function of the server, named but not called: `api.cart.add` is `cart:add`.

    `api.shop.cart.add` is `shop/cart:add`. Give it to `query`, `mutation` or `action`.
    """

    def __init__(self, *parts: str) -> None:
        self._parts = parts

    def __getattr__(self, name: str) -> "Reference":
        if name.startswith("_"):
            raise AttributeError(name)
        return Reference(*self._parts, name)

    def __str__(self) -> str:
        if len(self._parts) < 2:
            raise PathError(
                "A function is named by its module and its name: api.cart.add, not " + quotable(repr(self)) + "."
            )
        return "/".join(self._parts[:-1]) + ":" + self._parts[-1]

    def __repr__(self) -> str:
        return ".".join(("api",) + self._parts)


api = Reference()
"""The root of all references: `api.cart.add`."""


def canonical(path: str) -> str:
    """`path` in its one spelling, `module:function`; raises `PathError` with the reason otherwise."""
    module, colon, function = path.rpartition(":")
    if not colon:
        module, function = path, "default"
    if module.endswith(".js"):
        module = module[:-3]
    for part in module.split("/"):
        if not part or len(part) > _LONGEST or part.strip(".") == "" or not _only(part, _LETTERS + _DIGITS + "."):
            raise PathError(_shortened(path) + " names no module: write module:function, such as cart:add.")
    if not _is_identifier(function):
        raise PathError(_shortened(path) + " names no function: write module:function, such as cart:add.")
    return module + ":" + function


def path_of(function: object) -> str:
    """The canonical path of a string, a `Reference`, or a server function (which has a `path`)."""
    if isinstance(function, (str, Reference)):
        return canonical(str(function))
    path = getattr(function, "path", None)
    if isinstance(path, str):
        return canonical(path)
    raise PathError(
        "A function is named by api.module.name or 'module:name', not by a " + type(function).__name__ + "."
    )


def _is_identifier(name: str) -> bool:
    return (
        0 < len(name) <= _LONGEST and name[0] in _LETTERS and name.strip("_") != "" and _only(name, _LETTERS + _DIGITS)
    )


def _only(text: str, alphabet: str) -> bool:
    return not text.strip(alphabet)  # a stranger in the middle would stay


def _shortened(path: str) -> str:
    return quotable(repr(path if len(path) <= 80 else path[:77] + "..."))
