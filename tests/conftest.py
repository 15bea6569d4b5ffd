"""For all tests: how much the property tests try, and that the browser tests come last."""

import os

import pytest
from hypothesis import settings

EXAMPLES = int(os.environ.get("PILLION_EXAMPLES", "6"))
"""How many ways each property is tried."""

settings.register_profile("pillion", deadline=None, max_examples=EXAMPLES)
settings.load_profile("pillion")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Playwright keeps an event loop running once it has begun, and the other tests run loops of their own.

    `make test` hands out whole files, in this order, to two processes.
    """
    items.sort(key=lambda item: "browser" in item.path.parts)
