"""The rows of a table through a model, and the table with what it said of each.

The model sees the features alone, in a shuffled order: rows that lie sorted by their label would tell it the
label by their place. A long table is dealt out into parts on disk, at random, and each part is shuffled in
memory, so that memory does not grow with the rows.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

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

MODEL, CHAMPION = "model", "champion"
"""What the columns are called that a scored table has more: `model score`, `champion prediction`."""

_PLACE = "model row"

_MOST_WINDOWS = 256
"""Files in which answers are kept until they are digested."""

_MOST_NUMBERS = 2**23
"""That are asked of a model at once: a table of many classes goes through it in smaller parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A model, and how a table is put before it."""

    model: Model
    seed: int
    """Of the order of the rows."""
    workdir: Path
    tell: Callable[[str], None] = lambda _: None
    called: str = MODEL
    """The first word of the columns with what it says."""

    @property
    def score(self) -> str:
        """The column of its score; of several classes, the start of the names of theirs."""
        return f"{self.called} score"

    @property
    def prediction(self) -> str:
        """The column of its prediction."""
        return f"{self.called} prediction"


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
    import pyarrow.parquet as pq

    facts = asked.model.facts
    outputs = _outputs(asked)
    target = Path(tempfile.mkdtemp(dir=asked.workdir, prefix="scored-")) / "rows.parquet"
    width = len(facts.classes) if facts.task == "multiclass" else 1
    writer: pq.ParquetWriter | None = None

    def write(part: pa.Table, found: Scores) -> None:
        nonlocal writer
        said.add(part[_PLACE].to_numpy(), found.numbers)
        table = part.drop_columns([_PLACE])
        for column, values in _columns(found, outputs, asked).items():
            table = table.append_column(column, values)
        writer = writer or pq.ParquetWriter(target, table.schema, compression="snappy")
        writer.write_table(table)

    done = 0
    written: Future[None] | None = None
    try:
        # While the model works on a part, the one before is written and the one after is read.
        with _InOrder(target.parent, rows, width) as said, ThreadPoolExecutor(1) as beside:
            parts = _shuffled(_batches(expr, engine, own), rows, asked, beside)
            for part in _pieces(parts, width):
                found = asked.model.score(part)
                if written is not None:
                    written.result()
                written = beside.submit(write, part, found)
                done += part.num_rows
                asked.tell(f"scoring {name}: {done:,} of {rows:,} rows")
            if written is None:
                raise ValueError("the table has no rows to score")
            written.result()
            sha256 = said.sha256()
    finally:
        if writer is not None:
            writer.close()
    return Scored(
        expr=_opened(engine, f"{name} scored by the {asked.called}", target),
        score=outputs.get("score"),
        scores=_by_class(asked),
        prediction=outputs.get("prediction"),
        sha256=sha256,
        rows=rows,
    )


class _InOrder:
    """What is said of rows that come in any order, kept on disk in windows of the table's own order."""

    def __init__(self, folder: Path, rows: int, width: int) -> None:
        """Make a file for each window of `rows` rows with `width` numbers each."""
        self._window = max(PART, -(-rows // _MOST_WINDOWS))
        self._rows, self._width = rows, width
        count = -(-rows // self._window)
        self._files = [(folder / f"{place}.window").open("w+b") for place in range(count)]

    def add(self, places: NDArray[np.int64], numbers: NDArray[np.float64]) -> None:
        """Keep the numbers, shape (n, width), of the rows at `places`."""
        import numpy as np

        order = np.argsort(places)
        kept = np.column_stack((places, numbers))[order].astype("<f8")
        ends = np.searchsorted(kept[:, 0], np.arange(len(self._files) + 1) * self._window)
        for place, file in enumerate(self._files):
            file.write(kept[ends[place] : ends[place + 1]].tobytes())

    def sha256(self) -> str:
        """Return the digest of all numbers in order; ValueError where a row is not there exactly once."""
        import numpy as np

        digest = hashlib.sha256()
        for place, file in enumerate(self._files):
            file.seek(0)
            kept = np.frombuffer(file.read(), dtype="<f8").reshape(-1, 1 + self._width)
            kept = kept[np.argsort(kept[:, 0])]
            start = place * self._window
            if not np.array_equal(kept[:, 0], np.arange(start, min(start + self._window, self._rows))):
                raise ValueError("rows were scored twice or not at all")
            digest.update(np.ascontiguousarray(kept[:, 1:]).tobytes())
        return digest.hexdigest()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        for one in self._files:
            one.close()


def _opened(engine: Engine, name: str, path: Path) -> ir.Table:
    """Return the rows of a parquet file, under a name that every cursor of the engine sees."""
    from mlgate.evidence.tables.duck import identifier, text

    engine.rows(f"CREATE VIEW {identifier(name)} AS SELECT * FROM read_parquet({text(str(path))})")  # noqa: S608
    return engine.backend.table(name)


def is_taken(name: str, asked: Asked) -> bool:
    """Whether a column of a table has the name of one that scoring adds: engines do not tell A from a."""
    return name.casefold().startswith((asked.score, asked.prediction, _PLACE))


def _by_class(asked: Asked) -> dict[str, str]:
    """Return the column of each class; empty where there is one column for all.

    By number: classes may differ only in what no name of a column shows, as `a` and `A` do.
    """
    facts = asked.model.facts
    if facts.task != "multiclass" or not facts.probabilities:
        return {}
    return {one: f"{asked.score} {place}" for place, one in enumerate(facts.classes)}


def _pieces(parts: Iterator[pa.Table], width: int) -> Iterator[pa.Table]:
    """Yield the rows in parts of which the numbers fit into memory, `width` a row."""
    most = max(1, _MOST_NUMBERS // width)
    for part in parts:
        for start in range(0, part.num_rows, most):
            yield part.slice(start, most)


def _outputs(asked: Asked) -> dict[str, str]:
    """Return the single columns that a table gets."""
    facts = asked.model.facts
    match facts.task:
        case "multiclass":
            return {} if facts.probabilities else {"prediction": asked.prediction}
        case "regression":
            return {"prediction": asked.prediction}
        case "binary" if not facts.probabilities:
            return {"prediction": asked.prediction}
        case _:
            return {"score": asked.score}


def _columns(found: Scores, outputs: Mapping[str, str], asked: Asked) -> dict[str, Any]:
    """Return what a model said as the columns of a table."""
    import numpy as np
    import pyarrow as pa

    facts = asked.model.facts
    by_class = _by_class(asked)
    if by_class:
        return {column: pa.array(found.numbers[:, k]) for k, column in enumerate(by_class.values())}
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


def _shuffled(batches: Iterator[pa.Table], rows: int, asked: Asked, beside: Executor) -> Iterator[pa.Table]:
    """Yield all rows in an order that the seed gives, in parts that fit into memory, each read ahead."""
    import numpy as np
    import pyarrow as pa

    draw = np.random.default_rng(asked.seed)
    if rows <= PART:
        found = list(batches)
        if found:
            whole = pa.concat_tables(found)
            yield whole.take(pa.array(draw.permutation(whole.num_rows)))
        return

    def read(path: Path) -> pa.Table:
        with pa.memory_map(str(path)) as source:
            part = pa.ipc.open_file(source).read_all()
            found = part.take(pa.array(draw.permutation(part.num_rows)))
        path.unlink()
        return found

    coming: Future[pa.Table] | None = None
    for path in _dealt(batches, -(-rows // PART), draw, asked.workdir):
        before, coming = coming, beside.submit(read, path)
        if before is not None:
            yield before.result()
    if coming is not None:
        yield coming.result()


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
