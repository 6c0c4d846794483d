"""What the docs say is run: Python snippets as they stand, command lines through the parser."""

import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from hd_core.cli.main import parse

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SNIPPETS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]
COMMANDS = sorted(
    {
        line.removeprefix("$ ").split(" #")[0].strip()
        for page in PAGES
        for block in re.findall(r"```(?:console|bash|sh)\n(.*?)```", page.read_text(), re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
        if line.removeprefix("$ ").startswith("hd-core ")
    }
)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_of_the_docs_runs(snippet, tmp_path, monkeypatch):
    path = tmp_path / "snippet_of_docs.py"
    path.write_text(snippet)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, path.stem, raising=False)
    runpy.run_module(path.stem, run_name=path.stem)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_docs_is_understood(line):
    parse(shlex.split(line)[1:])


def test_there_are_snippets_and_commands_to_run():
    assert len(SNIPPETS) >= 6
    assert len(COMMANDS) >= 3


def test_every_link_and_picture_of_the_docs_is_there():
    missing = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:\s]+)\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
        if not (page.parent / target).exists()
    ]
    assert missing == []
