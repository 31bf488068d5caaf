"""What both engines do to Arrow data: one set of result types, and kernels held to the schema they promise."""

import pyarrow as pa

from stillwatch.engine.interface import Kernel
from stillwatch.errors import EngineError

#: Rows in a batch given to a kernel: small enough that long prompts fit many times, large enough to forget the call.
BATCH_ROWS = 8192

UTC = pa.timestamp("us", tz="UTC")


def portable(kind: pa.DataType) -> pa.DataType:
    """The one type that a value of type ``kind`` has when it comes out of a query."""
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0 and kind.precision == 38):
        return pa.int64()  # DuckDB sums integers to 38 digits
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind):
        return UTC
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind


def checked(kernel: Kernel, schema: pa.Schema, table: str) -> Kernel:
    """``kernel``, which raises EngineError if it fails or gives what is not of ``schema`` (nullability aside)."""
    bare = pa.schema([pa.field(field.name, field.type) for field in schema])

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
