"""A function's signature as its callers see it: `(sessionId: SessionId, name: str, count: int = ...) -> None`."""

import inspect
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pillion_server.functions import Function
from pillion_shared.wire import SESSION_ARG, SESSION_PARAM


def signature_text(function: Function[..., Any]) -> str:
    """The arguments under their names on the wire, `= ...` after those with a default, and what is returned."""
    arguments = ", ".join(
        f"{SESSION_ARG if each.name == SESSION_PARAM else each.name}: {type_text(each.annotation)}"
        + ("" if each.required else " = ...")
        for each in function.signature.parameters
    )
    returned = inspect.signature(function.handler).return_annotation
    return f"({arguments})" + ("" if returned is inspect.Signature.empty else f" -> {type_text(returned)}")


def type_text(annotation: Any) -> str:
    """A type as it is written, without the modules that its names come from."""
    if annotation is None or annotation is types.NoneType:
        return "None"
    if annotation is ...:
        return "..."
    if isinstance(annotation, str):
        return annotation
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is Annotated:
        return type_text(arguments[0])
    if origin in (Union, types.UnionType):
        return " | ".join(map(type_text, arguments))
    if origin is not None:
        return f"{type_text(origin)}[{', '.join(map(type_text, arguments))}]"
    return getattr(annotation, "__name__", None) or str(annotation)
