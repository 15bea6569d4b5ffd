"""The ASGI app: the function API, live queries, its health and metrics, and the static folder if there is one."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount

from pillion_server import expiry
from pillion_server.cors import cors
from pillion_server.database import Database
from pillion_server.failures import Failures
from pillion_server.guard import Guard, Guarded, normal_origin
from pillion_server.health import health_route
from pillion_server.http_api import Api
from pillion_server.jwt_auth import JwtAuth
from pillion_server.live import Live
from pillion_server.loading import load
from pillion_server.logs import log_call
from pillion_server.metrics import Metrics
from pillion_server.registry import Registry
from pillion_server.runner import Runner
from pillion_server.static import Static, check_private, check_served
from pillion_server.strict import Doors
from pillion_server.sync_api import SyncApi
from pillion_server.upkeep import keep_up


def create_app(
    functions: str | os.PathLike[str] | Registry,
    database: str | os.PathLike[str],
    *,
    static: str | os.PathLike[str] | None = None,
    allow_hosts: Iterable[str] = (),
    allow_origins: Iterable[str] = (),
    dev: bool = False,
    metrics: bool = False,
    strict: Iterable[str] | None = None,
    expire_after: timedelta | None = None,
    auth: JwtAuth | None = None,
) -> Starlette:
    """The app that serves the functions of a folder (or registry) on the database in a file.

    static: a folder whose files are served too, but not the functions. allow_hosts: host names besides this
    machine's own. allow_origins: origins of pages that may call, `"https://shop.example"`, besides this machine's.
    dev: callers are told what went wrong inside functions. metrics: `/metrics` is served, for Prometheus.
    strict: only IDs that `ctx.sessions.register` has let in are taken, but for these functions, `["users:start"]`.
    expire_after: sessions that were unseen while the server was running for so long, an hour at least, end and lose
    what they have.
    auth: checks the tokens of callers, whose keys are read now; without it calls with a token are refused.

    The database is open when this returns. It is closed when the app's lifespan ends, by
    `app.state.database.close()`, or with the process. Raises `StartError` when something is in the way.
    """
    if static is not None and not isinstance(functions, Registry):
        check_served(static, functions)
    registry = functions if isinstance(functions, Registry) else load(functions)
    open_to_all = None if strict is None else Doors(strict, registry)
    unseen = None if expire_after is None else expiry.milliseconds(expire_after)
    if auth is not None:
        auth.load()
    data = Database(database, registry.schema)
    served: list[BaseRoute] = [health_route(data)]
    observers = [log_call]
    if metrics:
        measured = Metrics(registry, data.path)
        observers.append(measured.count)
        served.append(measured.route())
    if static is not None:
        check_private(static, data.path)
        source = None if isinstance(functions, Registry) else functions
        served.append(Mount("/", Static(static, private=source)))
    origins = [normal_origin(origin) for origin in allow_origins]
    guard = Guard(allow_hosts, origins)
    runner = Runner(registry, data, dev=dev, doors=open_to_all, observers=observers)
    data.open()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        data.open()
        upkeep = asyncio.ensure_future(keep_up(data, unseen))
        try:
            yield
        finally:
            upkeep.cancel()
            await asyncio.wait([upkeep])
            data.close()

    app = Starlette(
        routes=served,
        middleware=[
            Middleware(Api, runner, guard, auth),
            cors(origins),
            Middleware(Failures),
            Middleware(Guarded, guard),
            Middleware(SyncApi, runner, Live(runner, data), data, auth),
        ],
        lifespan=lifespan,
    )
    app.state.database = data
    app.state.registry = registry
    app.state.doors = open_to_all
    return app
