"""What the values of a text file mean: which texts are missing, and which type a column has.

Missing is what `pandas.read_csv` takes for missing by default, compared exactly: no blanks are cut off.
A column is, by all of its values that are not missing:

- `integer` when each is a whole number of at most 18 digits,
- else `number` when each is a number (`1e-3` and `inf` are), surrounded by blanks or not,
- else `boolean` when each is True, true, TRUE, False, false or FALSE,
- else `string`. Dates stay strings unless the release gives their type under `types`.
- A column in which everything is missing is `number`, as pandas has it.

Two things differ from pandas, because a table is judged here and not calculated with. Numbers with leading
zeros (`007`) and whole numbers of 19 digits and more are names of things: a column that has one is a string,
where pandas drops the zeros or rounds. And null tokens are texts: -999 does not make -999.0 missing. (Before
version 3, pandas also read floats with an error in the last digit; here they are the nearest double.)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from mlgate.evidence.tables.duck import text

if TYPE_CHECKING:
    from mlgate.cells import ColumnType

NULLS = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""The texts that pandas reads as missing (`pandas._libs.parsers.STR_NA_VALUES`)."""

DUCKDB_TYPES: Mapping[ColumnType, str] = {
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "string": "VARCHAR",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
"""How a column of each type is stored. Timestamps are UTC and have no zone."""

_TRUTH = "True|true|TRUE|False|false|FALSE"
_WHOLE = r"(?:0|[1-9][0-9]*)"
_SHORT = r"(?:0|[1-9][0-9]{0,17})"
_EXPONENT = r"[eE][+-]?[0-9]+"
_INFINITE = r"(?i:inf(?:inity)?)"
_INTEGER = rf"[ \t]*[+-]?{_SHORT}[ \t]*"
_NUMBER = (
    rf"[ \t]*[+-]?(?:{_SHORT}|{_WHOLE}\.[0-9]*(?:{_EXPONENT})?|\.[0-9]+(?:{_EXPONENT})?"
    rf"|{_WHOLE}{_EXPONENT}|{_INFINITE})[ \t]*"
)
_DAY = r"(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}"
_TIME = r"[ T](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)"

STATED: Mapping[ColumnType, str] = {
    "integer": r"[ \t]*[+-]?[0-9]{1,18}(?:\.0*)?[ \t]*",
    "number": rf"[ \t]*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:{_EXPONENT})?|{_INFINITE})[ \t]*",
    "boolean": r"(?i:true|false)|[01]",
    "date": _DAY,
    "timestamp": rf"{_DAY}(?:{_TIME}{_ZONE}?)?",
}
"""What a value must look like where the release states the type; wider than what is taken unasked."""

INTEGER, NUMBER, BOOLEAN, STRING = 1, 2, 4, 8
"""Bits: which sorts of values a column has."""


def non_null(value: str, nulls: Collection[str]) -> str:
    """Return SQL: the text `value`, null where it is one of the null tokens.

    A pattern, and no IN list: DuckDB makes a join of each, and a thousand columns need minutes.
    """
    tokens = [token for token in nulls if "\0" not in token]  # no file that is read holds a NUL
    if not tokens:
        return value
    longest = max(len(token.encode()) for token in tokens)
    missing = _matches(value, "|".join(map(re.escape, tokens)))
    return f"CASE WHEN strlen({value}) > {longest} THEN {value} WHEN {missing} THEN NULL ELSE {value} END"


def sorts(value: str, *, seen: int = 0) -> str:
    """Return SQL: the bits of the sorts of values in the column of texts `value`, null when it has none.

    `seen` are the bits that a part of the column has shown: what they rule out is not asked again.
    """
    branches = []
    if not seen & (NUMBER | BOOLEAN):
        branches.append(f"WHEN {_matches(value, _INTEGER)} THEN {INTEGER}")
    if not seen & BOOLEAN:
        branches.append(f"WHEN {_matches(value, _NUMBER)} THEN {NUMBER}")
    if not seen & (INTEGER | NUMBER):
        branches.append(f"WHEN {_matches(value, _TRUTH)} THEN {BOOLEAN}")
    case = f"CASE WHEN {value} IS NULL THEN NULL {' '.join(branches)} ELSE {STRING} END"
    return f"bit_or({case})"


def type_of(bits: int | None) -> ColumnType:
    """Return the type of a column whose values have these sorts; None: they are all missing."""
    if bits is None or bits in (NUMBER, INTEGER | NUMBER):
        return "number"
    if bits == INTEGER:
        return "integer"
    return "boolean" if bits == BOOLEAN else "string"


def fits(value: str, kind: ColumnType) -> str:
    """Return SQL: whether the text `value` is null or can be read as the stated type."""
    if kind == "string":
        return "true"
    cast = "TIMESTAMPTZ" if kind == "timestamp" else DUCKDB_TYPES[kind]
    reads = f"{_matches(value, STATED[kind])} AND TRY_CAST({value} AS {cast}) IS NOT NULL"
    return f"({value} IS NULL OR ({reads}))"


def read_as(value: str, kind: ColumnType) -> str:
    """Return SQL: the text `value` as the type; every value that is not null must fit."""
    if kind == "timestamp":
        # A cast to TIMESTAMP drops the offset from UTC without a word; a cast by way of TIMESTAMPTZ in a
        # session whose zone is UTC does what the text says.
        return f"make_timestamp(epoch_us(CAST({value} AS TIMESTAMPTZ)))"
    return value if kind == "string" else f"CAST({value} AS {DUCKDB_TYPES[kind]})"


def _matches(value: str, pattern: str) -> str:
    return f"regexp_full_match({value}, {text(pattern)})"
