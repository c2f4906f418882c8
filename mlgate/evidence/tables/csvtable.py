"""From checked CSV files to a typed DuckDB table that holds every value exactly as it is written.

DuckDB's strict reader takes every value as text, and what it read has to agree with the account of the
bytes, in rows and in bytes of text. Only then are null tokens and types applied (`texttypes`), in one
query over all columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgate.errors import EvidenceError, Problem
from mlgate.evidence.tables import records, texttypes
from mlgate.evidence.tables.delimited import Checked, Reading
from mlgate.evidence.tables.duck import Engine, identifier, message_of, select, text
from mlgate.strict_yaml import did_you_mean, show

if TYPE_CHECKING:
    from mlgate.cells import ColumnType

SAMPLE = 2000
"""Rows that are looked at first, to see which types are out of the question."""

_BUFFER = 32 * 1024**2
"""Bytes of a block that DuckDB parses at a time; its own default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A table or view in DuckDB, with the columns' own names."""

    types: Mapping[str, ColumnType]
    """By column, in order."""
    rows: int
    empty: frozenset[str] = frozenset()
    """Columns of text without any value, whose type is therefore a convention."""


def load(engine: Engine, table: str, files: Sequence[Checked], reading: Reading) -> Loaded:
    """Read files that share a header into the DuckDB table `table`.

    Raises EvidenceError when headers differ, when DuckDB does not read what the bytes say, or when a value
    does not fit a type that the release states.
    """
    import duckdb

    names = _shared_header(files)
    _require_columns(reading, names)
    source = _Source(engine=engine, reading=reading, names=names, files=tuple(files))
    try:
        sorts = source.sorts()
        types = {name: reading.types.get(name) or texttypes.type_of(sorts[i]) for i, name in enumerate(names)}
        columns = [
            f"{texttypes.read_as(f'v{i}', types[name])} AS {identifier(name)}" for i, name in enumerate(names)
        ]
        engine.rows(f"CREATE TABLE {identifier(table)} AS {select(columns, source.values())}")
        made = engine.rows(select(["count(*)"], identifier(table)))[0][0]
    except duckdb.Error as error:
        raise _unread(files, error) from error
    if made != sum(one.rows for one in files):
        raise EvidenceError(
            files[0].display, f"{made} rows were read, not all of them", "write it as parquet"
        )
    empty = frozenset(name for i, name in enumerate(names) if sorts.get(i, 0) is None)
    return Loaded(types=types, rows=made, empty=empty)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """The files as DuckDB reads them: columns of text named c0, c1, ..."""

    engine: Engine
    reading: Reading
    names: tuple[str, ...]
    files: tuple[Checked, ...]

    def value(self, i: int) -> str:
        """Return SQL: the text of a column, null where it is missing."""
        return texttypes.non_null(f"c{i}", self.reading.nulls)

    def values(self, rest: str = "") -> str:
        """Return SQL: the rows with, beside c0, c1, ..., the columns v0, v1, ... null where missing.

        Each is written out once: what repeats it is parsed again for each of a thousand columns.
        """
        named = (f"{self.value(i)} AS v{i}" for i in range(len(self.names)))
        return f"({select(['*', *named], self.sql(), rest)})"

    def sql(self, files: Sequence[Checked] | None = None) -> str:
        """Return SQL: the rows of the files, all values text and none of them null."""
        chosen = self.files if files is None else files
        dialect = self.reading.dialect
        line = max(one.layout.longest for one in chosen) + 2
        options = {
            "columns": "{" + ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(self.names))) + "}",
            "header": "true",
            "delim": text(dialect.delimiter),
            "quote": text(dialect.quote),
            "escape": text(dialect.quote),
            "new_line": r"'\n'",
            # No file that gets here holds a NUL, so that no text is taken for null, the empty one included.
            "nullstr": "chr(0)",
            "all_varchar": "true",
            "auto_detect": "false",
            "strict_mode": "true",
            "null_padding": "false",
            "ignore_errors": "false",
            "compression": "'none'",
            "max_line_size": str(line),
            "buffer_size": str(max(_BUFFER, 2 * line)),
        }
        paths = ", ".join(text(str(one.plain)) for one in chosen)
        return f"read_csv([{paths}], {', '.join(f'{name} = {value}' for name, value in options.items())})"

    def sorts(self) -> dict[int, int | None]:
        """Return the sorts of values of each column without a stated type, having held all against all.

        One query over the file tells of every column its sorts, or how many values do not fit the stated
        type, and how many rows and bytes of text there are. A sample before it spares most of the work:
        columns that it shows to be strings, and types that it rules out, are not asked about again.
        """
        free = [i for i, name in enumerate(self.names) if name not in self.reading.types]
        seen = self._ask(self.values(f"LIMIT {SAMPLE}"), dict.fromkeys(free, 0))
        open_ = {i: bits or 0 for i, bits in seen.items() if not (bits or 0) & texttypes.STRING}
        stated = {i: kind for i, name in enumerate(self.names) if (kind := self.reading.types.get(name))}
        misfits = [f"count_if(NOT {texttypes.fits(f'v{i}', kind)})" for i, kind in stated.items()]
        # A sum for each column: one sum of all would be an expression too deep for a thousand columns.
        lengths = [f"sum(strlen(c{i}))" for i in range(len(self.names))]
        found = iter(self._row(["count(*)", *lengths, *misfits, *self._bits(open_)], self.values()))
        self._require_account(next(found) or 0, sum(next(found) or 0 for _ in lengths))
        wrong = [i for i in stated if next(found)]
        if wrong:
            raise EvidenceError.of(self._misfit(i, stated[i]) for i in wrong)
        return seen | dict(zip(open_, found, strict=True))

    def _ask(self, source: str, columns: Mapping[int, int]) -> dict[int, int | None]:
        if not columns:
            return {}
        return dict(zip(columns, self._row(self._bits(columns), source), strict=True))

    def _bits(self, columns: Mapping[int, int]) -> list[str]:
        return [texttypes.sorts(f"v{i}", seen=bits) for i, bits in columns.items()]

    def _row(self, expressions: Sequence[str], source: str) -> tuple[int | None, ...]:
        row: tuple[int | None, ...] = self.engine.rows(select(expressions, source))[0]
        return row

    def _require_account(self, rows: int, text_bytes: int) -> None:
        due = sum(one.rows for one in self.files), sum(one.text_bytes for one in self.files)
        if (rows, text_bytes) != due:
            raise EvidenceError(
                self.files[0].display,
                f"{rows} rows, {text_bytes} bytes of text were read, and the file has {due[0]} and {due[1]}",
                "write it as parquet, and report this file: the reader and the count of its bytes differ",
            )

    def _misfit(self, i: int, kind: ColumnType) -> Problem:
        """Return the problem that names the first value that does not fit, and its line."""
        column, value = show(self.names[i]), self.value(i)
        todo = f"correct it, or drop {column} from {self.reading.option}.types"
        for one in self.files:
            numbered = select(("row_number() OVER () AS row", f"{value} AS value"), self.sql([one]))
            fits = texttypes.fits("value", kind)
            first = select(("row", "value"), f"({numbered})", f"WHERE NOT {fits} ORDER BY row LIMIT 1")
            for row, wrong in self.engine.rows(first):
                line = records.line_of_record(one.text, self.reading.dialect, row)
                where = f"{one.display}:{line}: column {column}"
                return Problem(where, f"{show(wrong)} is no {kind}", _mend(wrong, kind) or todo)
        return Problem(self.files[0].display, f"column {column} holds values that are no {kind}", todo)


