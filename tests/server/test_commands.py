"""The command line as a whole."""

import subprocess
import sys
from pathlib import Path

import pytest

from pillion_server.commands import main

COMMANDS = (("run",), ("functions",), ("export",), ("import",), ("sessions", "list"), ("sessions", "invalidate"))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """And asks for what it can't do without."""
    assert main([*command, "--help"]) == 0
    assert f" {' '.join(command)} " in capsys.readouterr().out
    assert main(list(command)) == 2
    assert "Missing argument" in capsys.readouterr().err


def test_the_list_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Is what `--help` shows, and what is shown when nothing is asked for."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert f" {command[0]} " in shown
    main([])
    assert "Usage: " in "".join(capsys.readouterr())


def test_what_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """A command, an option, a value: exit status 2, and no traceback."""
    for arguments in (["fly"], ["run", "x", "--wings"], ["run", "x", "--log-level", "loud"]):
        assert main(arguments) == 2
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("command", [["-m", "pillion_server"], [str(Path(sys.executable).with_name("pillion"))]])
def test_both_ways_to_start_it(command: list[str]) -> None:
    """As a module and as a script; a failure is an exit status."""
    start = [sys.executable, *command] if command[0] == "-m" else command
    done = subprocess.run([*start, "functions", "nowhere"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "pillion: nowhere is not a folder: name the one that holds the server functions.\n"
