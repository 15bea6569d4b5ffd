"""How the demos' functions say no: with a code for the page's script and a sentence for its reader."""

from pillion_server import FunctionError


def refusal(code: str, message: str) -> FunctionError:
    """What to raise; the page gets both in the error's `data`."""
    return FunctionError({"code": code, "message": message})
