"""A function's signature as its callers see it: `(sessionId: SessionId, name: str, count: int = ...) -> None`."""

import inspect
from typing import Any

from pillion_server.functions import Function
from pillion_server.type_text import type_text
from pillion_shared.wire import wire_name


def signature_text(function: Function[..., Any]) -> str:
    """The arguments under their names on the wire, `= ...` after those with a default, and what is returned."""
    arguments = ", ".join(
        f"{wire_name(each.name)}: {type_text(each.annotation)}" + ("" if each.required else " = ...")
        for each in function.signature.parameters
    )
    is_said = inspect.signature(function.handler).return_annotation is not inspect.Signature.empty
    return f"({arguments})" + (f" -> {type_text(function.returns.annotation)}" if is_said else "")
