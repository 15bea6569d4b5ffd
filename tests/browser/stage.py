"""Where a scenario is played, and who plays it for all contenders."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from browser.contenders import NOTE, Broke, Contender, Rider
from browser.engines import Engines
from browser.site import Site
from browser.table import BAD, BESIDE, Cell, bad
from browser.tabs import Profile
from browser_finder import CHROMIUM


@dataclass
class Stage:
    """A contender with one of its storages, in a profile of its own."""

    contender: Contender
    scope: str
    profile: Profile

    @property
    def site(self) -> Site:
        """The server."""
        return self.profile.site

    def tabs(self, number: int, *, host: str = "localhost", ssr: bool = False) -> list[Rider]:
        """New tabs at one address, on which nothing is started yet."""
        path = self.contender.path(self.profile, self.scope, ssr=ssr)
        riders = [Rider(self.contender, self.profile.page(path, host)) for _ in range(number)]
        return [rider.ready() for rider in riders]

    def tab(self, *, host: str = "localhost", ssr: bool = False) -> Rider:
        """A new tab."""
        (rider,) = self.tabs(1, host=host, ssr=ssr)
        return rider

    def ids(self) -> list[str | None]:
        """The IDs of the notes that have arrived since this was asked last."""
        ids = self.site.ids(NOTE)
        self.site.received.clear()
        return ids


@dataclass(frozen=True)
class Scenario:
    """A row of the table.

    name: what happens, as the row says it. play: does it, and judges. scope: the storages that it is about, of
    which there is one ID each; `None`: all of them. blocked: whether it needs the browser that blocks cookies.
    """

    name: str
    play: Callable[[Stage], Cell]
    scope: str | None = None
    blocked: bool = False


class Measured:
    """Plays scenarios, each once."""

    def __init__(self, engines: Engines, site: Site) -> None:
        self._engines, self._site = engines, site
        self._cells: dict[tuple[str, str], Cell] = {}

    def cell(self, scenario: Scenario, contender: Contender) -> Cell:
        """What the contender does in the scenario: the worst that it does with the storages in question.

        Where it has none of those, what it does with its other ones, without a judgement.
        """
        key = scenario.name, contender.name
        if key not in self._cells:
            apt = [scope for scope in contender.storages if scenario.scope in (None, scope)]
            cells = [self._play(scenario, contender, scope) for scope in apt or contender.storages]
            worst = next((cell for cell in cells if cell.mark == BAD), cells[0])
            self._cells[key] = worst if apt else replace(worst, mark=BESIDE)
        return self._cells[key]

    def _play(self, scenario: Scenario, contender: Contender, scope: str) -> Cell:
        engines = self._engines
        context = engines.blocked(CHROMIUM) if scenario.blocked else engines.browser(CHROMIUM).new_context()
        profile = Profile(context, self._site)
        if not contender.is_pillion:
            profile.expect_error("")  # how a page breaks is what its cell says
        self._site.received.clear()
        self._site.silent = False
        try:
            cell = scenario.play(Stage(contender, scope, profile))
        except Broke as broken:
            cell = bad(f"the page breaks: {broken}")
        finally:
            if scenario.blocked:
                for page in context.pages[1:]:
                    page.close()
            else:
                context.close()
        profile.check()
        return cell
