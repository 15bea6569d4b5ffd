"""`GET /metrics`, for Prometheus: calls and how long they took, and the size of the database.

Calls are told apart by `origin`, `outside` or, from an action, `inside`, and by `source`, where the answer is from.
Labels are bounded: functions that there are not share one (`UNKNOWN`), the others have a few values each.
"""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pillion_server.call_record import CallRecord
from pillion_server.registry import Registry

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of durations, in seconds."""


class Metrics:
    """The metrics of one app, apart from those of others in the process."""

    def __init__(self, functions: Registry, database: Path) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "pillion_calls",
            "Calls that have ended.",
            ("function", "kind", "outcome", "origin", "source"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "pillion_call_duration_seconds",
            "How long calls took.",
            ("function", "kind", "origin"),
            registry=self._registry,
            buckets=BUCKETS,
        )
        self._registry.register(_Sizes(functions, database))
        ProcessCollector(registry=self._registry)

    def count(self, record: CallRecord) -> None:
        """Counts a call that has ended."""
        origin = "inside" if record.inside else "outside"
        self._calls.labels(record.function, record.kind, record.outcome, origin, record.source).inc()
        self._seconds.labels(record.function, record.kind, origin).observe(record.seconds)

    def route(self) -> Route:
        """The route."""

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(self._registry), 200, {"cache-control": "no-store"}, CONTENT_TYPE)

        return Route(PATH, metrics)


class _Sizes(Collector):
    """What is looked up when it is asked for."""

    def __init__(self, functions: Registry, database: Path) -> None:
        self._functions = functions
        self._files = (database, database.with_name(database.name + "-wal"))

    def collect(self) -> Iterable[Metric]:
        size = sum(file.stat().st_size for file in self._files if file.exists())
        yield GaugeMetricFamily("pillion_functions", "Registered functions.", len(self._functions))
        yield GaugeMetricFamily("pillion_database_bytes", "Size of the database and its write-ahead log.", size)
