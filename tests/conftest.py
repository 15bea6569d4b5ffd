"""For all tests: how much the property tests try, that the browser tests come last, that nothing prints an ID."""

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

from whole_ids import whole_ids

EXAMPLES = int(os.environ.get("PILLION_EXAMPLES", "6"))
"""How many ways each property is tried."""

settings.register_profile("pillion", deadline=None, max_examples=EXAMPLES)
settings.load_profile("pillion")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Playwright keeps an event loop running once it has begun, and the other tests run loops of their own.

    `make test` hands out whole files, in this order, to two processes.
    """
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that passes, but has printed or logged a whole session ID, or let a server do it, fails.

    Consoles of pages are looked through by `browser.tabs.Profile.check`.
    """
    report = yield
    printed = "\n".join(text for _, text in report.sections)
    if report.passed and (found := whole_ids(printed)):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} has printed whole session IDs, those that show as {', '.join(found)}."
    return report
