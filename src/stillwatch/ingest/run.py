"""Logs of any known format -> Parquet that holds the canonical log, and rejects. Read this file first.

The stated outcomes, each with its test:

* a bad row (not JSON or UTF-8, a wrong type, a time out of range, a negative count, too long or deep) is one reject;
* an id that came before is a reject, the first row with it stays;
* a truncated or damaged gzip or zstd gives every row before the damage, and one reject for the file (line 0);
* a text log that grows or is written to while it is read gives what it held at the start, and one reject (line 0);
  one that shrinks, and Parquet that changes at all, is an ``InputError``: what it held cannot be known;
* an empty file gives nothing; an absent one, a directory without logs, and a run without one good row are errors;
* a file in a directory that no reader recognises is one reject (line 0); one that was named is an error.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from stillwatch.errors import InputError, UsageError
from stillwatch.ingest import csvtext, jsonlines, jsonvalues, parquet
from stillwatch.ingest.conform import conform
from stillwatch.ingest.discover import LogFile, changed_on_disk, discover
from stillwatch.ingest.interface import ACCOUNT_TABLE, REQUEST_LOG, Ingested, Progress, Reader, Row, Shape
from stillwatch.ingest.output import Parts, Unique
from stillwatch.ingest.pieces import Choose, Piece, Report
from stillwatch.ingest.pseudonym import Pseudonymiser
from stillwatch.ingest.readers import UNKNOWN_DO, named, recognise
from stillwatch.ingest.readers.canonical import CanonicalAccounts
from stillwatch.ingest.readers.mapping import Mapping
from stillwatch.ingest.rejects import Limit, Rejects
from stillwatch.ingest.source import PARQUET, Broken, Source

UNKNOWN = "no reader recognises this file"
CHANGED = "changed while it was read; what it held at the start was read"
REPEATED = "came before"
_PEEK, _LINES = 1 << 16, 20


def ingest(
    inputs: Sequence[str | Path],
    *,
    work: Path,
    rejects: Path,
    format: str | None = None,
    mapping: Path | None = None,
    max_rejects: str | None = None,
    pseudonymise: Path | None = None,
    exclude: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Ingested:
    """Read request logs.

    Args:
        inputs: files, directories and globs.
        work: a directory for new Parquet files; canonical Parquet that is wholly clean is used in place instead.
        rejects: the file for rejects, which is made anew.
        format: name of a reader; by default found by looking at the first rows of each file.
        mapping: a TOML file that says where the fields lie; see ``readers.mapping``.
        max_rejects: ``N`` or ``P%``; more rejects than that fail the run.
        pseudonymise: a key file; identifiers are hashed under it and text is dropped, see ``pseudonym``.
        exclude: files to pass over, e.g. the accounts file that lies beside the logs.
        progress: told how far reading is.

    Raises:
        InputError: an input cannot be read at all, or there is not one good row.
        TooManyRejects: more rejects than ``max_rejects``.
        UsageError: an option makes no sense.
    """
    if format and mapping:
        raise UsageError("a format and a mapping file exclude each other", where="--format, --mapping")
    fixed = Mapping(mapping, REQUEST_LOG) if mapping else named(format) if format else None
    mask = Pseudonymiser.from_file(pseudonymise) if pseudonymise else None
    with Rejects(rejects, Limit.parse(max_rejects), excerpts=mask is None) as written:
        run = _Run(REQUEST_LOG, work, written, fixed, mask)
        return run.all(discover(inputs, exclude), progress)


def ingest_accounts(
    file: str | Path,
    *,
    work: Path,
    rejects: Path,
    mapping: Path | None = None,
    max_rejects: str | None = None,
    pseudonymise: Path | None = None,
    progress: Progress | None = None,
) -> Ingested:
    """Read an accounts table (Parquet, NDJSON or CSV, plain or compressed); rejects are added to the file.

    Raises:
        InputError: it cannot be read at all, or there is not one good row.
        TooManyRejects: more rejects than ``max_rejects``.
    """
    fixed = Mapping(mapping, ACCOUNT_TABLE) if mapping else CanonicalAccounts()
    mask = Pseudonymiser.from_file(pseudonymise) if pseudonymise else None
    with Rejects(rejects, Limit.parse(max_rejects), excerpts=mask is None, append=True) as written:
        run = _Run(ACCOUNT_TABLE, work, written, fixed, mask)
        return run.all(discover([file]), progress)


def combine(found: Ingested, out: Path, shape: Shape = REQUEST_LOG) -> None:
    """Write the rows of ``found`` to the one Parquet file ``out``, which appears only once it is whole."""
    out.parent.mkdir(parents=True, exist_ok=True)
    more = any(name not in shape.core.names for name in found.fields)
    with TemporaryDirectory(dir=out.parent, prefix=".stillwatch-") as folder:
        parts = Parts(shape, Path(folder), "whole", all_columns=more, simulated=found.simulated)
        for path in found.paths:
            for piece in parquet.clean_pieces(path, shape, sys.maxsize):
                parts.write(conform(piece, shape, _never).batch)
        parts.close()
        parts.paths[0].replace(out)


class _Run:
    """One run over all files of one table."""

    def __init__(
        self, shape: Shape, work: Path, rejects: Rejects, fixed: Reader | None, mask: Pseudonymiser | None
    ) -> None:
        self.shape, self.work, self.rejects, self.fixed, self.mask = shape, work, rejects, fixed, mask
        self.parts = Parts(shape, work, shape.name)
        self.unique = Unique(shape, work)
        self.in_place: list[Path] = []
        self.rows = self.skipped = 0
        self.simulated = False
        self.fields: set[str] = set()
        self.formats: set[str] = set()

    def all(self, files: list[LogFile], progress: Progress | None) -> Ingested:
        """Read ``files`` in order and settle the duplicates among them."""
        if progress:
            progress.start(sum(file.size for file in files))
        for number, file in enumerate(files):
            for taken, rows in self._file(number, file):
                if progress:
                    progress.advance(taken, rows)
        self.parts.close()

        def repeat(number: int, line: int, id_: str) -> None:
            self.rejects.add(files[number].path, line, REPEATED, self.shape.key, id_)

        for batch in self.unique.settle([*self.in_place, *self.parts.paths], repeat):
            self._keep(batch)
        self.parts.close()
        self.rejects.check(self.rows)
        if not self.rows:
            raise self._nothing(files)
        return Ingested(
            paths=(*self.in_place, *self.parts.paths),
            rows=self.rows,
            rejects=dict(sorted(self.rejects.counts.items())),
            fields=frozenset(self.fields),
            formats=tuple(sorted(self.formats)),
            inputs=tuple(file.path for file in files),
            skipped=self.skipped,
            simulated=self.simulated,
        )

    def _nothing(self, files: list[LogFile]) -> InputError:
        """The error of a run without one good row: why there is none, and what can be done."""
        most = ", ".join(f"{reason} ({n:,})" for reason, n in self.rejects.counts.most_common(3))
        told = [f"Rows that hold no request: {self.skipped:,}"] if self.skipped else []
        told += [f"Rejected: {most}"] if most else []
        told += [UNKNOWN_DO] if UNKNOWN in self.rejects.counts else []
        what = f"not one good row in {len(files)} file{'s' * (len(files) != 1)}"
        return InputError(what, where=str(files[0].path), do=". ".join(told))

    def _file(self, number: int, file: LogFile) -> Iterator[tuple[int, int]]:
        """Read one file, giving bytes and rows as it goes."""
        with Source(file) as source:
            try:
                if source.magic == PARQUET:
                    yield from self._parquet(number, file, source)
                else:
                    yield from self._text(number, file, source)
            except Broken as broken:
                self.rejects.add(file.path, 0, str(broken))
            except _Unrecognised as error:
                if file.named:
                    raise InputError(error.what, where=str(file.path), do=error.do) from None
                self.rejects.add(file.path, 0, UNKNOWN)

    def _text(self, number: int, file: LogFile, source: Source) -> Iterator[tuple[int, int]]:
        taken = 0
        for piece in _container(source)(source, self._choose, self.shape, self._reporter(file)):
            batch, _ = self._sift(piece, number, file)
            self._keep(batch)
            yield source.taken - taken, len(piece.lines)
            taken = source.taken
        if source.changed():
            self.rejects.add(file.path, 0, CHANGED)

    def _parquet(self, number: int, file: LogFile, source: Source) -> Iterator[tuple[int, int]]:
        path = self._unpack(number, file, source) if source.compressed else file.path
        self.simulated |= parquet.simulated(path)
        in_place, clean = not source.compressed, 0
        for piece, share in parquet.pieces(path, self._choose, self.shape, self._reporter(file)):
            batch, untouched = self._sift(piece, number, file)
            if in_place and not untouched:
                in_place = False  # the rows before were clean, and only now need a copy
                for earlier in parquet.clean_pieces(path, self.shape, clean):
                    self.parts.write(conform(earlier, self.shape, _never).batch)
            if in_place:
                clean += batch.num_rows
                self._count(batch)
            else:
                self._keep(batch)
            yield int(file.size * share), len(piece.lines)
        if source.compressed:
            path.unlink()
        elif changed_on_disk(file):
            raise InputError("changed while it was read", where=str(file.path), do="Read a copy of it")
        if in_place and clean:
            self.in_place.append(path)

    def _unpack(self, number: int, file: LogFile, source: Source) -> Path:
        """Parquet is read from its end, so a compressed one is first written out."""
        self.work.mkdir(parents=True, exist_ok=True)
        path = self.work / f"unpacked-{number:05}.parquet"
        try:
            with path.open("wb") as out:
                while block := source.read():
                    out.write(block)
        except Broken as broken:
            path.unlink()
            raise InputError(str(broken), where=str(file.path), do="A truncated Parquet file is unreadable") from None
        return path

    def _sift(self, piece: Piece, number: int, file: LogFile) -> tuple[pa.RecordBatch, bool]:
        """The good rows of a piece, and whether they are all its rows, just as they were."""
        self.skipped += piece.skipped
        found = conform(piece, self.shape, self._reporter(file))
        batch = self.mask.apply(found.batch) if self.mask else found.batch
        batch = self.unique.first(batch, found.lines, number) if batch.num_rows else batch
        return batch, self.mask is None and found.untouched and batch.num_rows == len(piece.lines)

    def _keep(self, batch: pa.RecordBatch) -> None:
        self._count(batch)
        self.parts.write(batch)

    def _count(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self.fields.update(
            name
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
            if name not in self.fields and column.null_count < len(column)
        )

    def _choose(self, rows: Sequence[Row]) -> Reader:
        try:
            reader = self.fixed or recognise(rows)
        except InputError as error:
            raise _Unrecognised(error) from None
        self.formats.add(reader.name)
        return reader

    def _reporter(self, file: LogFile) -> Report:
        def report(line: int, reason: str, field: str | None, row: bytes | str | None) -> None:
            self.rejects.add(file.path, line, reason, field, row)

        return report


class _Unrecognised(Exception):  # noqa: N818 - caught in this file
    def __init__(self, error: InputError) -> None:
        self.what, self.do = error.what, error.do


def _never(line: int, reason: str, field: str | None, row: bytes | str | None) -> None:
    raise InputError(f"changed while it was read (row {line}, {field}: {reason})", do="Read a copy of it")


def _container(source: Source) -> Callable[[Source, Choose, Shape, Report], Iterator[Piece]]:
    """How the rows of a text lie in it, by its first lines."""
    head = source.peek(_PEEK).lstrip()
    lines = head.split(b"\n")[:_LINES]
    spread_out = b"".join(lines[0].split()) in (b"[", b"[{")  # an array; a line of it may look like a row
    if not spread_out and any(_is_object(line) for line in lines):
        return jsonlines.pieces
    if head.startswith(b"[") or (head.startswith(b"{") and lines[0].rstrip().endswith((b"{", b"[", b","))):
        return jsonvalues.pieces
    if not head.startswith(b"{") and len(csvtext.header(lines[0].decode("utf-8", "replace"))[0]) > 1:
        return csvtext.pieces
    return jsonlines.pieces


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(jsonlines.decode(line), dict)
    except ValueError:
        return False
