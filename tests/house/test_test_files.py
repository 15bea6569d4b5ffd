"""Every source file has a test file of its own."""

from pathlib import Path

import pytest

from house.sources import ROOT

FOLDERS = {
    "client/pillion": "client",
    "client/demo": "browser",
    "shared/pillion_shared": "shared",
    "server_stub/pillion_server": "server",
    "server_stub/demo": "demo",
}
ELSEWHERE = {
    # What it talks to exists only there: storages and fetch; their absence; a place without a page.
    "client/pillion/_browser.py": ("browser/test_ride.py", "browser/test_blocked.py", "browser/test_workers.py"),
    "client/pillion/_database.py": ("browser/test_storage_trouble.py", "browser/test_outbox.py"),
    "client/pillion/_js.py": ("browser/test_ride.py", "browser/test_ways_out.py"),
    "client/pillion/_page.py": ("browser/test_ways_out.py", "browser/test_leaks.py"),
    "client/pillion/_web.py": ("browser/test_ways_out.py", "browser/test_leaks.py"),
    # Nothing but names for what the engine wants.
    "client/pillion/effects.py": ("client/test_engine.py",),
    "client/demo/shop_view.py": ("browser/test_shop.py",),
    "client/demo/shop_presence.py": ("browser/test_shop.py", "demo/test_presence.py"),
    "client/demo/shop_connection.py": ("demo/test_shop_connection.py",),
    "client/demo/shop_guess.py": ("demo/test_shop_guess.py",),
    "server_stub/pillion_server/__main__.py": ("server/test_run.py",),
}


def homes_of(source: str, tests: str) -> tuple[str, ...]:
    """Where a source file is tested: `identity.py` by `test_identity.py`, `_aio.py` by `test_aio.py`."""
    return ELSEWHERE.get(source, (f"{tests}/test_{Path(source).stem.strip('_')}.py",))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_source_file_has_its_test_file(folder: str) -> None:
    """Named, and there."""
    sources = [path for path in sorted((ROOT / folder).rglob("*.py")) if path.stem != "__init__"]
    assert sources
    missing = [
        f"{source} has no tests/{wanted}"
        for source in (path.relative_to(ROOT).as_posix() for path in sources)
        for wanted in homes_of(source, FOLDERS[folder])
        if not (ROOT / "tests" / wanted).is_file()
    ]
    assert missing == []


def test_what_is_tested_elsewhere_is_there() -> None:
    """The list outlives no file."""
    assert [source for source in ELSEWHERE if not (ROOT / source).is_file()] == []
