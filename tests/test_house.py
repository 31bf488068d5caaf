"""The rules of the house that no other tool checks: the import contract bites, extras are optional, pins are whole."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import stillwatch

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CORE = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
#: Where an extra is at home: what stands there is its whole purpose, and is imported by its own commands alone.
HOMES = {
    "forum": ("stillwatch.server", "stillwatch.storage", "stillwatch.forum.hub", "stillwatch.forum.member.matching"),
    "gate": ("stillwatch.server",),
    "envoy": ("stillwatch.server.gate.envoy",),
}
PINS = sorted((ROOT / "requirements").glob("*.txt"))

LONGEST_FILE = 500
SOURCES = {".py", ".html", ".j2", ".js", ".css", ".sql", ".md", ".toml"}


def _name(requirement: str) -> str:
    """The normalised name of a distribution in a requirement (PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def _tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


# The import contract


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and of its contract that a test may break."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "stillwatch", tmp_path / "src" / "stillwatch", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _contract(tree: Path) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=tree, env=environment, capture_output=True, text=True
    )


def test_the_import_contract_holds(copy: Path) -> None:
    done = _contract(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    contracts = [contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]]
    assert f"Contracts: {len(contracts)} kept, 0 broken" in done.stdout
    said = " ".join(done.stdout.split())  # a long name is broken into lines
    assert [name for name in contracts if f"{name} KEPT" not in said] == []


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("signals/bad.py", "import stillwatch.links", "layer"),  # a verb imports a verb
        ("ingest/bad.py", "from stillwatch import lab", "layer"),
        ("campaigns/bad.py", "import stillwatch.console", "layer"),  # a verb imports a shell
        ("links/bad.py", "def late():\n    import stillwatch.cli", "layer"),  # late, where a linter may not look
        ("schema/bad.py", "import stillwatch.engine", "layer"),  # a noun imports what does I/O
        ("stats/bad.py", "import stillwatch.text", "layer"),
        ("engine/bad.py", "import stillwatch.ingest", "layer"),
        ("utilities.py", "", "layer"),  # a module that has no place in the layers
        ("engine/bad.py", "import pyspark.sql", "Spark"),
        ("cli/bad.py", "def late():\n    import pyspark", "Spark"),
        ("signals/bad.py", "import pandas", "Spark"),
    ],
)
def test_the_import_contract_fails_on_one_bad_import(copy: Path, module: str, line: str, contract: str) -> None:
    (copy / "src" / "stillwatch" / module).write_text(line + "\n", encoding="utf-8")
    done = _contract(copy)
    assert done.returncode == 1
    broken = re.findall(r"(?m)^.* BROKEN\b", done.stdout)
    assert len(broken) == 1, done.stdout + done.stderr
    assert contract in broken[0]


# Dependencies


def test_core_dependencies_are_at_most_ten_and_each_has_its_reason() -> None:
    decision = (ROOT / "docs" / "adr" / "0001-dependencies.md").read_text(encoding="utf-8")
    reasons = {row.split("|")[1].strip() for row in decision.splitlines() if row.startswith("| ")}
    assert len(CORE) <= 10
    assert {_name(requirement) for requirement in CORE} <= reasons


