"""The rows of a table through a model, and the table with what it said of each.

The model sees the features alone, in a shuffled order: rows that lie sorted by their label would tell it the
label by their place. A long table is dealt out into parts on disk, at random, and each part is shuffled in
memory, so that memory does not grow with the rows.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.cells import Scores
    from mlgate.evidence.tables.duck import Engine
    from mlgate.scoring.model import Model

PART = 131_072
"""Rows that are shuffled in memory."""

SCORE, PREDICTION = "model score", "model prediction"
"""The columns that a scored table has more. A table of the release that has one of them is refused."""

_PLACE = "model row"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A model, and how a table is put before it."""

    model: Model
    seed: int
    """Of the order of the rows."""
    workdir: Path
    tell: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A table with what the model says of it."""

    expr: ir.Table
    score: str | None
    scores: Mapping[str, str]
    """multiclass: from class to column."""
    prediction: str | None
    sha256: str
    """Of the numbers, as little-endian floats of 64 bits, in the order of the table."""
    rows: int


def scored(expr: ir.Table, rows: int, asked: Asked, engine: Engine, *, name: str, own: str) -> Scored:
    """Score every row of a table.

    Args:
        expr: The rows, in `own` engine.
        rows: How many there are.
        asked: The model.
        engine: The DuckDB of the run, which reads the result.
        name: Of the table.
        own: Ibis' name of the engine of `expr`.

    Raises ModelFault when the model dies, hangs, raises or gives what is no answer.
    """
    import numpy as np
    import pyarrow.parquet as pq

    facts = asked.model.facts
    outputs = _outputs(asked.model)
    target = Path(tempfile.mkdtemp(dir=asked.workdir, prefix="scored-")) / "rows.parquet"
    numbers = _numbers(
        target.with_suffix(".f8"), rows, len(facts.classes) if facts.task == "multiclass" else 1
    )
    writer: pq.ParquetWriter | None = None
    done = 0
    try:
        for part in _shuffled(_batches(expr, engine, own), rows, asked):
            found = asked.model.score(part)
            numbers[part[_PLACE].to_numpy()] = found.numbers
            table = part.drop_columns([_PLACE])
            for column, values in _columns(found, outputs, asked.model).items():
                table = table.append_column(column, values)
            writer = writer or pq.ParquetWriter(target, table.schema, compression="snappy")
            writer.write_table(table)
            done += part.num_rows
            asked.tell(f"scoring {name}: {done:,} of {rows:,} rows")
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise ValueError("the table has no rows to score")
    digest = hashlib.sha256()
    for start in range(0, rows, PART):
        digest.update(np.ascontiguousarray(numbers[start : start + PART], dtype="<f8").tobytes())
    return Scored(
        expr=engine.backend.read_parquet(str(target), table_name=f"{name} scored"),
        score=outputs.get("score"),
        scores={one: f"{SCORE} {one}" for one in facts.classes} if _by_class(asked.model) else {},
        prediction=outputs.get("prediction"),
        sha256=digest.hexdigest(),
        rows=rows,
    )


def _by_class(model: Model) -> bool:
    return model.facts.task == "multiclass" and model.facts.probabilities


def _outputs(model: Model) -> dict[str, str]:
    """Return the single columns that a table gets."""
    match model.facts.task:
        case "multiclass":
            return {} if model.facts.probabilities else {"prediction": PREDICTION}
        case "regression":
            return {"prediction": PREDICTION}
        case "binary" if not model.facts.probabilities:
            return {"prediction": PREDICTION}
        case _:
            return {"score": SCORE}


def _columns(found: Scores, outputs: Mapping[str, str], model: Model) -> dict[str, Any]:
    """Return what a model said as the columns of a table."""
    import numpy as np
    import pyarrow as pa

    facts = model.facts
    if _by_class(model):
        return {f"{SCORE} {one}": pa.array(found.numbers[:, k]) for k, one in enumerate(facts.classes)}
    (role,) = outputs
    if role == "score" or facts.task == "regression":
        return {outputs[role]: pa.array(found.numbers[:, 0])}
    decided = found.decided
    if decided is None:
        raise AssertionError("a classifier decides")
    known = np.isfinite(decided)
    if facts.task == "binary":
        return {outputs[role]: pa.array(decided, mask=~known)}
    names = np.array(facts.classes, dtype=object)[np.where(known, decided, 0).astype(int)]
    return {outputs[role]: pa.array(names, type=pa.string(), mask=~known)}


def _numbers(path: Path, rows: int, width: int) -> NDArray[np.float64]:
    """Return an array on disk, for what is said of each row in the order of the table."""
    import numpy as np

    return np.memmap(path, dtype="<f8", mode="w+", shape=(rows, width))


def _batches(expr: ir.Table, engine: Engine, own: str) -> Iterator[pa.Table]:
    """Yield the rows of a table in its order, with the place of each."""
    import numpy as np
    import pyarrow as pa

    start = 0
    for batch in _read(expr, engine, own):
        table = pa.table(batch) if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
        places = np.arange(start, start + table.num_rows)
        start += table.num_rows
        yield table.append_column(_PLACE, pa.array(places))


def _read(expr: ir.Table, engine: Engine, own: str) -> Iterator[Any]:
    if own != "duckdb":
        yield from expr.to_pyarrow_batches(chunk_size=PART)
        return
    cursor = engine.connection.cursor()
    try:
        yield from cursor.sql(engine.backend.compile(expr)).to_arrow_reader(PART)
    finally:
        cursor.close()


def _shuffled(batches: Iterator[pa.Table], rows: int, asked: Asked) -> Iterator[pa.Table]:
    """Yield all rows in an order that the seed gives, in parts that fit into memory."""
    import numpy as np
    import pyarrow as pa

    draw = np.random.default_rng(asked.seed)
    if rows <= PART:
        found = list(batches)
        if found:
            whole = pa.concat_tables(found)
            yield whole.take(pa.array(draw.permutation(whole.num_rows)))
        return
    for path in _dealt(batches, -(-rows // PART), draw, asked.workdir):
        with pa.memory_map(str(path)) as source:
            part = pa.ipc.open_file(source).read_all()
            yield part.take(pa.array(draw.permutation(part.num_rows)))
        path.unlink()


def _dealt(
    batches: Iterator[pa.Table], parts: int, draw: np.random.Generator, workdir: Path
) -> Sequence[Path]:
    """Deal rows out to files at random."""
    import numpy as np
    import pyarrow as pa

    folder = Path(tempfile.mkdtemp(dir=workdir, prefix="shuffled-"))
    paths = [folder / f"{place}.arrow" for place in range(parts)]
    writers: list[Any] = []
    try:
        for batch in batches:
            writers = writers or [pa.ipc.new_file(str(path), batch.schema) for path in paths]
            lots = draw.integers(parts, size=batch.num_rows)
            order = np.argsort(lots, kind="stable")
            dealt = batch.take(pa.array(order))
            ends = np.searchsorted(lots[order], np.arange(parts + 1))
            for place, writer in enumerate(writers):
                writer.write_table(dealt.slice(ends[place], ends[place + 1] - ends[place]))
    finally:
        for writer in writers:
            writer.close()
    return paths
