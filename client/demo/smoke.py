"""The same lines on every runtime: a session, a call, a refresh that carries the count, another call."""

import json
import sys

from pyscript import RUNNING_IN_WORKER, config, sync, window

from pillion import Client, PillionError, SessionProvider, api, show

interpreter = sys.implementation.name
version = ".".join(str(number) for number in sys.implementation.version[:3])
place = ("mpy" if interpreter == "micropython" else "py") + ("-worker" if RUNNING_IN_WORKER else "-main")

# A worker has no localStorage of its own.
session = SessionProvider(
    Client(config["api"]),
    storage="memory" if RUNNING_IN_WORKER else "local",
    storage_key=f"pillion-smoke-{place}",
).install()


async def count_twice() -> int:
    """How many calls the server has seen of this session, counting those before the refresh."""
    await session.mutation(api.smoke.call, runtime=place)
    await session.refresh(lambda new: session.mutation(api.smoke.carry, new=new))
    calls = await session.mutation(api.smoke.call, runtime=place)
    seen = await session.query(api.smoke.seen)
    return calls if seen["runtime"] == place else 0


async def report(**told: object) -> None:
    """Fills in this runtime's row of the page's table."""
    send = sync.report if RUNNING_IN_WORKER else window.report
    said = send(place, json.dumps(told))
    if RUNNING_IN_WORKER:
        await said


try:
    calls = await count_twice()
    await report(ok=calls == 2, version=version, session=show(session.id), calls=calls)
except PillionError as error:
    await report(ok=False, version=f"{version}: {error}")
