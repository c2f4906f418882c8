"""One query as a plan holds it, how it is run, and the few engine differences that there are."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mlgate.cells import Answer, Statistic, TableStatistic
from mlgate.errors import EvidenceError
from mlgate.strict_yaml import did_you_mean, show

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    import ibis.expr.types as ir
    import pyarrow as pa

    from mlgate.evidence.tables import Table

LINEAR_PATTERNS = ("bigquery", "clickhouse", "duckdb")
"""Engines whose regular expressions are RE2: whatever the pattern, time grows with the text and no faster."""

_WIDE_INTEGERS = ("duckdb",)
"""Engines that add whole numbers of 38 digits exactly."""

_SUM_BITS = 125
"""Of such a sum: 2 ** 125 has 38 digits."""

_VALUE_BITS = 62
"""Of a value in a quick sum, which is a whole number of 64 bits; the sum itself may have 127."""

_SPEAKS_FREELY = ("duckdb", "sqlite")
"""Engines in this process: they know no password that their messages could repeat."""

_PATH = re.compile(r"""(["'])[^"']*/[^"']*\1""")

_MESSAGE = 300
"""Characters of an engine's own message that ours repeats."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A query of the plan, with the way from its result to the answers that it serves."""

    what: str
    """`count label, prediction by sex`, for the plan and for progress."""
    expression: ir.Table
    serves: tuple[TableStatistic, ...]
    distribute: Callable[[pa.Table], Mapping[Statistic, Answer]]


def run(table: Table, expression: ir.Table, what: str) -> pa.Table:
    """Run a query where the data is. EvidenceError, in plain words, when the engine cannot."""
    found: pa.Table = fetch(expression, what, location=table.location, engine=table.engine)
    return found


def fetch(expression: ir.Expr, what: str, *, location: str, engine: str) -> Any:
    """Return the Arrow table (or scalar) of an expression of `engine`; see `run`."""
    return _ask(expression, what, location, engine)()


def _ask(expression: ir.Expr, what: str, location: str, engine: str) -> Callable[[], Any]:
    """Start a query where that is possible, and return what waits for its result."""

    def told(does: Callable[[], Any]) -> Any:
        try:
            return does()
        except Exception as error:  # every engine has exceptions of its own, and all of them mean: no answer
            if engine not in _SPEAKS_FREELY:
                # Without its cause: a driver's message may repeat the address and the password.
                raise _failed(location, what, type(error).__name__, error) from None
            raise _failed(location, what, _said(error), error) from error

    waiting = told(lambda: _started(expression, engine))
    return lambda: told(waiting)


def _started(expression: ir.Expr, engine: str) -> Callable[[], Any]:
    """Let DuckDB begin, in its own thread; other engines begin when they are waited for.

    Ibis' own `to_pyarrow` imports pandas, which takes longer than a query.
    """
    import ibis.expr.operations as ops
    import ibis.expr.types as ir

    if engine != "duckdb" or expression.op().find(ops.InMemoryTable):
        found: Callable[[], Any] = expression.to_pyarrow
        return found
    table, backend = expression.as_table(), expression.get_backend()
    sql, schema = backend.compile(table), table.schema().to_pyarrow()
    # One thread, so that queries follow each other as they were asked: a connection takes one at a time.
    running = _thread().submit(lambda: backend.con.sql(sql).to_arrow_table())

    def wait() -> Any:
        found = running.result().cast(schema)
        return found if isinstance(expression, ir.Table) else found[0][0]

    return wait


@cache
def _thread() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="duckdb")


def answers(table: Table, steps: Iterable[Step], tell: Callable[[str], None]) -> dict[Statistic, Answer]:
    """Run the queries of a plan, the next while the result of one is handed out, and return the answers.

    Raises EvidenceError when an engine cannot, or when there is too much of a result.
    """
    found: dict[Statistic, Answer] = {}
    waiting: list[Callable[[], Mapping[Statistic, Answer]]] = []
    try:
        for step in steps:
            tell(f"{table.name}: {step.what}")
            waiting.append(_answer(table, step))
            if waiting[1:]:
                found |= waiting.pop(0)()
        for last in waiting:
            found |= last()
    except BaseException:
        _stop(table)
        raise
    return found


def _stop(table: Table) -> None:
    """End a query that nobody waits for any more: it would keep the process from ending."""
    if table.engine == "duckdb":
        table.expr.get_backend().con.interrupt()


def _answer(table: Table, step: Step) -> Callable[[], Mapping[Statistic, Answer]]:
    import pyarrow as pa

    waiting = _ask(step.expression, step.what, table.location, table.engine)

    def hand_out() -> Mapping[Statistic, Answer]:
        result = waiting()
        try:
            return step.distribute(result)
        except (pa.ArrowException, MemoryError, OverflowError) as error:
            raise _failed(table.location, step.what, _said(error), error) from error

    return hand_out


def _failed(location: str, what: str, said: str, error: Exception) -> EvidenceError:
    short = isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__
    todo = "check that the table holds what release.yaml says of it"
    if short:
        todo = "give the run more memory, or judge fewer columns or rows at a time"
    return EvidenceError(location, f"could not {what}: {said}", todo)


def _said(error: Exception) -> str:
    first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    without_paths = _PATH.sub("", first)  # of private copies, which differ from run to run
    printable = "".join(one if one.isprintable() else " " for one in without_paths).strip()
    return printable if len(printable) <= _MESSAGE else f"{printable[: _MESSAGE - 3]}..."


