"""Files that are not what they are called, that explode, that run code, or that do not fit to each other."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from mlgate.evidence.files import compressed
from tests.bad_input.conftest import HEADER, World, csv_text, refused, sound


def named(world: World, name: str, content: bytes) -> None:
    """Give the evaluation table another file."""
    world.release("data/test.csv", f"data/{name}")
    (world.home / "data" / name).write_bytes(content)


def table(world: World) -> pa.Table:
    """Return the rows as an Arrow table."""
    return pa.csv.read_csv(io.BytesIO(world.data.read_bytes()))


def parquet(found: pa.Table, **options: Any) -> bytes:
    """Return a table as the bytes of a parquet file."""
    sink = io.BytesIO()
    pq.write_table(found, sink, **options)
    return sink.getvalue()


def zipped(content: bytes) -> bytes:
    """Return a zip archive with one file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("test.csv", content)
    return target.getvalue()


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        """Name the file."""
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Have the unpickler make the marker."""
        return os.mkdir, (str(self.marker),)


def test_byte_order_mark_is_no_fault(world: World) -> None:
    """UTF-8 with a byte order mark reads as the same table."""
    world.data.write_bytes(b"\xef\xbb\xbf" + world.data.read_bytes())
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said


@pytest.mark.parametrize("name", ["windows", "old mac", "no last line break", "quoted", "gzip", "parquet"])
def test_the_same_table_written_otherwise_is_approved(world: World, name: str) -> None:
    """Line breaks, quotes, compression and format are no fault, so the same release is approved."""
    csv = world.data.read_bytes()
    match name:
        case "windows":
            world.data.write_bytes(csv.replace(b"\n", b"\r\n"))
        case "old mac":
            world.data.write_bytes(csv.replace(b"\n", b"\r"))
        case "no last line break":
            world.data.write_bytes(csv[:-1])
        case "quoted":
            world.data.write_bytes(csv.replace(b"female", b'"female"'))
        case "gzip":
            named(world, "test.csv.gz", gzip.compress(csv))
        case _:
            named(world, "test.parquet", parquet(table(world)))
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("t.parquet", lambda w: parquet(table(w))[:-200], "a parquet file that is cut off"),
        ("t.parquet", lambda w: parquet(table(w))[:40], "cut off"),
        ("t.parquet", lambda w: parquet(table(w))[:4], "cut off"),
        ("t.parquet", lambda w: parquet(table(w))[200:], "of an unknown format, not parquet"),
        ("t.parquet", lambda _: b"", "is empty, not parquet"),
        ("t.parquet", lambda _: b"PAR1\0\0\0\0PAR1", "parquet"),
        ("t.parquet", lambda _: b"PAR1" + b"\xff" * 400 + b"PAR1", "a damaged parquet file"),
        ("t.parquet", lambda w: _flipped(parquet(table(w))), "could not look at labels"),
        ("t.parquet", lambda w: zipped(w.data.read_bytes()), "a zip archive"),
        ("t.parquet", lambda w: w.data.read_bytes(), "is text, not parquet; name it .csv"),
        ("t.parquet", lambda w: gzip.compress(w.data.read_bytes()), "gzip"),
        ("t.parquet", lambda w: parquet(_twice(table(w))), "2 columns have the name 'income'"),
        ("t.parquet", lambda w: parquet(_nested(table(w))), "column 'sex': is nested or binary"),
        ("t.parquet", lambda w: parquet(_binary(table(w))), "column 'y': is nested or binary"),
        ("t.csv", lambda w: parquet(table(w)), "a parquet file, not CSV; name it .parquet"),
        ("t.csv", lambda w: zipped(w.data.read_bytes()), "a zip archive"),
        ("t.csv", lambda w: gzip.compress(w.data.read_bytes()), "gzip"),
        ("t.csv", lambda _: os.urandom(4096), "t.csv"),
        ("t.csv.gz", lambda w: w.data.read_bytes(), "is no gzip"),
        ("t.csv.gz", lambda w: gzip.compress(w.data.read_bytes())[:-100], "gzip that is cut off"),
        ("t.csv.gz", lambda w: _flipped(gzip.compress(w.data.read_bytes())), "damaged gzip"),
        ("t.csv.gz", lambda _: b"", "t.csv.gz"),
        ("t.csv.gz", lambda w: gzip.compress(gzip.compress(w.data.read_bytes())), "gzip"),
        ("t.csv.zip", lambda w: zipped(w.data.read_bytes()), "of no format that is read"),
        ("t.xlsx", lambda w: zipped(w.data.read_bytes()), "of no format that is read"),
        ("t", lambda w: w.data.read_bytes(), "of no format that is read"),
    ],
)
def test_file_that_is_not_what_it_is_called(
    world: World, name: str, make: Callable[[World], bytes], says: str
) -> None:
    """What the bytes are decides, never the name: exit 2 with the file and what it is."""
    named(world, name, make(world))
    refused(world, world.run(), says=(f"data/{name}", says))


def _flipped(content: bytes) -> bytes:
    """Destroy a part in the middle."""
    middle = len(content) // 2
    return (
        content[:middle]
        + bytes(one ^ 0xFF for one in content[middle : middle + 400])
        + content[middle + 400 :]
    )


def _twice(found: pa.Table) -> pa.Table:
    return found.append_column("income", found["tenure"])


def _nested(found: pa.Table) -> pa.Table:
    values = pa.array([[one] for one in found["sex"].to_pylist()])
    return found.set_column(HEADER.index("sex"), "sex", values)


def _binary(found: pa.Table) -> pa.Table:
    values = pa.array([str(one).encode() for one in found["y"].to_pylist()])
    return found.set_column(HEADER.index("y"), "y", values)


@pytest.mark.parametrize(
    ("columns", "codes", "says"),
    [
        ({"y": ("double", {0: float("nan")})}, (3,), "1 of 400 values of label 'y' are missing"),
        ({"y": ("double", {0: 0.5})}, (2,), "column 'y': the label has 3 distinct values"),
        ({"p": ("double", {0: float("nan")})}, (3,), "score 'p'"),
        ({"p": ("double", {0: float("inf")})}, (3,), "infinite"),
        ({"p": ("float", {0: 1.0000001})}, (3,), "outside [0, 1]"),
        ({"p": ("string", {})}, (2,), "column 'p': the score is of type string"),
        ({"p": ("null", {})}, (1,), "score 'p'"),
        ({"y": ("null", {})}, (1,), "label 'y'"),
        ({"sex": ("null", {})}, (1,), "protected value missing"),
        ({"y": ("timestamp[us]", {})}, (2,), "column 'y': the label is of type"),
    ],
)
def test_parquet_that_holds_no_evidence(
    world: World, columns: Mapping[str, tuple[str, Mapping[int, Any]]], codes: tuple[int, ...], says: str
) -> None:
    """Typed columns are no safer than text: NaN, infinite and null values, and types without meaning."""
    found = table(world)
    for name, (kind, changes) in columns.items():
        values = found[name].to_pylist()
        for row, value in changes.items():
            values[row] = value
        if kind == "string":
            values = [str(one) for one in values]
        made = pa.nulls(len(values)) if kind == "null" else pa.array(values, type=pa.type_for_alias(kind))
        found = found.set_column(HEADER.index(name), name, made)
    named(world, "t.parquet", parquet(found))
    refused(world, world.run(), *codes, says=("y" and says,))


def test_parquet_with_texts_that_are_none(world: World) -> None:
    """Bytes that are no UTF-8 in a column of texts are an error that does not name the private copy."""
    values = pa.array([one.encode() + b"\xff" for one in table(world)["sex"].to_pylist()], type=pa.binary())
    texts = pa.Array.from_buffers(pa.string(), len(values), values.buffers())
    named(world, "t.parquet", parquet(table(world).set_column(HEADER.index("sex"), "sex", texts)))
    done = refused(world, world.run(), says=("data/t.parquet", "string encoding"))
    assert "evidence-" not in done.said


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib", ".csv", ".parquet", ".csv.gz"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickle_is_never_loaded(world: World, suffix: str, protocol: int) -> None:
    """A pickle under any name is refused by its bytes, and what it would run does not run."""
    marker = world.root / "elsewhere" / "pwned"
    content = pickle.dumps(Payload(marker), protocol=protocol)
    if suffix == ".csv.gz":
        content = gzip.compress(content)
    named(world, f"t{suffix}", content)
    refused(world, world.run(), says=(f"data/t{suffix}", "pickle"))
    assert not marker.exists()
    pickle.loads(content if suffix != ".csv.gz" else gzip.decompress(content))  # noqa: S301  the payload is ours
    assert marker.exists()


def bomb(mebibytes: int) -> bytes:
    """Return gzip of a CSV that expands to so many MiB of one endless row of zeros."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress((",".join(HEADER) + "\n").encode())]
    block = b"0" * 2**20
    parts += [packer.compress(block) for _ in range(mebibytes)]
    return b"".join([*parts, packer.flush()])


