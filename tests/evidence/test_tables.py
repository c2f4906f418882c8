"""Tables of a release, opened: roles, rows, digests, and nothing that is not theirs."""

from __future__ import annotations

import gzip
import hashlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlgate.errors import ContentError, EvidenceError
from mlgate.evidence.release import load_release
from mlgate.evidence.tables import Table, open_tables
from mlgate.evidence.tables.duck import select
from mlgate.findings import Origin

ReleaseOf = Callable[..., dict[str, Table]]
pytestmark = pytest.mark.usefixtures("repository")
ROLES = "{label: y, positive: 1, score: p, protected: [sex]}"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return the directory of the release, with a small table in it."""
    path = tmp_path / "repository"
    path.mkdir(exist_ok=True)
    (path / "test.csv").write_text(
        "id,y,p,sex,age\n1,1,0.9,f,30\n2,0,0.1,m,40\n3,1,,f,50\n", encoding="utf-8"
    )
    return path


def rows(table: Table) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    found: list[dict[str, Any]] = table.expr.to_pyarrow().to_pylist()
    return found


def test_a_table_has_its_rows_roles_and_digest(release_of: ReleaseOf, repository: Path) -> None:
    """What is not given a role is a feature."""
    table = release_of("evaluation: {path: test.csv}", columns=ROLES)["evaluation"]
    content = (repository / "test.csv").read_bytes()
    assert rows(table)[2] == {"id": 3, "y": 1, "p": None, "sex": "f", "age": 50}
    assert table.columns.names == ("id", "y", "p", "sex", "age")
    assert dict(table.columns.types) == {
        "id": "integer",
        "y": "integer",
        "p": "number",
        "sex": "string",
        "age": "integer",
    }
    assert (table.columns.label, table.columns.score, table.columns.protected) == ("y", "p", ("sex",))
    assert table.columns.features == ("id", "age")
    assert (table.label_positive, table.prediction_positive, table.threshold) == (1, None, 0.5)
    assert (table.location, table.engine, dict(table.absent)) == ("test.csv", "duckdb", {})
    assert table.record.sha256 == hashlib.sha256(content).hexdigest()
    assert (table.record.rows, table.record.columns, table.record.bytes) == (3, 5, len(content))
    assert table.record.origin is Origin.DECLARED
    assert table.records == (table.record,)


def test_roles_differ_by_table_and_null_takes_one_away(release_of: ReleaseOf) -> None:
    """A column without its role is a feature again."""
    data = "evaluation: {path: test.csv}\n  train: {path: test.csv, columns: {score: null, key: id}}"
    tables = release_of(data, "evaluation", "train", columns=ROLES)
    assert tables["train"].columns.score is None
    assert tables["train"].columns.key == "id"
    assert tables["train"].columns.features == ("p", "age")
    assert tables["evaluation"].columns.key is None


def test_an_absent_column_is_an_error_only_where_it_is_needed(release_of: ReleaseOf) -> None:
    """The table opens, says what it lacks, and raises when asked, with what was probably meant."""
    columns = "{label: y, score: pp, protected: [sex, rase], features: [age, agee], weight: w}"
    table = release_of("evaluation: {path: test.csv}", columns=columns)["evaluation"]
    assert dict(table.absent) == {"score": "pp", "protected": "rase", "features": "agee", "weight": "w"}
    assert table.columns.score is None
    assert table.columns.protected == ("sex",)
    assert table.columns.features == ("age",)
    table.require("label", "it is there")
    with pytest.raises(
        EvidenceError, match=r"test.csv: column 'agee': is not there; .*; did you mean 'age'\?"
    ):
        table.require("features", "a check needs it")


def test_quantiles_intervals_and_the_champion_are_no_features(repository: Path) -> None:
    """What models said is not what they are told."""
    (repository / "r.csv").write_text("y,a,low,high,q,old\n1,2,3,4,5,6\n", encoding="utf-8")
    path = repository / "release.yaml"
    path.write_text(
        "mlgate: 1\nname: c\nversion: '1'\ntask: regression\ndata: {evaluation: {path: r.csv}}\n"
        "columns: {label: y, interval: [low, high], quantiles: {0.1: q}}\n"
        "champion: {predictions: {prediction: old}}\n",
        encoding="utf-8",
    )
    release, document = load_release(path)
    work = repository.parent / "w"
    work.mkdir()
    table = open_tables(release, document, ["evaluation"], workdir=work)["evaluation"]
    assert table.columns.features == ("a",)


def test_two_tables_of_one_file_are_read_once(release_of: ReleaseOf, tmp_path: Path) -> None:
    """Train and test sets often lie in one file, told apart by `where`."""
    data = "train: {path: test.csv, where: {sex: m}}\n  evaluation: {path: ./test.csv, where: {sex: f}}"
    tables = release_of(data, "train", "evaluation")
    assert [row["id"] for row in rows(tables["evaluation"])] == [1, 3]
    assert [row["id"] for row in rows(tables["train"])] == [2]
    assert tables["evaluation"].record.rows == 2
    assert tables["train"].record.sha256 == tables["evaluation"].record.sha256
    assert len(list((tmp_path / "work0").glob("evidence-*"))) == 1


def test_only_what_is_asked_for_is_opened(release_of: ReleaseOf) -> None:
    """A table that no check looks at need not exist; one that no release has is an error."""
    data = "evaluation: {path: test.csv}\n  crisis: {path: absent.csv}"
    assert set(release_of(data, "evaluation")) == {"evaluation"}
    with pytest.raises(EvidenceError, match=r"release.yaml:8: 'absent.csv' does not exist"):
        release_of(data, "crisis")
    with pytest.raises(EvidenceError, match=r"has no table 'crises'; did you mean 'crisis'"):
        release_of(data, "crises")


def test_csv_options_of_the_release_are_followed(release_of: ReleaseOf, repository: Path) -> None:
    """Delimiter, quote, encoding, nulls and types."""
    (repository / "t.csv").write_bytes("z;n\n'00;7';ä\n'008';-\n".encode("cp1252"))
    data = "evaluation: {path: t.csv, delimiter: ';', quote: \"'\", encoding: cp1252, nulls: ['-'], types: {z: string}}"
    table = release_of(data)["evaluation"]
    assert rows(table) == [{"z": "00;7", "n": "ä"}, {"z": "008", "n": None}]


def test_tab_separated_files_need_no_delimiter(release_of: ReleaseOf, repository: Path) -> None:
    """Their suffix says it."""
    (repository / "t.tsv").write_text("a\tb\n1\t2\n", encoding="utf-8")
    assert rows(release_of("evaluation: {path: t.tsv}")["evaluation"]) == [{"a": 1, "b": 2}]


def test_compressed_csv_is_hashed_as_it_lies_on_disk(release_of: ReleaseOf, repository: Path) -> None:
    """What a policy pins is the file, not what is in it."""
    content = gzip.compress((repository / "test.csv").read_bytes())
    (repository / "t.csv.gz").write_bytes(content)
    table = release_of("evaluation: {path: t.csv.gz}")["evaluation"]
    assert len(rows(table)) == 3
    assert table.record.sha256 == hashlib.sha256(content).hexdigest()


def test_a_gzip_bomb_is_an_error_and_fills_no_disk(
    release_of: ReleaseOf, repository: Path, tmp_path: Path
) -> None:
    """A gigabyte in a megabyte is stopped at the limit that ships."""
    member = gzip.compress(b"a" * 10**6, 9)
    (repository / "t.csv.gz").write_bytes(member * 1000)
    with pytest.raises(
        EvidenceError, match=r"t.csv.gz: expands from 1\d{6} bytes to more than 2\d\d MiB, as a decomp"
    ):
        release_of("evaluation: {path: t.csv.gz}")
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 10**7


def test_a_glob_is_one_table(release_of: ReleaseOf, repository: Path) -> None:
    """Its rows come in the order of the names, and `sha256sum FILES | sha256sum` gives its digest."""
    lines = ""
    for name, value in (("b", 2), ("a", 1), ("c", 3)):
        pq.write_table(pa.table({"x": [value]}), repository / f"part-{name}.parquet")
    for name in "abc":
        digest = hashlib.sha256((repository / f"part-{name}.parquet").read_bytes()).hexdigest()
        lines += f"{digest}  part-{name}.parquet\n"
    table = release_of("evaluation: {path: part-*.parquet}")["evaluation"]
    assert [row["x"] for row in rows(table)] == [1, 2, 3]
    assert table.location == "part-*.parquet"
    assert table.record.sha256 == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("x,z", "part-b.csv:1: its columns are not those of part-a.csv: it differs in 'z', 'y'"),
        ("y,x", "another order"),
    ],
)
def test_files_of_a_glob_share_their_columns(
    header: str, message: str, release_of: ReleaseOf, repository: Path
) -> None:
    """No column is filled up with nulls, and none is taken for another."""
    (repository / "part-a.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    (repository / "part-b.csv").write_text(f"{header}\n1,2\n", encoding="utf-8")
    with pytest.raises(EvidenceError, match=message):
        release_of("evaluation: {path: part-*.csv}")


def test_types_of_a_glob_are_those_of_all_files(release_of: ReleaseOf, repository: Path) -> None:
    """One value in the last file makes the column a string in all."""
    (repository / "part-a.csv").write_text("x\n1\n", encoding="utf-8")
    (repository / "part-b.csv").write_text("x\ntwo", encoding="utf-8")
    assert rows(release_of("evaluation: {path: part-*.csv}")["evaluation"]) == [{"x": "1"}, {"x": "two"}]
    with pytest.raises(EvidenceError, match=r"part-b.csv:2: column 'x': 'two' is no integer"):
        release_of("evaluation: {path: part-*.csv, types: {x: integer}}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("m.pkl", "m.pkl: is a pickle by its name, which is never loaded"),
        ("m.joblib", "is a pickle by its name"),
        ("m.xlsx", "m.xlsx: is of no format that is read; give a file named .parquet, .pq, .csv"),
        ("m", "is of no format that is read"),
    ],
)
def test_other_formats_are_refused_by_name(
    name: str, message: str, release_of: ReleaseOf, repository: Path
) -> None:
    """The message lists what is read."""
    (repository / name).touch()
    with pytest.raises(EvidenceError, match=message):
        release_of(f"evaluation: {{path: {name}}}")


NAMES = ['a"; DROP TABLE evaluation; --', "it's", "a.b", "<script>alert(1)</script>", "new\nline", "x" * 5000, "ü 🎉", "{a}", "{{ 7*7 }}", "%s", "?", "$1", "*", "a\\", "[x]", "select", " ", "\x1b[31m"]  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_may_have_any_name(suffix: str, release_of: ReleaseOf, repository: Path) -> None:
    """They are names throughout: in reading, filtering, grouping and as roles."""
    frame = pd.DataFrame([range(len(NAMES))], columns=NAMES)
    path = repository / f"t.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    where = 'where: {"a\\"; DROP TABLE evaluation; --": 0, "it\'s": [1, 2]}'
    columns = '{label: "<script>alert(1)</script>", protected: ["new\\nline"]}'
    table = release_of(f"evaluation: {{path: t.{suffix}, {where}}}", columns=columns)["evaluation"]
    assert rows(table) == [dict(zip(NAMES, range(len(NAMES)), strict=True))]
    assert table.columns.label == "<script>alert(1)</script>"
    grouped = table.expr.group_by(NAMES).agg(rows_there=table.expr.count()).to_pyarrow()
    assert grouped.num_rows == 1


def test_files_may_have_any_name(release_of: ReleaseOf, repository: Path) -> None:
    """DuckDB sees only the private copies."""
    for name in ("x[1]*?.csv", "it's \"q\"'); DROP TABLE x; --.csv"):
        (repository / name).write_text("a\n1\n", encoding="utf-8")
        written = name.replace('"', '\\"')
        assert rows(release_of(f'evaluation: {{path: "{written}"}}')["evaluation"]) == [{"a": 1}]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_names_that_differ_in_case_alone_are_refused(
    suffix: str, release_of: ReleaseOf, repository: Path
) -> None:
    """SQL would silently give the values of one for the other."""
    frame = pd.DataFrame([[1, 2]], columns=["Age", "age"])
    path = repository / f"t.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    with pytest.raises(EvidenceError, match="names differ only in upper and lower case: 'Age', 'age'"):
        release_of(f"evaluation: {{path: t.{suffix}}}")


def test_the_engine_sees_nothing_but_the_copies(release_of: ReleaseOf, repository: Path) -> None:
    """Not the original, not the rest of the disk, no network, and it cannot change its mind."""
    table = release_of("evaluation: {path: test.csv}")["evaluation"]
    connection = table.expr.get_backend().con
    for sql in (
        "SELECT * FROM read_text('/etc/hostname')",
        select(["*"], f"read_csv('{repository / 'test.csv'}')"),
        f"COPY (SELECT 1) TO '{repository / 'out.csv'}'",
        f"ATTACH '{repository / 'new.db'}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '1TB'",
        "SELECT * FROM read_csv('https://example.org/x.csv')",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(sql)
    assert sorted(path.name for path in repository.iterdir()) == ["release.yaml", "test.csv"]


def test_no_socket_is_opened(release_of: ReleaseOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a table touches no network."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    assert len(rows(release_of("evaluation: {path: test.csv}")["evaluation"])) == 3


def test_the_copy_is_judged_and_not_what_the_file_becomes(release_of: ReleaseOf, repository: Path) -> None:
    """Parquet is read late, and still it is what was hashed."""
    pq.write_table(pa.table({"x": [1]}), repository / "t.parquet")
    table = release_of("evaluation: {path: t.parquet}")["evaluation"]
    pq.write_table(pa.table({"x": [2]}), repository / "t.parquet")
    assert rows(table) == [{"x": 1}]
    table.verify_unchanged()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_too_large_to_copy_are_read_in_place(
    suffix: str, release_of: ReleaseOf, repository: Path
) -> None:
    """From the descriptor that was hashed; another file under its name is never read in its stead."""
    frame = pd.DataFrame({"x": range(100)})
    path = repository / f"t.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    table = release_of(f"evaluation: {{path: t.{suffix}}}", copy_limit=10)["evaluation"]
    assert len(rows(table)) == 100
    (repository / "other").write_bytes(path.read_bytes().replace(b"x", b"y"))
    (repository / "other").replace(path)
    try:  # parquet is read late, and DuckDB may insist on the name that the file had
        found = rows(table)
    except duckdb.PermissionException:
        assert suffix == "parquet"
    else:
        assert found == [{"x": i} for i in range(100)]
        table.verify_unchanged()


def test_a_file_that_is_changed_in_place_is_noticed(release_of: ReleaseOf, repository: Path) -> None:
    """Only files that were too large to copy can be."""
    table = release_of("evaluation: {path: test.csv}", copy_limit=10)["evaluation"]
    with (repository / "test.csv").open("a") as file:
        file.write("4,1,0.5,f,60\n")
    with pytest.raises(EvidenceError, match=r"test.csv: was changed while it was judged"):
        table.verify_unchanged()


def test_engines_that_do_not_read_files_are_refused(release_of: ReleaseOf) -> None:
    """A warehouse is named in the release."""
    assert release_of("evaluation: {path: test.csv}", engine="duckdb")
    with pytest.raises(EvidenceError, match="--engine: 'spark://x' does not read files"):
        release_of("evaluation: {path: test.csv}", engine="spark://x")


def test_errors_come_as_sentences_with_places(release_of: ReleaseOf) -> None:
    """Where, what, what to do, for a fault of the release and for one of the data."""
    with pytest.raises(
        EvidenceError, match=r"^[^ ]*release.yaml:7: '/etc/passwd' lies outside .*; move it inside, or"
    ):
        release_of("evaluation: {path: /etc/passwd}")
    with pytest.raises(ContentError):
        release_of("evaluation: {path: test.csv, encoding: utf-9}")
    with pytest.raises(
        EvidenceError, match=r"release.yaml:7: delimiter '§' cannot be used; use one ASCII character"
    ):
        release_of("evaluation: {path: test.csv, delimiter: §}")


SCALARS = {
    "integer": st.integers(-(2**53), 2**53),
    "number": st.floats(allow_nan=False).filter(lambda one: one != int(one) if np.isfinite(one) else True),
    "boolean": st.booleans(),
    "string": st.text(st.sampled_from("abcß <>'\",;\n"), min_size=1, max_size=6).filter(
        lambda one: one.strip()
    ),
}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kinds=st.lists(st.sampled_from(sorted(SCALARS)), min_size=1, max_size=4))
def test_csv_and_parquet_of_one_frame_are_one_table(
    data: st.DataObject, kinds: list[str], release_of: ReleaseOf, repository: Path
) -> None:
    """The same columns, types and rows, missing values among them."""
    size = data.draw(st.integers(1, 6))
    columns = {}
    for i, kind in enumerate(kinds):
        values = data.draw(st.lists(st.none() | SCALARS[kind], min_size=size, max_size=size))
        values[0] = data.draw(SCALARS[kind])
        columns[f"c{i}"] = pd.Series(
            values,
            dtype={"integer": "Int64", "number": "float64", "boolean": "boolean", "string": "str"}[kind],
        )
    frame = pd.DataFrame(columns)
    frame.to_csv(repository / "same.csv", index=False)
    frame.to_parquet(repository / "same.parquet")
    names = ("evaluation", "other")
    tables = release_of("evaluation: {path: same.csv}\n  other: {path: same.parquet}", *names)
    one, other = (tables[name] for name in names)
    assert list(one.columns.types.items()) == list(other.columns.types.items())
    assert [one.columns.types[name] for name in columns] == kinds
    assert rows(one) == rows(other)
