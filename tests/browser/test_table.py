"""The table in the README: pillion and others in the same browser, measured anew in each run.

`make table` writes it. What the others do is recorded there, and never required.
"""

import os

import pytest

from browser.contenders import CONTENDERS, RIVAL, RIVAL_PAGE, Contender, Rider
from browser.engines import Engines
from browser.scenarios import SCENARIOS
from browser.site import ROOT, Site
from browser.stage import Measured, Scenario
from browser.table import BAD, BEGIN, BESIDE, END, GOOD, bad, good, marks, replaced, written
from browser.tabs import Profile

README = ROOT / "README.md"
WRITE = "PILLION_WRITE_TABLE"
"""Set by `make table`: the README is written, not checked."""

UNDONE: dict[str, str] = {}
"""Rows that pillion does not win yet, and what it takes; whatever it does there passes."""


@pytest.fixture(scope="module")
def measured(engines: Engines, running_site: Site) -> Measured:
    """Everything is measured once, by whichever test asks first."""
    return Measured(engines, running_site)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.play.__name__.strip("_"))
@pytest.mark.parametrize("contender", CONTENDERS, ids=["pillion", "default", "useLocalStorage"])
def test_a_scenario(measured: Measured, scenario: Scenario, contender: Contender) -> None:
    """Everybody can be measured in all of them, and pillion does what is right."""
    cell = measured.cell(scenario, contender)
    assert cell.phrase
    if contender.is_pillion and scenario.name not in UNDONE:
        assert cell.mark == GOOD, cell.phrase


def test_where_another_does_what_is_right_pillion_does_too(measured: Measured) -> None:
    """A row where pillion is worse is a bug."""
    for scenario in SCENARIOS:
        ours, *theirs = (measured.cell(scenario, contender).mark for contender in CONTENDERS)
        assert ours == GOOD or GOOD not in theirs, scenario.name


def test_the_readme_says_what_was_measured(measured: Measured) -> None:
    """The rows, and the mark of each cell; numbers vary from run to run."""
    rows = {each.name: [measured.cell(each, contender) for contender in CONTENDERS] for each in SCENARIOS}
    readme = README.read_text(encoding="utf-8")
    now = replaced(readme, written([contender.title for contender in CONTENDERS], rows))
    if os.environ.get(WRITE):
        README.write_text(now, encoding="utf-8")
        return
    said, seen = marks(readme), marks(now)
    assert list(said) == list(seen), "`make table` writes it anew"
    for name in seen:
        varying = 1 if name in UNDONE else 0  # pillion's own cell, while what it shows is left to chance
        assert said[name][varying:] == seen[name][varying:], f"{name}: `make table` writes it anew"


def test_the_note_below_the_table(profile: Profile) -> None:
    """`useLocalStorage` keeps its ID on such a page if it reads the storage while React renders."""
    profile.site.pages[RIVAL_PAGE] = RIVAL
    tab = Rider(CONTENDERS[2], profile.page(RIVAL_PAGE + "?storage=local&ssr=early")).ready()
    tab.do("arrive")
    tab.reload()
    tab.do("arrive")
    assert len(set(profile.site.ids())) == 1
    assert "Left at its default, which reads the storage during the first render" in README.read_text(encoding="utf-8")


def test_what_is_undone_is_a_row() -> None:
    """A row that was renamed would no longer be excused, or excused for nothing."""
    assert UNDONE.keys() <= {scenario.name for scenario in SCENARIOS}


def test_a_table_is_read_as_it_was_written() -> None:
    """The marks survive; what stands around the table is left alone."""
    readme = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    table = written(["ours", "theirs 1.0"], {"a | b": [good("one ID"), bad("a | b")], "c": [good("x"), bad("y")]})
    assert replaced(readme, table) == f"before\n{BEGIN}\n{table}{END}\nafter\n"
    assert replaced(replaced(readme, table), table) == replaced(readme, table)
    assert list(marks(replaced(readme, table)).values()) == [["ours", "theirs 1.0"], [GOOD, BAD], [GOOD, BAD]]
    assert BESIDE not in table
    with pytest.raises(ValueError, match="no <!-- table:begin -->"):
        replaced("no table", table)
