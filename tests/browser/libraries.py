"""HTTP libraries for pages of Pyodide: those of the tests' own Python, which are all Python there."""

import functools
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path

from browser.site import ROOT

PACKAGES = ("requests", "urllib3", "idna", "certifi", "charset_normalizer", "pyodide_http")


@functools.cache
def archive() -> bytes:
    """A zip of them, for `[files]` to unpack."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as zipped:
        for package in PACKAGES:
            spec = find_spec(package)
            assert spec is not None
            assert spec.origin is not None
            folder = Path(spec.origin).parent
            for path in sorted(folder.rglob("*")):
                if path.suffix in (".py", ".pem"):
                    zipped.write(path, path.relative_to(folder.parent))
    return target.getvalue()


def config() -> str:
    """The pages' config, with them."""
    return (ROOT / "pyscript.toml").read_text(encoding="utf-8") + '"./libraries.zip" = "./*"\n'
