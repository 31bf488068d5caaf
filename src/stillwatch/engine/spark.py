"""Spark, on this machine or on a cluster: the engine for logs that one machine cannot hold.

The only file that imports PySpark. Every table is Parquet in a directory that the engine owns, so plans stay flat,
memory stays bounded and a table is freed by deleting it. On a cluster, input, that directory and an installed
``stillwatch`` must be where every node finds them under the same path.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.engine.arrow import BATCH_ROWS, checked, nullable, sql_type, write_parquet
from stillwatch.engine.directory import own_directory
from stillwatch.engine.interface import Kernel, Progress
from stillwatch.engine.java import java_home
from stillwatch.engine.memory import parse_bytes
from stillwatch.engine.sql import table_name
from stillwatch.errors import EngineError, MissingExtra

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame

_SETTINGS = {
    "spark.app.name": "stillwatch",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.driver.maxResultSize": "0",  # results that the pipeline brings back are bounded by its own queries
}

#: What a Spark SQL type is cast to when it comes out of a query; decimals are cast to double.
_PORTABLE = {
    "tinyint": "bigint", "smallint": "bigint", "int": "bigint", "float": "double", "timestamp_ntz": "timestamp"
}  # fmt: skip


class SparkEngine:
    """Runs queries on Spark. One at a time can be open in a process.

    Args:
        master: URL of a Spark master; None for this machine.
        memory: heap of the driver (which is everything when local) and of each executor, e.g. ``"4GB"``.
        threads: for queries and kernels when local; None for one a core.
        directory: where a temporary directory for tables and spills is made; None for the system's.
        progress: told of the rows that ``map`` has done, when it is done.
    """

    name = "spark"

    def __init__(
        self,
        master: str | None = None,
        memory: str | None = None,
        threads: int | None = None,
        directory: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        try:
            from pyspark.logger import PySparkLogger
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise MissingExtra("pyspark", "spark") from error
        PySparkLogger.getLogger("SQLQueryContextLogger").disabled = True  # it prints each error that is raised anyway
        settings = dict(_SETTINGS) | _sizes(master, memory, threads)
        self._progress = progress
        self._folders: dict[str, Path] = {}
        self._made = 0
        self._temporary = own_directory(directory)
        self._directory = Path(self._temporary.name)
        self._log = (self._directory / "spark.log").open("wb")
        try:
            # Spark would otherwise make a warehouse in the directory that the user is in.
            places = {"spark.local.dir": "spill", "spark.sql.warehouse.dir": "warehouse"}
            settings |= {setting: str(self._directory / name) for setting, name in places.items()}
            self._context = _start(settings, self._log)
            self._session = SparkSession(self._context)
        except BaseException:
            self._clean()
            raise

    def scan(self, table: str, paths: Sequence[Path], schema: pa.Schema | None = None) -> None:
        """See ``Engine.scan``. The files are read anew by each query: they must stay."""
        table_name(table)
        if not paths:
            if schema is None:
                raise EngineError("there is no file and no schema", where=f"Spark, scan {table}")
            self.load(table, schema.empty_table())
            return
        with self._step("scan", table):
            groups: dict[pa.Schema, list[str]] = {}  # Spark reads files of one schema at a time
            for path in paths:
                groups.setdefault(_footer(path), []).append(_url(path))
            frames = [self._session.read.parquet(*urls) for urls in groups.values()]
            frame = frames[0]
            for other in frames[1:]:
                frame = frame.unionByName(other, allowMissingColumns=True)
            self._register(table, frame if schema is None else _shaped(frame, schema), None)

    def load(self, table: str, data: pa.Table) -> None:
        """See ``Engine.load``."""
        with self._step("load", table_name(table)):
            self._keep(table, self._session.createDataFrame(data))

    def save(self, table: str, query: str) -> None:
        """See ``Engine.save``."""
        with self._step("save", table_name(table)):
            self._keep(table, self._query(query))

    def map(self, table: str, query: str, kernel: Kernel, schema: pa.Schema) -> None:
        """See ``Engine.map``. The kernel runs in Python processes beside the executors (``mapInArrow``)."""
        with self._step("map", table_name(table)):
            call = checked(kernel, schema, table)
            plain = pa.schema([(field.name, _unsized(field.type)) for field in schema])

            def stream(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
                return (call(batch).cast(plain) for batch in batches)

            columns = ", ".join(f"`{field.name}` {sql_type(field.type)}" for field in schema)
            self._keep(table, self._query(query).mapInArrow(stream, columns))
        if self._progress:
            self._progress(table, sum(pq.read_metadata(part).num_rows for part in _parts(self._folders[table])))

    def sql(self, query: str) -> pa.Table:
        """See ``Engine.sql``."""
        with self._step("sql", ""):
            table: pa.Table = self._query(query).toArrow()
            return table.cast(nullable(table.schema))

    def write(self, query: str, path: Path) -> None:
        """See ``Engine.write``. The file appears only when it is whole."""
        with self._step("write", path.name):
            folder = self._store(self._query(query))
            try:
                write_parquet(path, pq.read_schema(_parts(folder)[0]), _batches(folder))
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def columns(self, table: str) -> tuple[str, ...]:
        """See ``Engine.columns``."""
        with self._step("columns", table):
            return tuple(self._session.table(table_name(table)).columns)

    def micros(self, expression: str) -> str:
        """See ``Engine.micros``."""
        return f"unix_micros({expression})"

    def drop(self, table: str) -> None:
        """See ``Engine.drop``."""
        with self._step("drop", table):
            self._session.catalog.dropTempView(table_name(table))
            self._free(table)

    def close(self) -> None:
        """See ``Engine.close``. May be called twice."""
        if self._directory.exists():
            self._session.stop()
            _stop_java()
        self._clean()

    def _query(self, query: str) -> "DataFrame":
        """The lazy result of ``query``, its types unified."""
        frame = self._session.sql(query)
        casts = {name: _portable(kind) for name, kind in frame.dtypes}
        if not any(casts.values()):
            return frame
        return frame.select(*(frame[_quoted(name)].cast(kind).alias(name) if kind else frame[_quoted(name)]
                              for name, kind in casts.items()))  # fmt: skip

    def _store(self, frame: "DataFrame") -> Path:
        self._made += 1
        folder = self._directory / f"table-{self._made}"
        try:
            frame.write.parquet(f"file://{folder}")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder

    def _keep(self, table: str, frame: "DataFrame") -> None:
        folder = self._store(frame)
        # The schema is known, and inferring it would cost a job.
        kept = self._session.read.schema(frame.schema).parquet(_url(folder))
        self._register(table, kept, folder)

    def _register(self, table: str, frame: "DataFrame", folder: Path | None) -> None:
        frame.createOrReplaceTempView(table)
        self._free(table)
        if folder is not None:
            self._folders[table] = folder

    def _free(self, table: str) -> None:
        if folder := self._folders.pop(table, None):
            shutil.rmtree(folder, ignore_errors=True)

    def _clean(self) -> None:
        self._log.close()
        self._temporary.cleanup()

    @contextmanager
    def _step(self, verb: str, table: str) -> Iterator[None]:
        """Turn errors of Spark, of Parquet files and of the disk inside into EngineError."""
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException

        where = f"Spark, {verb} {table}".rstrip()
        try:
            yield
        except (PySparkException, Py4JError) as error:
            text = str(error)
            if "OutOfMemoryError" in text or "SparkOutOfMemory" in text:
                raise EngineError(
                    "out of memory", where=where,
                    do="Raise --memory, lower --threads, or give more free disk in the temporary directory.",
                ) from error  # fmt: skip
            raise EngineError(_reason(text), where=where) from error
        except (pa.ArrowException, OSError) as error:
            raise EngineError(str(error), where=where) from error


def _sizes(master: str | None, memory: str | None, threads: int | None) -> dict[str, str]:
    """Settings that depend on where Spark runs and on what it may take."""
    sizes = {"spark.master": master or f"local[{threads or os.cpu_count() or 1}]"}
    if memory is not None:
        heap = f"{max(parse_bytes(memory) // 2**20, 1)}m"
        sizes |= {"spark.driver.memory": heap, "spark.executor.memory": heap}
    if sizes["spark.master"].startswith("local"):
        sizes |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            # Small shuffles are coalesced while they run; this bounds the large ones' parts.
            "spark.sql.shuffle.partitions": str(4 * (threads or os.cpu_count() or 1)),
            "spark.executorEnv.PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
    return sizes


def _start(settings: dict[str, str], log: BinaryIO) -> "SparkContext":
    """Start a Java of our own with ``settings``; what it says goes to ``log``."""
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    if SparkContext._active_spark_context is not None:
        raise EngineError("a Spark is open in this process already", do="Close it first.")
    conf = SparkConf().setAll(list(settings.items()))
    python = os.environ.get("PYSPARK_PYTHON", sys.executable)
    with _environment({"JAVA_HOME": str(java_home()), "PYSPARK_PYTHON": python}):
        try:
            gateway = launch_gateway(conf, {"stdout": log, "stderr": log})  # type: ignore[no-untyped-call]
            return SparkContext(conf=conf, gateway=gateway)
        except Py4JError as error:
            reason = _reason(str(error))  # asked of Java while it runs
            _stop_java()
            raise EngineError(f"Spark did not start: {reason}") from error
        except PySparkException as error:
            said = Path(log.name).read_text(errors="replace").strip()[-1000:]
            raise EngineError(f"Java did not start: {said}") from error


def _stop_java() -> None:
    """End the Java that ``_start`` started, so that the next engine's settings can take effect."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    SparkContext._gateway = SparkContext._jvm = None
    if gateway is not None:
        gateway.shutdown()
        if (process := gateway.proc) is not None:
            process.stdin.close()  # it ends when its input does
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a child process that offers no other way."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _shaped(frame: "DataFrame", schema: pa.Schema) -> "DataFrame":
    """``frame`` with the columns of ``schema`` first, then its own others."""
    from pyspark.sql.functions import lit

    present = {name.lower(): name for name in frame.columns}
    typed = [
        (frame[_quoted(present[field.name])] if field.name in present else lit(None))
        .cast(sql_type(field.type))
        .alias(field.name)
        for field in schema
    ]
    others = [frame[_quoted(name)] for lower, name in present.items() if lower not in set(schema.names)]
    return frame.select(*typed, *others)


