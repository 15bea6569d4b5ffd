"""`pillion run FOLDER`: serves the functions of a folder until Ctrl-C."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pillion_server import logs
from pillion_server.app import create_app
from pillion_server.commands.printing import say
from pillion_server.errors import StartError
from pillion_server.expiry import parse
from pillion_server.guard import LOOPBACK
from pillion_server.jwt_auth import JwtAuth
from pillion_server.reloading import keep_loaded
from pillion_server.serving import listen, serve


def run(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder with the functions.")],
    static: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder of pages to serve as well.")] = None,
    db: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The database.",
            show_default=".pillion/NAME.sqlite3, after the folder",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; the default is for this machine only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A host name to answer to (repeatable).")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="An origin that may call (repeatable).")
    ] = None,
    dev: Annotated[bool, typer.Option("--dev", help="Tell callers what went wrong inside functions.")] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Load the functions anew when a .py file changes.")] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="Serve /metrics, for Prometheus.")] = False,
    strict: Annotated[
        list[str] | None,
        typer.Option(metavar="FUNCTION", help="Refuse IDs that aren't registered, but for this one (repeatable)."),
    ] = None,
    expire_after: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="End sessions unseen for 30d or 12h of running, and delete what they have."),
    ] = None,
    jwks: Annotated[
        str | None, typer.Option(metavar="KEYS", help="Check tokens with these keys, a JWKS: a file or https://...")
    ] = None,
    issuer: Annotated[str | None, typer.Option(metavar="ISS", help="Whose tokens, with --jwks.")] = None,
    audience: Annotated[
        list[str] | None, typer.Option(metavar="AUD", help="For whom they are, with --jwks (repeatable).")
    ] = None,
    log_format: Annotated[logs.Format, typer.Option(help="Lines for people, or JSON lines.")] = logs.Format.HUMAN,
    log_level: Annotated[
        logs.Level, typer.Option(help="What to log: from info on, a line for each call.")
    ] = logs.Level.WARNING,
) -> None:
    """Serve the functions of a folder until Ctrl-C."""
    path = db or Path(".pillion") / f"{folder.resolve().name}.sqlite3"
    logs.configure(log_format, log_level)
    if reload:
        sys.dont_write_bytecode = True  # Python takes a cached module for new if it was changed within a second
    with listen(host, port) as listener:
        app = create_app(
            folder,
            path,
            static=static,
            allow_hosts=(*(allow_host or ()), *_own_names(host)),
            allow_origins=allow_origin or (),
            dev=dev,
            metrics=metrics,
            strict=strict or None,
            expire_after=None if expire_after is None else parse(expire_after),
            auth=_auth(jwks, issuer, audience or ()),
        )
        shown = "localhost" if host in LOOPBACK else host
        url = f"http://{shown}:{listener.getsockname()[1]}"
        ready = partial(say, (url, "bold"), f" ({folder}, data in {path}; Ctrl-C stops it)")
        state = app.state
        beside = partial(keep_loaded, folder, state.registry, state.database, state.doors, say) if reload else None
        serve(app, listener, ready, beside)


def _auth(jwks: str | None, issuer: str | None, audience: Sequence[str]) -> JwtAuth | None:
    """What checks tokens; raises `StartError` for a part of the options."""
    if jwks is None and issuer is None and not audience:
        return None
    if jwks is None:
        raise StartError("--issuer and --audience are for checking tokens: name the keys as well, with --jwks.")
    return JwtAuth(jwks, issuer=issuer or "", audience=audience)


def _own_names(host: str) -> tuple[str, ...]:
    """The host names that go without saying when listening on `host`."""
    if not host.strip("0.:"):  # any address of this machine: 0.0.0.0 or ::
        return ()
    return (f"[{host}]" if ":" in host else host,)
