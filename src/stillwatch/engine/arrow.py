"""What both engines share of Arrow: sizes of batches, names of types, result files, kernels held to their schema."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.engine.interface import Kernel
from stillwatch.errors import EngineError

#: Rows in a batch given to a kernel: small enough that long prompts fit many times, large enough to forget the call.
BATCH_ROWS = 8192

_GROUP_ROWS = 4 * BATCH_ROWS

_SQL_TYPES = {
    pa.string(): "STRING", pa.int64(): "BIGINT", pa.int32(): "INT", pa.int8(): "TINYINT", pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN", pa.binary(): "BINARY",
}  # fmt: skip


def sql_type(kind: pa.DataType, *, timestamp: str = "TIMESTAMP", array: str = "ARRAY<{}>") -> str:
    """The SQL name of ``kind``; the engine names its timestamp in UTC and its array.

    Raises:
        EngineError: if no table of Stillwatch may have such a column.
    """
    if pa.types.is_list(kind):
        return array.format(sql_type(kind.value_type, timestamp=timestamp, array=array))
    if pa.types.is_fixed_size_binary(kind):
        return "BINARY"
    if kind == pa.timestamp("us", tz="UTC"):
        return timestamp
    if kind not in _SQL_TYPES:
        raise EngineError(f"no column can be of type {kind}")
    return _SQL_TYPES[kind]


def nullable(schema: pa.Schema) -> pa.Schema:
    """``schema`` with every field nullable, without metadata, and lists' elements called alike."""
    return pa.schema([pa.field(field.name, _bare(field.type)) for field in schema])


def _bare(kind: pa.DataType) -> pa.DataType:
    return pa.list_(_bare(kind.value_type)) if pa.types.is_list(kind) else kind


def write_parquet(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write ``batches`` to one file, the same to the byte however they are cut. It appears only when it is whole."""
    part = path.with_name(path.name + ".part")
    bare = nullable(schema)
    try:
        with pq.ParquetWriter(part, bare, compression="zstd") as writer:
            held = bare.empty_table()
            for batch in batches:
                held = pa.concat_tables([held, pa.table(batch).cast(bare)])
                while held.num_rows >= _GROUP_ROWS:
                    writer.write_table(held.slice(0, _GROUP_ROWS).combine_chunks())
                    held = held.slice(_GROUP_ROWS)
            writer.write_table(held.combine_chunks())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    part.replace(path)


def checked(kernel: Kernel, schema: pa.Schema, table: str) -> Kernel:
    """``kernel``, which raises EngineError if it fails or gives what is not of ``schema`` (nullability aside)."""
    bare = nullable(schema)

    def call(batch: pa.RecordBatch) -> pa.RecordBatch:
        try:
            result = kernel(batch)
        except Exception as error:
            raise EngineError(f"the kernel failed: {error!r}", where=f"map {table!r}") from error
        if result.schema.names != bare.names or result.schema.types != bare.types:
            raise EngineError(
                f"the kernel gave {_brief(result.schema)} instead of {_brief(bare)}", where=f"map {table!r}"
            )
        return pa.RecordBatch.from_arrays(result.columns, schema=bare)

    return call


def _brief(schema: pa.Schema) -> str:
    return "(" + ", ".join(f"{field.name} {field.type}" for field in schema) + ")"
