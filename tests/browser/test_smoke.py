"""The smoke page: the same script on both Pythons, in the main thread and in workers."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from browser.site import ROOT, Site
from browser.tabs import BOOT, Profile
from pillion_shared import is_uuid4


def test_every_runtime_says_ok(profiles: Callable[..., Profile], tmp_path: Path) -> None:
    """Each has a session of its own, refreshed once, whose count came along."""
    with Site(ROOT / "server_stub/demo", tmp_path / "smoke.sqlite3") as site:
        page = profiles(site).page("/smoke.html")
        for place, version in (
            ("mpy-main", "1."),
            ("mpy-worker", "1."),
            ("py-main", "3."),
            ("py-worker", "3."),
        ):
            row = page.locator(f"#{place} td")
            cells = [re.compile(rf"^{re.escape(version)}[\d.]+$"), re.compile(r"^sess_[0-9a-f]{6}$"), "2", "✓"]
            expect(row).to_have_text(cells, timeout=BOOT)
            calls = [call for call in site.received if call.args.get("runtime") == place]
            old, new = (call.session_id for call in calls)
            assert is_uuid4(old)
            assert is_uuid4(new)
            (carry,) = [call for call in site.received if call.session_id == old and call.path == "smoke:carry"]
            assert carry.args["new"] == new != old
    assert len(set(site.ids())) == 8
