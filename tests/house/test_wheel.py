"""The wheel: what it puts into site-packages, and that it works with the sources away."""

import subprocess
import sys
import sysconfig
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import pytest

from house.sources import PACKAGES, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert built.returncode == 0, built.stderr
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    """A folder with what the wheel holds."""
    folder = wheel.parent / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def metadata(unpacked: Path) -> Message:
    """The METADATA file."""
    [path] = unpacked.glob("*.dist-info/METADATA")
    return HeaderParser().parsestr(path.read_text(encoding="utf-8"))


def test_top_level(unpacked: Path) -> None:
    """Three packages under the project's name, and nothing else of ours in anybody's site-packages."""
    names = {path.name for path in unpacked.iterdir()}
    assert names == {*PACKAGES, "pillion-0.1.0.dist-info"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_a_package_is_there(package: str, unpacked: Path) -> None:
    """Every module, and py.typed, without which type checkers ignore the annotations."""
    ours = {path.relative_to(PACKAGES[package]) for path in PACKAGES[package].rglob("*.[pj][ys]")} | {Path("py.typed")}
    theirs = {path.relative_to(unpacked / package) for path in (unpacked / package).rglob("*") if path.is_file()}
    assert theirs == ours


def test_no_dependencies_without_an_extra(metadata: Message) -> None:
    """`pip install pillion` installs pillion."""
    needed = metadata.get_all("Requires-Dist", [])
    assert [each for each in needed if "extra ==" not in each] == []
    assert set(metadata.get_all("Provides-Extra", [])) == {"live", "server", "dev"}


@pytest.mark.parametrize("package", ["pillion", "pillion_shared", "pillion.testing"])
def test_it_is_imported_with_nothing_else_there(package: str, unpacked: Path) -> None:
    """Python alone and the wheel: no site-packages, no sources."""
    assert import_from([unpacked], package).startswith(str(unpacked))


def test_the_server_is_imported_with_the_sources_away(unpacked: Path) -> None:
    """Its dependencies are there, the editable install is not (`-S` reads no .pth files)."""
    libraries = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    assert import_from([unpacked, *libraries], "pillion_server").startswith(str(unpacked))


def import_from(folders: list[Path], module: str) -> str:
    """Imports the module in a Python that sees only these folders; returns the file it came from."""
    code = f"import sys; sys.path += sys.argv[1:]; import {module} as m; print(m.__file__)"
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", code, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