def cleaned(table: Table, names: Iterable[str]) -> ir.Table:
    """Return some columns of a table with NaN as null; all-null columns without a type count as text.

    Every query starts from this, so that no aggregate and no comparison ever sees a NaN (which is larger
    than any number in one engine, equal to itself in another, and neither in a third).

    Raises EvidenceError, with the nearest name, when there is no such column.
    """
    wanted = tuple(dict.fromkeys(names))
    rows = _rows(table, wanted)
    picked = [_cleaned(table, rows, name).name(name) for name in wanted]
    return rows.select(picked) if picked else rows


def _rows(table: Table, names: Iterable[str]) -> ir.Table:
    """Return the rows with some columns; the champion's own table is joined only where it is asked."""
    return table.expr if table.beside is None or table.borrowed.keys().isdisjoint(names) else table.beside


def column_of(table: Table, name: str) -> ir.Column:
    """Return a column as it is, one of the champion's own table too."""
    return _rows(table, (name,))[name]


def _cleaned(table: Table, rows: ir.Table, name: str) -> ir.Column:
    if name not in rows.columns:
        todo = did_you_mean(name, table.expr.columns, "name a column that it has")
        raise EvidenceError(where(table, name), "the table has no such column", todo)
    found = rows[name]
    kind = found.type()
    if kind.is_floating() and not table.without_nan and _has(found, "IsNan"):
        return found.isnan().ifelse(None, found)
    return found.cast("string") if kind.is_null() else found


def is_infinite(values: ir.NumericColumn) -> ir.BooleanColumn:
    """Whether floats are infinite, in engines without a function for it too."""
    if _has(values, "IsInf"):
        return values.isinf()
    return (values > real(sys.float_info.max)) | (values < real(-sys.float_info.max))


def about_distinct(values: ir.Column) -> ir.IntegerScalar:
    """Count distinct values roughly, or exactly in engines that cannot do it roughly."""
    return values.approx_nunique() if _has(values, "ApproxCountDistinct") else values.nunique()


def hash_of(table: Table, values: ir.Value) -> ir.IntegerValue | None:
    """Return a number for each value (or struct of values), the same for equal ones; None: no engine has it.

    Ibis' own `hash` brings DuckDB's to a signed number by way of a text, which takes longer than hashing.
    """
    if table.engine != "duckdb":
        return None
    import ibis

    engine_hash = ibis.udf.scalar.builtin(_hash, name="hash", signature=((values.type(),), "uint64"))
    found: ir.IntegerValue = engine_hash(values)
    return found


def _hash(value: Any) -> int:
    raise NotImplementedError("only the engine runs it")


def _has(column: ir.Column, operation: str) -> bool:
    """Whether the engine of a column has an operation. One that cannot test for NaN has no NaN."""
    import ibis.expr.operations as ops

    return bool(column.get_backend().has_operation(getattr(ops, operation)))


def real(value: float) -> ir.FloatingScalar:
    """Return a float as a literal that means exactly this float.

    It goes by way of text: DuckDB reads `0.0027385001701480953` as a decimal, and makes a neighbouring
    float of that.
    """
    import ibis

    return ibis.literal(repr(float(value))).cast("float64")


def listed(names: Sequence[str]) -> str:
    """Name some columns in a line for a person; what a terminal would obey is escaped."""
    few = 6
    shown = [name if name.isprintable() else show(name) for name in names]
    return ", ".join(shown) if len(shown) <= few else f"{', '.join(shown[:few])} and {len(shown) - few} more"


def type_of(column: ir.Column) -> str:
    """Name the type of a column in a message: `of type string`."""
    return f"of type {show(str(column.type())).strip(chr(39))}"


def where(table: Table, name: str) -> str:
    """Name a column of a table as messages do: `data/test.csv: column 'age'`."""
    location, column = table.borrowed.get(name, (table.location, name))
    return f"{location}: column {show(column)}"


def exact_sum(table: Table, values: ir.NumericColumn, *, largest: float, rows: int) -> Any:
    """Sum floats that are not negative, so that neither the order of rows nor that of threads shows.

    Sums of floats depend on their order, compensated ones in the last bits, and no rounding hides that: some
    numbers lie on its edge. So the floats are added as whole multiples of a unit, which is exact. The unit is
    as small as 125 bits allow: 2^-105 of the `largest` of a million values, so that it takes a value 10^15
    times smaller than the largest to lose a digit.

    Args:
        table: Where the values are; engines without wide integers add the floats as they are.
        values: Finite, or some infinite, in which case the sum is.
        largest: No value is larger.
        rows: There are no more values than this.
    """
    if table.engine not in _WIDE_INTEGERS or not 0.0 < largest < math.inf:
        return values.sum()
    power = _SUM_BITS - rows.bit_length() - math.frexp(largest)[1]
    return _whole_sum(values, power, "decimal(38, 0)")


def quick_sum(table: Table, values: ir.NumericColumn, *, largest: float) -> Any:
    """Sum floats in [0, largest] so that no order shows, at a fifth of the price of `exact_sum`.

    The unit is 2^-62 of the largest, so that it is for values that are not much smaller than that on average,
    or whose sums are added up with those of others.
    """
    if table.engine not in _WIDE_INTEGERS:
        return values.sum()
    return _whole_sum(values, _VALUE_BITS - math.frexp(largest)[1], "int64")


def _whole_sum(values: ir.NumericColumn, power: int, kind: str) -> Any:
    """Sum floats as whole multiples of 2 ** -power."""
    # In two steps, because 2.0 ** power may be more than a float holds.
    first, second = 2.0 ** (power // 2), 2.0 ** (power - power // 2)
    whole = (values * real(first) * real(second)).cast(kind)
    return whole.sum().cast("float64") * real(1.0 / first) * real(1.0 / second)
