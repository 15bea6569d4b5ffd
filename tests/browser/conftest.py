"""The fixtures of the browser tests: the browsers, one site, fresh profiles, both Pythons."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from browser.engines import Engines
from browser.site import Site
from browser.tabs import Profile
from browser_finder import CHROMIUM, FIREFOX, MISSING

HERE = Path(__file__).parent
expect.set_options(timeout=20_000)  # milliseconds; the machine may be busy
RUNTIMES = {"mpy": "MicroPython", "py": "Pyodide"}
NAMES = {CHROMIUM: "Chromium", FIREFOX: "Firefox"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs a test again, once and counted in the summary, when its browser crashed or the machine was too busy.

    Pages of Pyodide were seen to crash in some whole runs, and never when it was tried to repeat that; its use of
    stack switching is known to crash Chromium now and then (pyodide/pyodide#6106). A time-out of Playwright's
    says that nothing came, not that something wrong did. What is wrong, or never comes, fails as before.
    """
    crashed = pytest.mark.flaky(reruns=1, only_rerun=["(Page|Target) crashed", r"Timeout \d+ms exceeded"])
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(crashed)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All tests run in Chromium, on both Pythons if they have a `runtime`.

    Those with the mark `firefox`, which a whole file may have, run there too, unless they have the mark `chromium`: on
    MicroPython, which is quick, and on what else the mark names.
    """
    definition = metafunc.definition
    is_given = any("runtime" in mark.args[0] for mark in definition.iter_markers("parametrize"))
    has_runtime = "runtime" in metafunc.fixturenames and not is_given
    is_bound = definition.get_closest_marker("chromium") is not None
    marks = [] if is_bound else list(definition.iter_markers("firefox"))
    also = {runtime: None for mark in marks for runtime in ("mpy", *mark.args)}
    if has_runtime and "engine" not in metafunc.fixturenames:
        metafunc.parametrize("runtime", RUNTIMES, ids=RUNTIMES.values(), indirect=True)
    elif has_runtime:
        pairs = [(CHROMIUM, runtime) for runtime in RUNTIMES] + [(FIREFOX, runtime) for runtime in also]
        ids = [RUNTIMES[runtime] + ("" if engine == CHROMIUM else f"-{NAMES[engine]}") for engine, runtime in pairs]
        metafunc.parametrize(("engine", "runtime"), pairs, ids=ids, indirect=True)
    elif marks:
        metafunc.parametrize("engine", [CHROMIUM, FIREFOX], ids=["Chromium", "Firefox"], indirect=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One loud line for each engine that this machine doesn't have."""
    skipped = [str(report.longrepr[2]) for report in terminalreporter.getreports("skipped")]
    for engine, missing in MISSING.items():
        count = sum(missing in why for why in skipped)
        if count:
            terminalreporter.write_line(
                f"NOT TESTED in {engine}: {missing}; {count} tests did not run", red=True, bold=True
            )


@pytest.fixture(scope="session")
def engines(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """The browsers of this run."""
    engines = Engines(playwright, lambda: tmp_path_factory.mktemp("profile"))
    yield engines
    engines.close()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """Chromium, or what `pytest_generate_tests` says."""
    return str(getattr(request, "param", CHROMIUM))


@pytest.fixture
def runtime(request: pytest.FixtureRequest) -> str:
    """Each of the browser's two Pythons."""
    return str(request.param)


@pytest.fixture(scope="session")
def browser(engines: Engines) -> Browser:
    """One Chromium for all tests; the profiles in it share nothing."""
    return engines.browser(CHROMIUM)


@pytest.fixture(scope="session")
def launch_args(engines: Engines) -> dict[str, Any]:
    """How Chromium is started, for tests that start one of their own."""
    return engines.args(CHROMIUM)


@pytest.fixture
def blocked_context(engines: Engines) -> BrowserContext:
    """A Chromium whose user has blocked all cookies, and with them every storage."""
    return engines.blocked(CHROMIUM)


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of the whole run, with the tests' own functions."""
    with Site(HERE / "functions", tmp_path_factory.mktemp("site") / "data.sqlite3") as site:
        yield site


@pytest.fixture
def site(running_site: Site) -> Site:
    """The site, with nothing received yet."""
    running_site.received.clear()
    running_site.silent = False
    return running_site


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Site]:
    """Another origin of the same host."""
    with Site(HERE / "functions", tmp_path / "data.sqlite3") as site:
        yield site


@pytest.fixture
def profiles(engines: Engines, engine: str, site: Site) -> Iterator[Callable[..., Profile]]:
    """Makes profiles; afterwards their consoles are checked."""
    made: list[Profile] = []

    def make(on: Site | None = None, **options: Any) -> Profile:
        made.append(Profile(engines.lend(engine, **options), on or site))
        return made[-1]

    yield make
    for profile in made:
        profile.leave()
        engines.give_back(profile.context, profile.origins, is_spoilt=profile.is_spoilt)
    for profile in made:
        profile.check()


@pytest.fixture
def profile(profiles: Callable[..., Profile]) -> Profile:
    """A fresh profile."""
    return profiles()
