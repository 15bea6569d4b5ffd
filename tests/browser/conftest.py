"""The fixtures of the browser tests: the browsers, one site, fresh profiles, both Pythons."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from browser.engines import Engines
from browser.kept import KeptProfile, Stock
from browser.site import Site
from browser.tabs import Profile
from browser_finder import CHROMIUM, FIREFOX, MISSING

HERE = Path(__file__).parent
expect.set_options(timeout=20_000)  # milliseconds; the machine may be busy
RUNTIMES = {"mpy": "MicroPython", "py": "Pyodide"}
NAMES = {CHROMIUM: "Chromium", FIREFOX: "Firefox"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what the mark `pyodide` says, which the summary counts as deselected.

    Runs a test again, once and counted in the summary, when its browser crashed or the machine was too busy.

    Pages of Pyodide were seen to crash in some whole runs, and never when it was tried to repeat that; its use of
    stack switching is known to crash Chromium now and then (pyodide/pyodide#6106). A time-out of Playwright's
    says that nothing came, not that something wrong did. What is wrong, or never comes, fails as before.
    """
    left_out = [item for item in items if not _is_wanted(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    crashed = pytest.mark.flaky(reruns=1, only_rerun=["(Page|Target) crashed", r"Timeout \d+ms exceeded"])
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(crashed)


def _is_wanted(item: pytest.Item) -> bool:
    """Whether it isn't one on Pyodide whose mark `pyodide` names other values of a parameter."""
    mark, call = item.get_closest_marker("pyodide"), getattr(item, "callspec", None)
    if mark is None or call is None or call.params.get("runtime") != "py":
        return True
    return all(call.params[name] in values for name, values in mark.kwargs.items())


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
    running_site.heard.clear()
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


@pytest.fixture(scope="module")
def stocks(engines: Engines, running_site: Site) -> Iterator[Callable[[str], Stock]]:
    """The pages of each engine that the tests of a file share, one after another."""
    made: dict[str, Stock] = {}

    def stock(engine: str) -> Stock:
        if engine in made and made[engine].is_lent:
            made.pop(engine).context.close()
        if engine not in made:
            made[engine] = Stock(engines.lasting(engine), running_site)
        return made[engine]

    yield stock
    for each in made.values():
        each.context.close()


@pytest.fixture
def profile(
    request: pytest.FixtureRequest,
    profiles: Callable[..., Profile],
    stocks: Callable[[str], Stock],
    engine: str,
    site: Site,
) -> Iterator[Profile]:
    """A fresh profile; with the mark `kept_pages` one whose pages are kept from test to test."""
    node = request.node
    if not node.get_closest_marker("kept_pages") or node.get_closest_marker("fresh_pages"):
        yield profiles()
        return
    profile = KeptProfile(stocks(engine))
    yield profile
    profile.close()
    profile.leave()
    profile.check()
