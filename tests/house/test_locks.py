"""Dependencies are pinned by version and hash, and no file says which registry they come from."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement  # pytest brings it
from packaging.utils import canonicalize_name

from house.sources import ROOT, shown, text_files

RIVALS = ROOT / "tests/browser/rivals"
NPM = (ROOT, RIVALS)
"""The folders with a package.json."""

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
HOST = re.compile(r"https?://(?:[^/@\s\"'<>)\\]*@)?([\w.-]*\w)", re.IGNORECASE)
KNOWN = re.compile(
    r"localhost|127\.0\.0\.1|HOST|pyscript\.net|stack\.convex\.dev|www\.w3\.org|github\.com|.*\.(?:example|test)",
    re.IGNORECASE,
)
"""The hosts that files may name: this machine, PyScript's CDN and the article in the README, XML's, where npm's
locks thank authors, and those that are nobody's."""
SETTING = re.compile(
    r"""(?:index|extra-index|registry|find-links|mirror)(?:[-_]?url)?["']?\s*[=:]\s*["']?(?:https?:|/|file:)\S*""",
    re.IGNORECASE,
)
PIN = re.compile(r"([a-z0-9-]+)==(\S+)(?: ; [^\\]+)?((?: --hash=sha256:[0-9a-f]{64})+)")


def registries(text: str) -> list[str]:
    """What may be the address of a registry: every host that is not known, and what a setting for one holds."""
    hosts = [host for host in HOST.findall(text) if not KNOWN.fullmatch(host)]
    return hosts + [match[0] for match in SETTING.finditer(text)]


def pins(lock: str) -> dict[str, str]:
    """Name to version; raises ValueError for a line that pins nothing."""
    joined = re.sub(r"\s*\\\n\s*", " ", re.sub(r"^#.*\n", "", lock, flags=re.MULTILINE))
    found = {}
    for line in joined.splitlines():
        pin = PIN.fullmatch(line.strip())
        if pin is None:
            raise ValueError(f"not a pinned, hashed requirement: {line}")
        found[pin[1]] = pin[2]
    return found


def unmet(wanted: list[str], pinned: dict[str, str]) -> list[str]:
    """The requirements that the pins don't meet, each with what is pinned instead."""
    found = []
    for each in wanted:
        requirement = Requirement(each)
        version = pinned.get(canonicalize_name(requirement.name))
        if requirement.name != "pillion" and (version is None or not requirement.specifier.contains(version)):
            found.append(f"{each}: {version} is pinned")
    return found


def test_no_file_names_a_registry() -> None:
    """Whoever installs says where from, by their own configuration."""
    found = [(shown(path), address) for path in text_files() for address in registries(path.read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize("folder", NPM, ids=shown)
def test_npm_lock_has_hashes_and_no_addresses(folder: Path) -> None:
    """npm's `resolved` would tie the lock to one registry."""
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []


@pytest.mark.parametrize("folder", NPM, ids=shown)
def test_npm_lock_is_that_of_package_json(folder: Path) -> None:
    """`make lock` was run after the last change."""
    wanted = json.loads((folder / "package.json").read_text())
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    locked = packages[""]
    for kind in ("dependencies", "devDependencies"):
        assert locked[kind] == wanted[kind]
        assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted[kind]} == wanted[kind]
        assert all(re.fullmatch(r"\d+\.\d+\.\d+(-\d+)?", version) for version in wanted[kind].values())


def test_the_bundler_is_locked_for_every_machine() -> None:
    """esbuild is a package for each system; npm locks those of all, whichever one it ran on."""
    packages = json.loads((RIVALS / "package-lock.json").read_text())["packages"]
    machines = [f"{system}-{cpu}" for system in ("linux", "darwin") for cpu in ("x64", "arm64")]
    assert {f"node_modules/@esbuild/{machine}" for machine in machines} <= packages.keys()


@pytest.mark.parametrize("lock", LOCKS, ids=shown)
def test_python_locks_hold_pins_with_hashes_and_nothing_else(lock) -> None:  # noqa: ANN001
    """No index lines, no options, no paths."""
    assert pins(lock.read_text())


def test_python_locks_agree() -> None:
    """The server is tested with the versions that the demo runs."""
    dev = pins((ROOT / "requirements/dev.txt").read_text())
    server = pins((ROOT / "requirements/server.txt").read_text())
    assert server.items() <= dev.items()


def test_python_locks_hold_what_pyproject_asks_for() -> None:
    """`make lock` was run after the last change."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    for lock, wanted in {
        "server": extras["server"] + groups["build"],
        "dev": extras["server"] + extras["dev"] + groups["build"],
        "node": groups["node"],
        "lock": groups["lock"],
    }.items():
        assert unmet(wanted, pins((ROOT / f"requirements/{lock}.txt").read_text())) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["a>=1.2"], []),
        (["a>=1.2,<2"], []),
        (["a==1.10.0; python_version > '3'"], []),
        (["A_b"], []),
        (["pillion[server]"], []),
        (["a>=2"], ["a>=2: 1.10.0 is pinned"]),
        (["a>=1.2,<1.10"], ["a>=1.2,<1.10: 1.10.0 is pinned"]),
        (["c"], ["c: None is pinned"]),
    ],
)
def test_a_pin_that_does_not_fit_is_found(wanted: list[str], found: list[str]) -> None:
    """By name and by version."""
    assert unmet(wanted, {"a": "1.10.0", "a-b": "1"}) == found


@pytest.mark.parametrize(
    "text",
    [
        '"resolved"' + ': "https:/' + '/registry.example.org/x/-/x-1.0.tgz"',
        "pip install -i https:/" + "/packages.corp.internal/simple x",
        "https:/" + "/user:word@wheels.corp.internal/simple",
        "curl http:/" + "/10.0.0.7:3141/root",
        "https:/" + "/pypi.org",
        "index-url =" + " https:/" + "/mirror.example/simple",
        "extra-index-url" + "=/srv/wheels",
        "PIP_INDEX_URL" + "=https:/" + "/mirror.example/simple",
        '"registry":' + ' "https:/' + '/mirror.example/"',
        "find-links" + ": file:///srv/wheels",
    ],
)
def test_a_registry_is_found(text: str) -> None:
    """Each of these breaks the rule."""
    assert registries(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://pyscript.net/x.js",
        "http://localhost:8000",
        "https://shop.example:8443",
        "No registry: no address.",
        "a",
    ],
)
def test_what_is_no_registry_is_not_found(text: str) -> None:
    """The rule doesn't cry wolf."""
    assert registries(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https:/" + "/example.org/simple\n",
        "--find-links /opt/wheels\n",
        "starlette==1.0\n",
        "starlette>=1.0 --hash=sha256:" + "0" * 64 + "\n",
        "x @ file:///tmp/x.whl\n",
    ],
)
def test_what_is_not_a_pin_is_found(line: str) -> None:
    """Each of these breaks the rule."""
    with pytest.raises(ValueError, match="not a pinned"):
        pins(line)
