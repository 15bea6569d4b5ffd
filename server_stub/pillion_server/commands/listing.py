"""`pillion functions FOLDER`: what a server would register."""

from pathlib import Path
from typing import Annotated

import typer

from pillion_server.commands.printing import complain, rows
from pillion_server.loading import load
from pillion_server.signature_text import signature_text


def functions(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder with the functions.")],
) -> None:
    """List the functions of a folder: path, kind, who may call, and the signature that callers see."""
    registered = load(folder)
    if not len(registered):
        complain(f"{folder} holds no functions: write one, and @query, @mutation or @action above it.")
        return
    rows(
        *(
            (
                (path, "bold"),
                each.kind,
                "public" if each.public else ("internal", "dim"),
                (signature_text(each), "cyan"),
            )
            for path, each in sorted(registered.items())
        )
    )
