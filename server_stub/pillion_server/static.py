"""The static folder: pages, their Python, and the browser runtimes under `vendor/`."""

import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from pillion_server.errors import StartError

MEDIA_TYPES = {
    "": "text/plain",
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
}
"""The types of files that matter here, whatever the machine's own table says."""

VENDOR = "vendor"
_VENDOR_CACHE = "public, max-age=86400"  # V8 keeps compiled WebAssembly only along with a fresh cache entry
_PAGE_CACHE = "no-cache"  # kept, but asked about each time


class Static(StaticFiles):
    """Serves a folder, except what lies in or under a name that begins with a dot, or in the `private` folder."""

    def __init__(self, folder: str | os.PathLike[str], private: str | os.PathLike[str] | None = None) -> None:
        self._private = None if private is None else Path(private).resolve()
        self._root = Path(folder).resolve()
        if not self._root.is_dir():
            raise StartError(f"The static folder {folder} is not there.")
        super().__init__(directory=self._root, html=True)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        full_path, stat_result = super().lookup_path(path)
        if stat_result is not None and (_is_hidden(Path(path)) or self._is_private(full_path)):
            return "", None
        return full_path, stat_result

    def _is_private(self, full_path: str) -> bool:
        in_private = self._private is not None and Path(full_path).resolve().is_relative_to(self._private)
        return in_private or _is_hidden(self._inside(full_path))

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        inside = self._inside(full_path)
        cache = _VENDOR_CACHE if inside.parts[0] == VENDOR else _PAGE_CACHE
        response = FileResponse(
            full_path,
            status_code,
            {"cache-control": cache, "x-content-type-options": "nosniff"},
            MEDIA_TYPES.get(inside.suffix.lower()),
            stat_result=stat_result,
        )
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response

    def _inside(self, full_path: str | os.PathLike[str]) -> Path:
        return Path(full_path).relative_to(self._root)


def check_private(static: str | os.PathLike[str], database: Path) -> None:
    """Raises `StartError` when the static folder would hand out the database."""
    root, file = Path(static).resolve(), database.resolve()
    if file.is_relative_to(root) and not _is_hidden(file.relative_to(root)):
        raise StartError(
            f"The database {file} lies in the static folder {root}, where everybody could fetch it: "
            "put it elsewhere, or in a folder there whose name begins with a dot."
        )


def check_served(static: str | os.PathLike[str], functions: str | os.PathLike[str]) -> None:
    """Raises `StartError` when nothing of the static folder could be served, because it is among the functions."""
    root, private = Path(static).resolve(), Path(functions).resolve()
    if root.is_relative_to(private):
        raise StartError(
            f"The static folder {root} lies in the folder of functions {private}, which is never served: "
            "put the functions into a folder of their own, beside or under the static one."
        )


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
