"""The configs of the pages mount both packages as they stand on disk, every file at its import path."""

import re
import tomllib
from pathlib import Path

import pytest

from house.sources import PACKAGES, ROOT

CONFIGS = ("pyscript.toml", "micropython.toml")


def mounts(config: str) -> dict[str, str]:
    """Source to destination as PyScript reads `[files]`: {NAME} is replaced, `x/` keeps the file's name."""
    files: dict[str, str] = tomllib.loads(config)["files"]
    names = {source: target for source, target in files.items() if re.fullmatch(r"\{\w+\}", source)}
    found = {}
    for source, target in files.items():
        if source in names:
            continue
        for name, value in names.items():
            source, target = source.replace(name, value), target.replace(name, value)  # noqa: PLW2901
        if not target or target.endswith("/"):
            target += Path(source).name  # noqa: PLW2901
        found[source.removeprefix("./")] = target.removeprefix("./")
    return found


def wanted() -> dict[str, str]:
    """What has to be mounted, and where."""
    return {
        path.relative_to(ROOT).as_posix(): path.relative_to(PACKAGES[package].parent).as_posix()
        for package in ("pillion", "pillion_shared")
        for path in sorted(PACKAGES[package].rglob("*.*"))
        if path.suffix in (".py", ".js")
    }


@pytest.mark.parametrize("name", CONFIGS)
def test_every_module_is_mounted_where_it_is_imported(name: str) -> None:
    """A module that is missing here would be missing only in browsers."""
    found = mounts((ROOT / name).read_text())
    ours = {source: target for source, target in found.items() if source in wanted() or "demo" not in source}
    assert ours == wanted()


@pytest.mark.parametrize("name", CONFIGS)
def test_nothing_missing_is_mounted(name: str) -> None:
    """PyScript stops at the first file that is not there."""
    found = mounts((ROOT / name).read_text())
    assert [source for source in found if not (ROOT / source).is_file()] == []


@pytest.mark.parametrize("name", CONFIGS)
def test_two_files_never_land_on_one(name: str) -> None:
    """PyScript refuses a destination that is given twice."""
    targets = list(mounts((ROOT / name).read_text()).values())
    assert len(targets) == len(set(targets))


def test_mounts_are_read_as_pyscript_reads_them() -> None:
    """Names in braces, a folder, another name, the same name."""
    config = '[files]\n"{A}" = "a/b"\n"{A}/x.py" = "p/"\n"./y.py" = "./q/z.py"\n"c/w.py" = ""\n'
    assert mounts(config) == {"a/b/x.py": "p/x.py", "y.py": "q/z.py", "c/w.py": "w.py"}