def _mend(wrong: str, kind: ColumnType) -> str | None:
    """Return what to do about a number that is written as people do and machines do not."""
    if kind not in ("number", "integer"):
        return None
    if re.fullmatch(r"\s*[+-]?[0-9]+,[0-9]+\s*", wrong):
        return "write a decimal point in place of the comma"
    return "take away the % sign" if re.fullmatch(r"\s*[+-]?[0-9.]+\s*%\s*", wrong) else None


def _shared_header(files: Sequence[Checked]) -> tuple[str, ...]:
    first = files[0]
    for one in files[1:]:
        if one.names != first.names:
            odd = [name for name in one.names if name not in first.names]
            odd += [name for name in first.names if name not in one.names]
            what = f"differs in {', '.join(map(show, odd[:5]))}" if odd else "has them in another order"
            raise EvidenceError(
                f"{one.display}:1",
                f"its columns are not those of {first.display}: it {what}",
                "give all files of a table the same header",
            )
    return first.names


def _require_columns(reading: Reading, names: Sequence[str]) -> None:
    problems = [
        Problem(reading.where, f"types: the table has no column {show(name)}", did_you_mean(name, names))
        for name in reading.types
        if name not in names
    ]
    if problems:
        raise EvidenceError.of(problems)


def _unread(files: Sequence[Checked], error: Exception) -> EvidenceError:
    """Word what DuckDB says; its own message shows rows of the data, which no message may."""
    import duckdb

    display = ", ".join(one.display for one in files[:3])
    if isinstance(error, duckdb.OutOfMemoryException):
        return EvidenceError(display, "does not fit into memory", "give more memory, or write it as parquet")
    return EvidenceError(
        display, f"cannot be read as CSV ({message_of(error)})", "write the table as parquet"
    )
