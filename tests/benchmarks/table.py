"""The synthetic table: 20 numbers, 8 categories, two protected columns, a key, a label, a score, a decision.

The same rows on every machine: the generator is seeded block by block.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BLOCK = 250_000
LEVELS = (3, 5, 8, 12, 20, 30, 40, 50)
"""Distinct values of each category."""
RACES = (["a", "b", "c", "d", "e"], [0.55, 0.2, 0.13, 0.08, 0.04])
REPEATED = 5
"""Rows that occur a second time, but for their key."""


def write(path: Path, rows: int) -> None:
    """Write a parquet file with `rows` rows."""
    writer = None
    for start in range(0, rows, BLOCK):
        block = _block(start, min(BLOCK, rows - start))
        writer = writer or pq.ParquetWriter(path, block.schema)
        writer.write_table(block)
    if writer is not None:
        writer.close()


def _block(start: int, n: int) -> pa.Table:
    random = np.random.default_rng([7, start])
    columns: dict[str, pa.Array] = {"id": pa.array(np.arange(start, start + n))}
    signal = random.normal(size=n)
    for number in range(20):
        values = random.normal(size=n) + signal * (0.4 if number < 6 else 0.0)
        values[-REPEATED:] = values[:REPEATED]
        missing = random.random(n) < 0.03 if number in (4, 9, 14) else None
        if missing is not None:
            missing[-REPEATED:] = missing[:REPEATED]
        columns[f"n{number:02}"] = pa.array(values, mask=missing)
    for number, levels in enumerate(LEVELS):
        codes = random.integers(levels, size=n).astype(np.int32)
        codes[-REPEATED:] = codes[:REPEATED]
        names = pa.array([f"v{level:02}" for level in range(levels)])
        columns[f"c{number}"] = pa.DictionaryArray.from_arrays(pa.array(codes), names).cast(pa.string())
    columns["sex"] = pa.array(np.where(random.random(n) < 0.48, "f", "m"))
    columns["race"] = pa.array(random.choice(RACES[0], size=n, p=RACES[1]))
    chance = 1.0 / (1.0 + np.exp(-1.6 * signal + 1.0))
    label = random.random(n) < chance
    score = 1.0 / (1.0 + np.exp(-(1.5 * signal - 0.9 + 0.5 * random.normal(size=n))))
    columns["y"] = pa.array(label.astype(np.int8))
    columns["p"] = pa.array(score)
    columns["d"] = pa.array((score >= 0.5).astype(np.int8))
    return pa.table(columns)
