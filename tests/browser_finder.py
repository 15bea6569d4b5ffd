"""Finds the browsers for the tests; run with `--install`, gets those that are not there.

For Chromium and Firefox the order is: Playwright's own, if `playwright install` has been run; the system's; and with
`--install` then `playwright install`. WebKit is WebKitGTK's MiniBrowser with its driver, under Xvfb. What is then
still missing comes as Debian's packages, where this user may install them without a password.

Only Chromium is required: where Firefox or WebKit is missing, their tests are skipped, and the run says so.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHROMIUM, FIREFOX, WEBKIT = ENGINES = ("chromium", "firefox", "webkit")

SYSTEM_NAMES = {
    CHROMIUM: ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    FIREFOX: ("firefox-esr", "firefox"),
}
MAC_APPLICATIONS = {
    CHROMIUM: (
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ),
    FIREFOX: ("/Applications/Firefox.app/Contents/MacOS/firefox",),
}
PACKAGES = {CHROMIUM: ("chromium",), FIREFOX: ("firefox-esr",), WEBKIT: ("webkit2gtk-driver", "xvfb")}
"""Debian's. On Ubuntu those of the first two names are only pointers to snaps, or are not there."""

MINI_BROWSERS = "*/webkit2gtk-4.*/MiniBrowser"
ADVICE = (
    "The browser tests need a Chromium, and there is none here that starts. Install one ('sudo apt install "
    "chromium' on Debian, Google Chrome on macOS) or run '.venv/bin/playwright install --with-deps "
    "chromium', then run make again; 'make test-fast' does without."
)
MISSING = {
    FIREFOX: "no Firefox on this machine ('sudo apt install firefox-esr' on Debian)",
    WEBKIT: "no WebKitGTK on this machine ('sudo apt install webkit2gtk-driver xvfb' on Debian)",
}
"""Why tests are skipped."""

_EXECUTABLE_PATH = (
    "import sys\nfrom playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as p: print(getattr(p, sys.argv[1]).executable_path)"
)


def find(engine: str) -> dict[str, str] | None:
    """How the engine is launched, or `None` where there is none that starts.

    For Playwright: `{"channel": "chromium"}` is its own, the whole browser rather than its headless shell;
    `{"executable_path": "/usr/bin/chromium"}` is the system's; a system's Firefox is spoken to by another protocol
    than Playwright's own. For WebKit: the paths of the three programs.
    """
    if engine == WEBKIT:
        return _find_webkit()
    if _starts(_playwrights_own(engine)):
        return {"channel": "chromium"} if engine == CHROMIUM else {}
    candidates = [shutil.which(name) for name in SYSTEM_NAMES[engine]]
    candidates += [path for path in MAC_APPLICATIONS[engine] if sys.platform == "darwin"]
    for path in candidates:
        if path and _starts(path):
            return {"executable_path": path} | ({"channel": "moz-firefox"} if engine == FIREFOX else {})
    return None


def install() -> None:
    """Tries to install the engines that `find` does not find."""
    own = [engine for engine in (CHROMIUM, FIREFOX) if find(engine) is None]
    if own:
        _try(f"Fetching {_names(own)} (playwright install)", _playwright("install", *own))
    missing = [engine for engine in ENGINES if find(engine) is None]
    as_root = _as_root()
    if not missing or as_root is None or not shutil.which("apt-get"):
        return
    fetched = [engine for engine in missing if engine != WEBKIT and Path(_playwrights_own(engine)).exists()]
    if fetched:  # and they don't start: their libraries are missing
        _try(
            f"Installing the libraries of {_names(fetched)} (apt-get)",
            [*as_root, *_playwright("install-deps", *fetched)],
        )
    packaged = [engine for engine in missing if engine not in fetched and (_is_debian() or engine == WEBKIT)]
    if packaged:
        apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=600"]
        packages = [package for engine in packaged for package in PACKAGES[engine]]
        _try("Updating the list of packages (apt-get)", [*apt, "update"])
        _try(f"Installing {_names(packaged)} (apt-get)", [*apt, "install", "-y", "--no-install-recommends", *packages])


def _find_webkit() -> dict[str, str] | None:
    driver, display = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    browsers = sorted(Path("/usr/lib").glob(MINI_BROWSERS)) + sorted(Path("/usr/libexec").glob(MINI_BROWSERS[2:]))
    if driver is None or display is None or not browsers:
        return None
    return {"driver": driver, "display": display, "browser": str(browsers[0])}


def _playwrights_own(engine: str) -> str:
    # In a process of its own, because pytest may already have a Playwright running in this one.
    command = [sys.executable, "-c", _EXECUTABLE_PATH, engine]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def _starts(path: str) -> bool:
    """Whether the file is there and is a browser: Ubuntu's chromium-browser may be a note about a snap."""
    if not Path(path).exists():
        return False
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _playwright(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "playwright", *arguments]


def _as_root() -> list[str] | None:
    """What to put before a command to run it as root without a password; `None` where that can't be."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def _is_debian() -> bool:
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return "ID=debian" in lines


def _names(engines: list[str]) -> str:
    names = [{CHROMIUM: "Chromium", FIREFOX: "Firefox", WEBKIT: "WebKitGTK"}[engine] for engine in engines]
    return ", ".join(names)


def _try(label: str, command: list[str]) -> None:
    print(f"· {label}", flush=True)
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=1200
        )
    except subprocess.TimeoutExpired:
        print("  gave up after 20 minutes")
        return
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        reasons = [line for line in said if line.startswith(("E:", "Error"))]
        print(f"  did not work: {(reasons or said)[-1]}")


if __name__ == "__main__":
    if "--install" in sys.argv:
        install()
    there = {engine: find(engine) for engine in ENGINES}
    if there[CHROMIUM] is None:
        sys.exit(ADVICE)
    for engine, how in there.items():
        if how is None:
            print(f"· {MISSING[engine]}: its tests will be skipped")
        else:
            path = how.get("executable_path") or how.get("browser")
            print(f"· Browser: {path or _names([engine]) + ' of Playwright'}")
