"""No I/O where a transaction is open: what a query or mutation tries is refused, by Python's audit events.

It catches mistakes and is no sandbox: what Python doesn't report passes, such as reading from a socket or file that is
open already, a library's own C code, new threads before Python 3.12 and `time.sleep` before 3.13. On purpose pass:

    imports                what a module does as it is loaded
    logging, tracebacks    what was set up to be logged, and the lines of source that a traceback shows
    finalizers             they belong to other objects, and run whenever memory is collected
"""

import functools
import inspect
import sys
import threading

REFUSED = frozenset(
    [
        "open",
        "time.sleep",
        "mmap.__new__",
        "webbrowser.open",
        "sqlite3.connect",
        "urllib.Request",
        "os.chmod",
        "os.chown",
        "os.link",
        "os.listdir",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.scandir",
        "os.symlink",
        "os.truncate",
        "os.utime",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.kill",
        "os.killpg",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
        "ftplib.connect",
        "http.client.connect",
        "http.client.send",
        "imaplib.open",
        "poplib.connect",
        "smtplib.connect",
        "socket.__new__",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.getnameinfo",
        "socket.sendmsg",
        "socket.sendto",
        "_thread.start_new_thread",
        "_thread.start_joinable_thread",
    ]
)
"""The audit events, as in Python's own table of them. A new thread is among them: it would not be watched."""

_PASSING = {
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "zipimport",
    "logging",
    "logging.handlers",
    "linecache",
    "weakref",
}
"""The modules under whose frames all passes."""


class _Running(threading.local):
    """What runs on a thread: the kind and path of a function."""

    function: tuple[str, str] | None = None


_running = _Running()


class no_io:  # noqa: N801 - it is used as a statement
    """Refuses I/O on this thread while the block, a function of this kind, runs: there it raises `RuntimeError`."""

    def __init__(self, kind: str, path: str) -> None:
        self._function = (kind, path)

    def __enter__(self) -> None:
        _watch()
        self._before, _running.function = _running.function, self._function

    def __exit__(self, *_: object) -> None:
        _running.function = self._before


@functools.cache
def _watch() -> None:
    """Hears every audit event of the process, from the first time on."""
    sys.addaudithook(_refuse)


def _refuse(event: str, _: object) -> None:
    if event in REFUSED and (function := _running.function) is not None and not _passes():
        kind, path = function
        raise RuntimeError(
            f"{path}: a {kind} can't do I/O ({event}), because it runs inside a transaction: do it in an action, "
            "or, if it is always the same, when the module is loaded."
        )


def _passes() -> bool:
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__") in _PASSING or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
