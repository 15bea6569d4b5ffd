"""The README's code: Python blocks run, HTML blocks are sound, commands exist.

```python           runs on CPython, all such blocks of the file in order in one namespace; `await` is allowed
```python page      needs a page: here it must compile; the browser tests may run it
```html             must be well-formed, and the local files it names must be there
```html yours       is part of a reader's own site: its files are not looked for
```console, ```sh   the targets of `make` in it must exist
"""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from house.markup import Markup
from house.readme import Block, blocks, page_blocks
from house.sources import ROOT
from house.test_pages import missing

RUNNER = """
import ast, asyncio, inspect, json, sys
namespace = {"__name__": "readme"}
with asyncio.Runner() as runner:
    for line, source in json.load(sys.stdin):
        code = compile("\\n" * (line - 1) + source, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        awaitable = eval(code, namespace)
        if inspect.iscoroutine(awaitable):
            runner.run(awaitable)
"""


def readme() -> str:
    """The text of README.md."""
    return (ROOT / "README.md").read_text(encoding="utf-8")


def run(chapters: list[Block], folder: Path) -> str:
    """Runs the blocks in turn in one new Python, warnings being errors; returns what went wrong, or ""."""
    command = [sys.executable, "-W", "error", "-c", RUNNER]
    told = json.dumps([(block.line, block.source) for block in chapters])
    done = subprocess.run(command, cwd=folder, input=told, capture_output=True, text=True, check=False, timeout=60)
    return done.stderr if done.returncode else ""


def compiles(block: Block) -> None:
    """Raises SyntaxError, with the README's line, if the block is not Python."""
    padded = "\n" * (block.line - 1) + block.source
    compile(padded, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def unknown_targets(commands: str) -> list[str]:
    """The targets of `make` that the Makefile doesn't have."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    named = re.findall(r"\bmake((?: +(?:[A-Za-z_]+=\S+|[a-z][a-z-]*))+)", commands)
    return [word for words in named for word in words.split() if "=" not in word and word not in targets]


def test_there_is_code() -> None:
    """A README whose fences were spelled differently would pass every other test here."""
    for language in ("python", "html"):
        assert blocks(readme(), language)
    assert blocks(readme(), "console", "sh", "bash")


def test_python_blocks_run(tmp_path: Path) -> None:
    """In order, in one namespace, in an empty folder."""
    page = page_blocks(readme())
    assert run([block for block in blocks(readme(), "python") if block not in page], tmp_path) == ""


def test_page_blocks_compile() -> None:
    """They need a browser to run."""
    for block in page_blocks(readme()):
        compiles(block)


def test_html_blocks() -> None:
    """Well-formed, and naming files that are there."""
    for block in blocks(readme(), "html"):
        assert Markup(block.source).problems == [], f"README.md:{block.line}"
        if "yours" not in block.words:
            assert missing(block.source, ROOT) == [], f"README.md:{block.line}"


def test_commands() -> None:
    """Every target of make that the README names is there."""
    for block in blocks(readme(), "console", "sh", "bash"):
        assert unknown_targets(block.source) == [], f"README.md:{block.line}"


def test_pictures_and_links() -> None:
    """Every file that the README shows or links to is there."""
    targets = re.findall(r"\]\(([^)\s#]+)", readme())
    assert [each for each in targets if "://" not in each and not (ROOT / each).exists()] == []


def test_blocks_are_found() -> None:
    """By language, with the words after it and the line."""
    text = "a\n\n```python page\nx = 1\n```\n\n```html\n<p>\n```\n"
    assert blocks(text, "python") == [Block("python", ("page",), "x = 1\n", 4)]
    assert blocks(text, "html") == [Block("html", (), "<p>\n", 8)]


def test_a_block_that_fails_is_found(tmp_path: Path) -> None:
    """With the README's own line; what one block defines, the next one has."""
    good = [
        Block("python", (), "import asyncio\nx = 1\n", 3),
        Block("python", (), "await asyncio.sleep(0, x)\n", 9),
    ]
    assert run(good, tmp_path) == ""
    assert 'File "README.md", line 9' in run([*good[:1], Block("python", (), "y\n", 9)], tmp_path)
    assert "Warning" in run([Block("python", (), "import warnings; warnings.warn('x')\n", 1)], tmp_path)
    with pytest.raises(SyntaxError):
        compiles(Block("python", ("page",), "def:\n", 1))


def test_an_unknown_target_is_found() -> None:
    """Variables are not targets."""
    assert unknown_targets("$ make demo PORT=8080\n$ make coffee test") == ["coffee"]