@pytest.mark.parametrize("extra", EXTRAS)
def test_everything_imports_and_the_command_runs_without_an_extra(extra: str) -> None:
    absent = {_name(requirement) for requirement in EXTRAS[extra]}
    provided = importlib.metadata.packages_distributions()
    blocked = sorted(module for module, names in provided.items() if absent & {_name(name) for name in names})
    assert blocked, f"nothing of the extra {extra} is installed, so that leaving it out proves nothing"
    program = f"""
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({blocked}))  # None there makes an import fail
import stillwatch
for module in pkgutil.walk_packages(stillwatch.__path__, "stillwatch."):
    if not module.name.endswith("__main__") and not module.name.startswith({HOMES.get(extra, ())}):
        importlib.import_module(module.name)
from stillwatch.cli import main
sys.argv = ["stillwatch", "--help"]
main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "detect" in done.stdout


# Pins


def _pins(path: Path) -> dict[str, tuple[str, int]]:
    """Of each pinned distribution its version and how many hashes it has."""
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", path.read_text(encoding="utf-8")))
    pins = {}
    for entry in filter(str.strip, entries):
        matched = re.match(r"(?P<name>[\w.-]+)==(?P<version>[\w.!+]+)(?: ; [^\\\n]+)?(?P<hashes>[\s\S]*)$", entry)
        assert matched, f"{path.name}: not one pinned requirement: {entry.splitlines()[0]!r}"
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", matched["hashes"])
        assert re.fullmatch(r"(?:\s|\\|--hash=sha256:[0-9a-f]{64})*", matched["hashes"]), f"{path.name}: {entry[:60]}"
        pins[_name(matched["name"])] = (matched["version"], len(hashes))
    return pins


def test_there_are_pins_for_the_build_the_core_the_spark_extra_and_developers() -> None:
    assert [path.stem for path in PINS] == ["build", "core", "dev", "spark"]


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.stem)
def test_every_pin_is_exact_and_hashed_and_names_no_place(path: Path) -> None:
    assert all(hashes for _, hashes in _pins(path).values())
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host|file:/| @ ", text)


@pytest.mark.parametrize("path", [path for path in PINS if path.stem != "build"], ids=lambda path: path.stem)
def test_what_is_compiled_is_pinned_for_more_platforms_than_one(path: Path) -> None:
    pins = _pins(path)
    for name in ("numpy", "duckdb", "pyarrow"):
        assert pins[name][1] >= 8  # Linux and macOS, two architectures, more than one Python


def test_the_pins_agree_with_each_other_and_with_the_project() -> None:
    pins = {path.stem: {name: version for name, (version, _) in _pins(path).items()} for path in PINS}
    assert pins["core"].items() <= pins["spark"].items() <= pins["dev"].items()
    assert pins["build"].items() <= pins["dev"].items()
    assert {_name(requirement) for requirement in CORE} <= pins["core"].keys()
    assert {_name(requirement) for requirement in EXTRAS["spark"]} <= pins["spark"].keys()
    assert {_name(requirement) for requirement in EXTRAS["dev"]} <= pins["dev"].keys()
    assert not pins["core"].keys() & {_name(requirement) for requirement in EXTRAS["spark"]}
    (backend,) = PROJECT["build-system"]["requires"]
    assert backend == f"setuptools=={pins['dev']['setuptools']}"


# Files


def test_no_source_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {path: len(path.read_bytes().splitlines()) for path in _tracked() if path.suffix in SOURCES}
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_file_names_a_place_on_a_machine_or_a_host_of_packages() -> None:
    place = re.compile(
        rb"(?<![\w.:/-])/(?:root|work|home/\w+|Users/\w+|opt/pypi[\w-]*)/"
        rb"|(?:files\.python|python)hosted\.org|https?://[^\s/]*(?:pypi|artifactory|nexus|mirror)"
    )
    found = {str(path.relative_to(ROOT)): hit[0] for path in _tracked() if (hit := place.search(path.read_bytes()))}
    assert found == {}


def test_the_links_between_documents_lead_somewhere() -> None:
    dead = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in _tracked()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if not re.match(r"\w+:", target) and not (path.parent / target).exists()
    ]
    assert dead == []


def test_decisions_are_numbered_and_each_says_what_was_decided_and_why() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        headings = re.findall(r"(?m)^## (.+)$", path.read_text(encoding="utf-8"))
        assert headings[:3] == ["Context", "Decision", "Consequences"], path.name


def test_a_wheel_holds_everything_that_the_sources_hold(tmp_path: Path) -> None:
    source, package = tmp_path / "source", Path("src") / "stillwatch"
    shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = "from setuptools import build_meta; build_meta.build_wheel('..')"
    subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("stillwatch/")}
    written = {path.relative_to(source / "src").as_posix() for path in (source / package).rglob("*") if path.is_file()}
    assert written - held == set()


# The commands


def test_the_version_is_one_and_the_changelog_knows_it() -> None:
    assert importlib.metadata.version("stillwatch") == stillwatch.__version__
    assert f"## {stillwatch.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["demo", "test", "lint", "bench"])
def test_every_target_sets_itself_up_from_a_clean_clone(target: str, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements"):
        (tmp_path / name).symlink_to(ROOT / name)
    done = subprocess.run(["make", "-n", target], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--require-hashes" in done.stdout


def test_ci_runs_the_linters_and_the_tests_and_forbids_skipping_spark() -> None:
    script = ROOT / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()
    assert os.access(script, os.X_OK)
    assert {"set -euo pipefail", "export CI=true", "make lint", "make test"} <= set(lines)
