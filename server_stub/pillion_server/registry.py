"""The functions of a server by their paths, and who may call which."""

from collections.abc import Iterator, Mapping
from typing import Any

from pillion_server.errors import CallError, DefinitionError
from pillion_server.functions import Function
from pillion_server.schema import Schema
from pillion_shared import PathError, canonical
from pillion_shared.ids import quotable


class Registry:
    """What a functions folder holds: functions, and the schema of their database."""

    def __init__(self, schema: Schema | None = None) -> None:
        self.schema = schema or Schema()
        self._functions: dict[str, Function[..., Any]] = {}

    def __iter__(self) -> Iterator[Function[..., Any]]:
        return iter(self._functions.values())

    def items(self) -> Iterator[tuple[str, Function[..., Any]]]:
        """Every path with its function; one that has two names is there twice."""
        return iter(self._functions.items())

    def __len__(self) -> int:
        return len(self._functions)

    def replace(self, other: "Registry") -> None:
        """Takes the functions and the schema of another registry instead of its own."""
        self.schema, self._functions = other.schema, other._functions  # noqa: SLF001 - of the same class

    def add(self, module: str, members: Mapping[str, object]) -> None:
        """Adds the functions among a module's members; raises `DefinitionError` for bad names."""
        for name, member in members.items():
            if isinstance(member, Function):
                try:
                    path = canonical(f"{module}:{name}")
                except PathError as error:
                    raise DefinitionError(str(error)) from None
                self._functions[path] = member
                member.path = member.path or path

    def find(self, kind: str | None, path: str, *, trusted: bool = False) -> Function[..., Any]:
        """The function at a canonical path, to be run as `kind`; `None` takes any.

        trusted: the caller is a function of this server, and may call internal ones. Raises `CallError`.
        """
        function = self._functions.get(path)
        if function is None or not (function.public or trusted):
            shown = path if trusted else quotable(path[:200])  # who calls from outside may have an ID at hand
            raise CallError(f"Could not find public function for '{shown}'.")
        if kind is not None and function.kind != kind:
            asked, defined = kind.capitalize(), function.kind.capitalize()
            raise CallError(f"Trying to execute {path} as {asked}, but it is defined as {defined}.")
        return function