def _portable(kind: str) -> str:
    """The type that a result column of Spark's type ``kind`` is cast to; "" if it stays."""
    return _PORTABLE.get(kind) or ("double" if kind.startswith("decimal") else "")


def _unsized(kind: pa.DataType) -> pa.DataType:
    """``kind``, or the nearest that Spark takes from a kernel."""
    return pa.binary() if pa.types.is_fixed_size_binary(kind) else kind


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _url(path: Path) -> str:
    """``path`` as Hadoop reads it: its glob characters taken literally."""
    return "file://" + re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path.resolve()))


def _footer(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path).remove_metadata()
    except (pa.ArrowException, OSError) as error:
        raise EngineError(f"cannot be read as Parquet: {error}", where=str(path)) from error


def _parts(folder: Path) -> list[Path]:
    """The files of a stored frame, in the order of its rows."""
    return sorted(folder.glob("part-*.parquet"))


def _batches(folder: Path) -> Iterator[pa.RecordBatch]:
    for part in _parts(folder):
        with pq.ParquetFile(part) as file:
            yield from file.iter_batches(BATCH_ROWS)


def _reason(text: str) -> str:
    """What a person needs of a Spark error: no Java stack, of a Python one the last line."""
    raised = [line for line in text.splitlines() if line.startswith("stillwatch.errors.")]
    if raised:
        return raised[-1].partition(": ")[2]
    return re.split(r"\bSQLSTATE\b|\n== SQL|\nJVM stacktrace|\n\tat ", text)[0].strip()
