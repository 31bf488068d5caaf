"""What the documents tell a reader to type does what they say."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import click
import pytest

from stillwatch.cli.main import cli
from stillwatch.errors import UsageError
from stillwatch.ingest.interface import REQUEST_LOG
from stillwatch.ingest.readers import READERS
from stillwatch.ingest.readers.mapping import _CASTS, Mapping
from stillwatch.schema.requests import ACCOUNTS, REQUESTS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
INGEST = ROOT / "docs" / "ingest.md"

#: Options in the documents that belong to other programs.
FOREIGN = {"--require-hashes", "--logits-processors"}


def _blocks(path: Path, language: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found = re.findall(rf"(?ms)^( *)```{language}\n(.*?)^\1```", text)
    return [textwrap.dedent(block) for _, block in found]


def _steps(block: str) -> list[tuple[str, list[str]]]:
    """Commands of a console block, each with the lines that it is said to print."""
    steps: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        else:
            steps[-1][1].append(line)
    return steps


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``stillwatch`` is this checkout's."""
    command = tmp_path / "bin" / "stillwatch"
    command.parent.mkdir()
    program = "from stillwatch.cli import main; main()"
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{program}' \"$@\"\n", encoding="utf-8")
    command.chmod(0o755)
    source = str(ROOT / "src")
    return {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": source, "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_what_the_consoles_show_is_what_happens(path: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    steps = [step for block in _blocks(path, "console") for step in _steps(block)]
    shell = f"cd '{tmp_path}'\nstatus=0\n"
    for number, (command, _) in enumerate(steps):
        shell += f"(exit $status)\n{{ {command}\n}} > out{number} 2>&1\nstatus=$?\necho $status > status{number}\n"
    subprocess.run(["bash", "-c", shell], env=environment, check=True)
    for number, (command, expected) in enumerate(steps):
        printed = (tmp_path / f"out{number}").read_text(encoding="utf-8")
        pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\s*\n" for line in expected)
        assert re.fullmatch(pattern, printed), f"$ {command}\n{printed}"
        status = int((tmp_path / f"status{number}").read_text(encoding="utf-8"))
        assert status in ({0, 3} if "stillwatch detect" in command else {0}), f"$ {command}\n{printed}"


def test_the_shell_commands_are_targets_of_make() -> None:
    targets = re.findall(r"(?m)^make (\w+)", "".join(_blocks(ROOT / "README.md", "sh")))
    assert targets == ["setup", "demo"]
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=True)


def _options(command: click.Command) -> set[str]:
    own = {name for parameter in command.params for name in parameter.opts + parameter.secondary_opts}
    if not isinstance(command, click.Group):
        return own
    context = click.Context(command)  # a group may import its commands when they are asked for
    inner = [command.get_command(context, name) for name in command.list_commands(context)]
    return own.union(*(_options(each) for each in inner if each))


def test_every_option_that_is_named_exists_and_every_one_of_detect_is_named() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").rglob("*.py"))
    benchmarks = set(re.findall(r'"(--[a-z-]+)"', sources))
    known = _options(cli) | FOREIGN | benchmarks | {"--help", "--version"}
    for path in [*DOCUMENTS, ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]:
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", path.read_text(encoding="utf-8")))
        assert named <= known, path.name
    told = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", INGEST))
    mute = {"--timings", "--seed", "-h", "--help"}  # said by --help alone
    detect = cli.get_command(click.Context(cli), "detect")
    assert detect and {option for option in _options(detect) if option not in told} <= mute


def test_the_fields_the_readers_and_the_casts_are_all_told() -> None:
    told = set(re.findall(r"`([\w.-]+)`", INGEST.read_text(encoding="utf-8")))
    assert {*REQUESTS.names, *ACCOUNTS.names} <= told
    assert {reader.name for reader in READERS} <= told
    assert set(_CASTS) <= told


def test_the_mapping_file_that_is_shown_is_one(tmp_path: Path) -> None:
    shown = [block for block in _blocks(INGEST, "toml") if "[requests]" in block]
    assert shown
    for block in shown:
        file = tmp_path / "mapping.toml"
        file.write_text(block, encoding="utf-8")
        Mapping(file, REQUEST_LOG)
        file.write_text(block.replace("request_id", "request_number"), encoding="utf-8")
        with pytest.raises(UsageError):
            Mapping(file, REQUEST_LOG)


def test_the_picture_is_small_enough_for_a_first_page() -> None:
    (picture,) = (ROOT / "docs").glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size <= 300_000
