"""What the commands print."""

import pytest

from pillion_server.commands.printing import complain, rows, say


def test_a_line_stays_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """However long it is; and brackets are no markup."""
    say("[bold]", ("x" * 300, "bold"), " y")
    complain("z " * 200 + "[/red]")
    printed = capsys.readouterr()
    assert printed.out == f"pillion: [bold]{'x' * 300} y\n"
    assert printed.err == f"pillion: {'z ' * 200}[/red]\n"


def test_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """In columns, without blanks at the end."""
    rows(("a", ("bb", "bold")), (("ccc", "dim"), ""))
    assert capsys.readouterr().out == "a    bb\nccc\n"
