"""The command line, `pillion` or `python -m pillion_server`: one file per command, and `main` over them."""

from collections.abc import Sequence

import typer

from pillion_server.commands import data, listing, run, session_commands
from pillion_server.commands.printing import complain
from pillion_shared import PillionError

cli = typer.Typer(
    help="Serves a folder of pillion functions, and looks after its data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command("run")(run.run)
cli.command("functions")(listing.functions)
cli.command("export")(data.export)
cli.command("import")(data.import_)
cli.add_typer(session_commands.cli, name="sessions")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status: 0, 1 when it could not be done, 2 when it was written wrongly."""
    try:
        cli(args=None if arguments is None else list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except PillionError as error:
        complain(str(error))
        return 1
    return 0