def test_gzip_bomb(world: World) -> None:
    """Half a megabyte that expands a thousandfold is refused while it expands, and leaves nothing behind."""
    content = bomb(400)
    assert len(content) < 2**20
    named(world, "t.csv.gz", content)
    done = refused(world, world.run(), says=("data/t.csv.gz", "decompression bomb"))
    assert "257 MiB" in done.said


def test_gzip_bomb_of_many_members(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members are added up, so a bomb cannot be told in pieces."""
    small = compressed.Expansion(free=2**20)
    monkeypatch.setattr(compressed.inflate, "__kwdefaults__", {"allowed": small})
    named(world, "t.csv.gz", bomb(1) * 8)
    refused(world, world.run(), says=("data/t.csv.gz", "decompression bomb"))


def test_parquet_bomb(world: World) -> None:
    """A parquet file of few bytes and very many equal rows is judged in bounded memory and not approved."""
    rows = 1_000_000
    numbers = {"id": pa.array(range(rows)), "y": pa.repeat(1, rows), "p": pa.repeat(0.9, rows)}
    words = {name: pa.repeat("x", rows) for name in ("sex", "age_group")}
    features = {name: pa.repeat(1.0, rows) for name in ("income", "tenure")}
    named(world, "t.parquet", parquet(pa.table({**numbers, **words, **features}), compression="zstd"))
    refused(world, world.run(), 3, says=("no row is labelled negative",))


class TestPredictions:
    """Predictions in a file of their own are joined one to one, or not at all."""

    @pytest.fixture
    def split(self, world: World) -> World:
        """The same release with its scores in another file."""
        world.release(
            "{path: data/test.csv}", "{path: data/test.csv, predictions: {path: preds.csv, key: id}}"
        )
        kept = [[row[0], row[1], *row[3:]] for row in world.table]
        world.data.write_text(csv_text(["id", "y", *HEADER[3:]], kept), "utf-8")
        self.predict(world, [[row[0], row[2]] for row in world.table])
        return world

    @staticmethod
    def predict(world: World, body: list[list[str]], header: tuple[str, ...] = ("id", "p")) -> None:
        """Write the predictions."""
        (world.home / "preds.csv").write_text(csv_text(header, body), "utf-8")

    def test_one_to_one_is_approved(self, split: World) -> None:
        """The order of the rows does not matter."""
        self.predict(split, [[row[0], row[2]] for row in reversed(split.table)])
        done = split.run()
        sound(split, done)
        assert done.code == 0, done.said

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda body: body[:-3], "3 keys of data/test.csv without a prediction"),
            (lambda body: body[:0], "400 keys of data/test.csv without a prediction"),
            (lambda body: [*body, body[0]], "1 key more than once in preds.csv"),
            (lambda body: [*body, ["999", "0.5"]], "1 prediction without a row"),
            (lambda body: [*body[1:], ["", body[0][1]]], "1 prediction without a key"),
            (lambda body: [["x" + key, score] for key, score in body], "of type"),
            (lambda body: [[key + ".5", score] for key, score in body], "without a row"),
        ],
    )
    def test_keys_that_do_not_match(
        self, split: World, change: Callable[[list[list[str]]], list[list[str]]], says: str
    ) -> None:
        """Missing, repeated, null and unknown keys are counted and named; nothing is judged."""
        self.predict(split, change([[row[0], row[2]] for row in split.table]))
        done = refused(split, split.run(), says=(says,))
        assert "preds.csv: column 'id'" in done.said or "release.yaml:8" in done.said

    def test_rows_with_one_key(self, split: World) -> None:
        """A key that two rows share is an error, as it would copy a prediction."""
        split.data.write_text(split.data.read_text("utf-8").replace("\n1,", "\n0,", 1), "utf-8")
        refused(
            split, split.run(), says=("1 key more than once in data/test.csv", "1 prediction without a row")
        )

    def test_predictions_that_bring_labels(self, split: World) -> None:
        """Predictions may not bring a column that the table has: the labels would be the author's choice."""
        body = [[row[0], row[2], row[1]] for row in split.table]
        self.predict(split, body, ("id", "p", "y"))
        refused(split, split.run(), says=("release.yaml:8", "both have 'y'"))

    def test_score_in_both(self, split: World) -> None:
        """A score in both files would leave open which one is judged."""
        split.rewrite(lambda _: None)
        refused(split, split.run(), says=("release.yaml:8", "both have 'p'"))

    def test_missing_file_and_key(self, split: World) -> None:
        """A file or key column that is not there is named with the line that asks for it."""
        split.release("key: id}}", "key: number}}")
        refused(split, split.run(), says=("release.yaml:8", "no column 'number'"))
        (split.home / "preds.csv").unlink()
        refused(split, split.run(), says=("release.yaml:8", "preds.csv' does not exist"))


def test_a_suite_that_the_release_does_not_name(world: World) -> None:
    """What only the answers can show is told with the line of the policy, too."""
    (world.home / "people.json").write_text('{"name": "people", "expectations": []}', "utf-8")
    world.release("threshold: 0.5\n", "threshold: 0.5\nexpectations: {people: people.json}\n")
    world.checks("{check: data/expectations, params: {suite: poeple}}")
    done = refused(world, world.run(), says=("policy.yaml:4: params of data.expectations",))
    assert "did you mean 'people'" in done.said
