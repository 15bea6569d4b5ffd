"""Contexts, where the runtime has them."""

import contextvars

from pillion import _context


def test_cpython_has_contexts() -> None:
    """The stand-in is for MicroPython, where test_micropython.py uses it."""
    assert _context.HAS_CONTEXTS
    assert _context.ContextVar is contextvars.ContextVar
