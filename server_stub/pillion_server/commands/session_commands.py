"""`pillion sessions list` and `invalidate`: by digests, which are worth nothing as credentials."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pillion_server.commands.printing import complain, rows
from pillion_server.lineage import Lineage
from pillion_server.offline import reading, writing
from pillion_server.place import secret_beside
from pillion_server.sessions import Digests, epoch_of, secret_at
from pillion_shared import PillionError

cli = typer.Typer(help="List sessions, and end them.", no_args_is_help=True)

Database = Annotated[Path, typer.Argument(metavar="FILE", help="The database.")]

_FOUND = """
    select each.digest, sessions.user, seen.at, coalesce(sessions.live, true)
    from (select digest from sessions where user is not null union select digest from seen) each
    left join sessions using (digest) left join seen using (digest) order by user nulls last, at desc, each.digest"""


@cli.command("list")
def list_(file: Database) -> None:
    """List the live sessions that are bound to a user or have changed something: digest, user, when last seen (UTC).

    A server may be running; what it has seen in the last minutes is not written yet.
    """
    with reading(file) as connection:
        epoch: int = connection.value("select number from epoch")
        found = [row for row in connection.rows(_FOUND) if row[3] and epoch_of(row[0]) == epoch]
    if not found:
        complain("No session is bound to a user or has changed anything; of the others the database keeps no list.")
        return
    rows(*(((digest, "bold"), user or "-", _time(at)) for digest, user, at, _ in found))


def _time(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


@cli.command()
def invalidate(
    file: Database,
    digests: Annotated[list[str] | None, typer.Argument(metavar="DIGEST", help="Which sessions.")] = None,
    user: Annotated[str | None, typer.Option(help="All sessions of this user.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="All sessions there are.")] = False,
) -> None:
    """End sessions now: their IDs open new, empty ones. No server may be running."""
    if not (digests or user is not None or everyone):
        raise PillionError("Say which sessions: digests as `sessions list` shows them, --user USER, or --all.")
    with writing(file) as connection:
        secret, _ = secret_at(secret_beside(file))
        lineage = Lineage(connection, Digests(secret), now=0.0)
        ending = [*(digests or ()), *(digest for digest, _ in (lineage.of_user(user) if user is not None else ()))]
        ended = sum(_end(lineage, digest) for digest in dict.fromkeys(ending))
        if everyone:
            lineage.close_all()
    complain("All sessions have ended." if everyone else f"{ended} sessions have ended.")


def _end(lineage: Lineage, digest: str) -> bool:
    """Whether the session was live, and has ended now."""
    try:
        live = lineage.known(digest).live
    except ValueError:  # without what was given: it may be an ID
        raise PillionError("A session is named by its digest, as `sessions list` shows it: sid.…") from None
    if live:
        lineage.close(digest)
    return live
