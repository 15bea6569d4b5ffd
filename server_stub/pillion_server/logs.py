"""The server's log: the logger `pillion_server`, whose lines are for people or JSON.

A line about a call has fields of its own, see `pillion_server.call_record`; none holds a session ID.
"""

import logging
import time
from enum import StrEnum

from pythonjsonlogger.msgspec import MsgspecFormatter

from pillion_server import log_lines
from pillion_server.call_record import CallRecord

LOGGER = "pillion_server"

_logger = logging.getLogger(LOGGER)


class Format(StrEnum):
    """What a line looks like."""

    HUMAN = "human"
    JSON = "json"


class Level(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def configure(format: Format, level: Level) -> None:
    """Sends what is logged from `level` on to standard error; other libraries' warnings too, and all of `ctx.log`."""
    logging.basicConfig(level=logging.WARNING, force=True)
    [handler] = logging.getLogger().handlers
    handler.setFormatter(_FORMATTERS[format])
    _logger.setLevel(level.upper())
    logging.getLogger(log_lines.LOGGER).setLevel(logging.INFO)


def log_call(record: CallRecord) -> None:
    """A line for a call from outside that has ended; failures that need somebody have lines of their own."""
    if not record.inside and _logger.isEnabledFor(logging.INFO):
        _logger.info(
            "%s %s: %s in %.1f ms [Request ID: %s]",
            record.kind,
            record.function,
            record.outcome,
            record.duration_ms,
            record.request_id,
            extra=record.fields(),
        )


class _Json(MsgspecFormatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


_FORMATTERS: dict[Format, logging.Formatter] = {
    Format.HUMAN: logging.Formatter("%(asctime)s %(levelname)s %(message)s"),
    Format.JSON: _Json(
        "%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields={"asctime": "time", "levelname": "level"}
    ),
}
