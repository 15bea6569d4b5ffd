"""`python -m pillion_server FOLDER`: serves the functions of a folder until Ctrl-C."""

import argparse
import contextlib
import gc
import logging
import os
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from pillion_server.app import create_app
from pillion_server.errors import StartError
from pillion_server.guard import LOOPBACK

STOP_SECONDS = 2
"""How long running calls may take when the server stops."""

KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept: longer than browsers do, so none is closed as a call goes out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until stopped; the exit status."""
    options = _parser().parse_args(arguments)
    options.db = options.db or Path(".pillion") / f"{options.path.resolve().name}.sqlite3"
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("pillion_server").setLevel(logging.INFO)  # what functions say by ctx.log
    try:
        with _listen(options.host, options.port) as listener:
            return _serve(listener, options)
    except StartError as error:
        sys.stderr.write(f"pillion: {error}\n")
        return 1


def _serve(listener: socket.socket, options: argparse.Namespace) -> int:
    app = create_app(
        options.path,
        options.db,
        static=options.static,
        allow_hosts=(*options.allow_host, *_own_names(options.host)),
        allow_origins=options.allow_origin,
        dev=options.dev,
    )
    port: int = listener.getsockname()[1]
    shown = "localhost" if options.host in LOOPBACK else options.host
    line = f"pillion: http://{shown}:{port} ({options.path}, data in {options.db}; Ctrl-C stops it)"
    with contextlib.suppress(KeyboardInterrupt):
        _Server(_config(app), line).run(sockets=[listener])
    if any(thread.name.startswith("pillion-") for thread in threading.enumerate()):
        os._exit(1)  # a function that never ends would keep the process; what was acknowledged is on disk
    return 0


class _Server(uvicorn.Server):
    """uvicorn, saying one line once it listens."""

    def __init__(self, config: uvicorn.Config, line: str) -> None:
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what is there now stays: the collector need not look at it again
        print(self._line, flush=True)


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m pillion_server", description="Serves a folder of pillion functions.")
    add = parser.add_argument
    add("path", metavar="PATH", type=Path, help="the folder with the functions")
    add("--static", metavar="DIR", type=Path, help="a folder of pages to serve as well")
    add(
        "--db",
        metavar="FILE",
        type=Path,
        help="the database (default: .pillion/NAME.sqlite3, after the folder)",
    )
    add(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (default: %(default)s, this machine only)",
    )
    add("--port", type=int, default=8000, help="the port (default: %(default)s; 0 takes a free one)")
    add(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="a host name to answer to (repeatable)",
    )
    add(
        "--allow-origin",
        metavar="URL",
        action="append",
        default=[],
        help="an origin that may call (repeatable)",
    )
    add("--dev", action="store_true", help="tell callers what went wrong inside functions")
    return parser


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket; raises `StartError`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # elsewhere it would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
        except BaseException:
            listener.close()
            raise
        return listener
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StartError(
            f"Can't listen on {host}:{port} ({reason}): stop what does, or take another --port."
        ) from error


def _own_names(host: str) -> tuple[str, ...]:
    """The host names that go without saying when listening on `host`."""
    if not host.strip("0.:"):  # any address of this machine: 0.0.0.0 or ::
        return ()
    return (f"[{host}]" if ":" in host else host,)


if __name__ == "__main__":
    sys.exit(main())
