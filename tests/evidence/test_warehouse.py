"""Tables in databases: read where they are, never written, and no password in any message."""

from __future__ import annotations

import datetime as dt
import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from mlgate.errors import EvidenceError, MissingExtra
from mlgate.evidence import queries
from mlgate.evidence.tables import Table

pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")  # Ibis' way from SQLite

ReleaseOf = Callable[..., dict[str, Table]]
SOURCE = "table: loans, connection: env:LOANS_DB"


@pytest.fixture(params=["duckdb", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database file with a table of four loans, outside the repository."""
    path = tmp_path / f"loans.{request.param}"
    rows = "INSERT INTO loans VALUES (1, 1, 0.9, 'f', '2026-01-01'), (2, 0, 0.1, 'm', '2026-01-02'), (3, 1, NULL, 'f', '2026-01-03')"
    for statement in (
        "CREATE TABLE loans (id BIGINT, y BIGINT, p DOUBLE, sex VARCHAR, day DATE)",
        rows,
    ):
        if request.param == "duckdb":
            with duckdb.connect(str(path)) as database:
                database.execute(statement)
        else:
            connection = sqlite3.connect(path)
            connection.execute(statement)
            connection.commit()
            connection.close()
    return f"{request.param}://{path}"


def test_a_table_is_read_where_it_is(url: str, release_of: ReleaseOf) -> None:
    """Typed, filtered, with its roles, and without a digest, because there are no bytes to hash."""
    data = f"evaluation: {{{SOURCE}, where: {{sex: f}}}}"
    opened = release_of(data, environ={"LOANS_DB": url}, columns="{label: y, score: p, time: day}")
    table = opened["evaluation"]
    assert table.expr.order_by("id").to_pyarrow()["id"].to_pylist() == [1, 3]
    types = {"id": "integer", "y": "integer", "p": "number", "sex": "string", "day": "date"}
    assert dict(table.columns.types) == types
    assert (table.columns.label, table.columns.time) == ("y", "day")
    assert table.engine == url.partition(":")[0]
    assert table.location == "env:LOANS_DB/loans"
    assert (table.record.sha256, table.record.rows, table.record.columns, table.record.bytes) == (
        None,
        2,
        5,
        None,
    )


def test_dates_in_a_database_are_dates(url: str, release_of: ReleaseOf) -> None:
    """Ranges work on them."""
    data = f"evaluation: {{{SOURCE}, where: {{day: {{from: 2026-01-02}}}}}}"
    table = release_of(data, environ={"LOANS_DB": url})["evaluation"]
    assert sorted(table.expr.to_pyarrow()["id"].to_pylist()) == [2, 3]


def test_predictions_in_a_file_are_joined_to_a_table_in_a_database(
    url: str, release_of: ReleaseOf, tmp_path: Path
) -> None:
    """They go to the engine that has the rows."""
    pd.DataFrame({"id": [3, 2, 1], "q": [0.3, 0.2, 0.1]}).to_csv(
        tmp_path / "repository" / "q.csv", index=False
    )
    data = f"evaluation: {{{SOURCE}, predictions: {{path: q.csv, key: id}}}}"
    table = release_of(data, environ={"LOANS_DB": url}, columns="{label: y, score: q}")["evaluation"]
    found = table.expr.order_by("id").to_pyarrow()
    assert found["q"].to_pylist() == [0.1, 0.2, 0.3]
    assert [one.sha256 is None for one in table.records] == [True, False]


def test_databases_are_opened_to_be_read(url: str, release_of: ReleaseOf) -> None:
    """No statement writes, and DuckDB reaches no other file."""
    table = release_of(f"evaluation: {{{SOURCE}}}", environ={"LOANS_DB": url})["evaluation"]
    connection = table.expr.get_backend().con
    statements = ["DELETE FROM loans", "CREATE TABLE x (a INT)", "ATTACH '/tmp/new.db' AS n"]
    if table.engine == "duckdb":
        statements += ["SELECT * FROM read_text('/etc/hostname')", "SET enable_external_access = true"]
    else:
        statements.pop()
    for statement in statements:
        with pytest.raises((duckdb.Error, sqlite3.Error)):
            connection.execute(statement)


def test_a_view_of_a_duckdb_file_reaches_no_other_file(tmp_path: Path, release_of: ReleaseOf) -> None:
    """A database may come from the author of the release."""
    with duckdb.connect(str(tmp_path / "x.duckdb")) as database:
        database.execute("CREATE VIEW loans AS SELECT * FROM read_text('/etc/hostname')")
    with pytest.raises(EvidenceError):
        release_of(f"evaluation: {{{SOURCE}}}", environ={"LOANS_DB": f"duckdb://{tmp_path / 'x.duckdb'}"})


def test_tables_in_a_schema_are_named_with_it(tmp_path: Path, release_of: ReleaseOf) -> None:
    """`schema.table`, unless a table is called just that."""
    with duckdb.connect(str(tmp_path / "x.duckdb")) as database:
        database.execute("CREATE SCHEMA risk; CREATE TABLE risk.loans AS SELECT 1 AS a")
        database.execute('CREATE TABLE "dotted.name" AS SELECT 2 AS a')
    environ = {"LOANS_DB": f"duckdb://{tmp_path / 'x.duckdb'}"}
    for name, value in (("risk.loans", 1), ("dotted.name", 2)):
        table = release_of(f"evaluation: {{table: {name}, connection: env:LOANS_DB}}", environ=environ)[
            "evaluation"
        ]
        assert table.expr.to_pyarrow()["a"].to_pylist() == [value]


def test_types_of_a_warehouse(tmp_path: Path, release_of: ReleaseOf) -> None:
    """As those of a file: NaN is missing, decimals are numbers, what is nested is `other`."""
    with duckdb.connect(str(tmp_path / "x.duckdb")) as database:
        database.execute(
            "CREATE TABLE loans AS SELECT true AS b, 1::UTINYINT AS i, 'nan'::DOUBLE AS n, 1.50::DECIMAL(9, 2) AS d,"
            " 'x' AS s, DATE '2026-01-31' AS day, TIMESTAMP '2026-01-31 12:00' AS t, [1] AS l,"
            " 'a'::ENUM('a', 'b)') AS e"
        )
    environ = {"LOANS_DB": f"duckdb://{tmp_path / 'x.duckdb'}"}
    table = release_of(f"evaluation: {{{SOURCE}}}", environ=environ)["evaluation"]
    kinds = ["boolean", "integer", "number", "number", "string", "date", "timestamp", "other", "string"]
    assert list(table.columns.types.values()) == kinds
    row = table.expr.drop("l").to_pyarrow().to_pylist()[0]
    day, noon = dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 12)  # noqa: DTZ001 - tables hold UTC without zone
    assert row == {"b": True, "i": 1, "n": None, "d": 1.5, "s": "x", "day": day, "t": noon, "e": "a"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "the environment variable LOANS_DB is not set; set it to the URL of the database"),
        ("", "is not set"),
        ("hunter2", "holds no connection URL; set it to duckdb://... or sqlite://..., or another of"),
        ("ftp://me:hunter2@host/x", "holds no connection URL"),
        ("duckdb://", "names no database file that exists"),
        ("sqlite:///hunter2.db", "names no database file that exists"),
        ("duckdb:///hunter2/x.duckdb", "names no database file that exists"),
    ],
)
def test_a_connection_that_is_none_is_refused(value: str | None, message: str, release_of: ReleaseOf) -> None:
    """Naming the variable and never what is in it."""
    with pytest.raises(EvidenceError) as refused:
        release_of(f"evaluation: {{{SOURCE}}}", environ={} if value is None else {"LOANS_DB": value})
    assert message in str(refused.value)
    assert "release.yaml:7" in str(refused.value)
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_a_missing_driver_is_named_with_its_install_line(release_of: ReleaseOf) -> None:
    """Exit code 2, and what to type; no extra of ours brings this driver."""
    message = r"needs the driver for mysql, which is not installed; pip install 'ibis-framework\[mysql\]'"
    with pytest.raises(MissingExtra, match=message):
        release_of(f"evaluation: {{{SOURCE}}}", environ={"LOANS_DB": "mysql://me:x@localhost/db"})


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, release_of: ReleaseOf) -> None:
    """Whatever the URL says that it is."""
    (tmp_path / "x.db").write_text("hello" * 1000, encoding="utf-8")
    for scheme in ("duckdb", "sqlite"):
        with pytest.raises(EvidenceError, match=r"LOANS_DB cannot be opened|'loans' cannot be opened"):
            release_of(f"evaluation: {{{SOURCE}}}", environ={"LOANS_DB": f"{scheme}://{tmp_path / 'x.db'}"})


def test_an_absent_table_is_named_with_its_likely_neighbour(url: str, release_of: ReleaseOf) -> None:
    """As absent files and columns are."""
    with pytest.raises(EvidenceError, match=r"the table 'loan' cannot be opened .*; did you mean 'loans'\?"):
        release_of("evaluation: {table: loan, connection: env:LOANS_DB}", environ={"LOANS_DB": url})


def test_sqlalchemys_four_slashes_name_an_absolute_path(url: str, release_of: ReleaseOf) -> None:
    """`sqlite:////data/x.db` is how SQLAlchemy writes it."""
    longer = url.replace("://", ":///")
    assert ":////" in longer
    assert (
        release_of(f"evaluation: {{{SOURCE}}}", environ={"LOANS_DB": longer})["evaluation"].record.rows == 3
    )


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        ("postgres://me:hunter2@db.example/x", ()),
        ("postgresql://me:hunter2@db.example/x", ("other.example",)),
        ("mysql://me:hunter2@db.example.evil/x", ("db.example",)),
        ("postgres://me:hunter2@db.example,evil.example/x", ("db.example",)),
        ("postgres://me:hunter2@db.example/x?host=evil.example", ("db.example",)),
        ("postgres://me:hunter2@db.example/x?hostaddr=10.0.0.1", ("db.example",)),
        ("postgres:///x", ("db.example",)),
        ("postgres://db.example:5433/x", ("db.example:5432",)),
    ],
)
def test_a_host_that_the_policy_does_not_allow_is_not_reached(
    address: str, hosts: tuple[str, ...], release_of: ReleaseOf
) -> None:
    """`trust.hosts` of the policy is a list of all there are, and the URL stays secret."""
    with pytest.raises(EvidenceError, match=r"variable LOANS_DB .*trust\.hosts") as refused:
        release_of(f"evaluation: {{{SOURCE}}}", environ={"LOANS_DB": address}, hosts=hosts)
    assert "release.yaml:7" in str(refused.value)
    assert not {"hunter2", "evil"} & set("".join(traceback.format_exception(refused.value)).split())


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost:1"])
def test_a_host_that_the_policy_allows_is_tried(host: str, release_of: ReleaseOf) -> None:
    """With its port or without; what then fails is the driver, which is not installed."""
    environ = {"LOANS_DB": "mysql://me:x@localhost:1/db"}
    with pytest.raises(MissingExtra):
        release_of(f"evaluation: {{{SOURCE}}}", environ=environ, hosts=(host,))


def test_a_database_file_needs_no_host(url: str, release_of: ReleaseOf) -> None:
    """It is reached over no network."""
    opened = release_of(f"evaluation: {{{SOURCE}}}", environ={"LOANS_DB": url}, hosts=())
    assert opened["evaluation"].record.rows == 3


def test_what_a_view_fails_with_while_predictions_are_joined_is_told_in_plain_words(
    tmp_path: Path, release_of: ReleaseOf
) -> None:
    """An engine's own exception never leaves the join."""
    with duckdb.connect(str(tmp_path / "x.duckdb")) as database:
        database.execute("CREATE VIEW loans AS SELECT i AS id, CAST('x' || i AS INT) AS y FROM range(3) t(i)")
        database.execute("CREATE VIEW keys AS SELECT CAST('x' || i AS BIGINT) AS id FROM range(3) t(i)")
    (tmp_path / "repository" / "q.csv").write_text("id,q\n0,0.1\n1,0.2\n2,0.3\n", encoding="utf-8")
    environ = {"LOANS_DB": f"duckdb://{tmp_path / 'x.duckdb'}"}
    data = "evaluation: {table: keys, connection: env:LOANS_DB, predictions: {path: q.csv, key: id}}"
    with pytest.raises(EvidenceError, match=r"could not join the predictions: .*Could not convert"):
        release_of(data, environ=environ)


def test_a_driver_that_may_know_a_password_is_not_quoted(release_of: ReleaseOf, tmp_path: Path) -> None:
    """Of an engine outside this process only the kind of failure is told, and no cause is chained."""
    (tmp_path / "repository" / "t.csv").write_text("a\n1\n", encoding="utf-8")
    table = release_of("evaluation: {path: t.csv}")["evaluation"]
    backend = table.expr.get_backend()
    backend.con.execute(
        "CREATE TEMP VIEW broken AS SELECT CAST(a || 'hunter2' AS INT) AS a FROM (SELECT 1 AS a)"
    )
    rows = backend.table("broken")
    for engine, told in (("duckdb", True), ("postgres", False)):
        with pytest.raises(EvidenceError) as refused:
            queries.fetch(rows, "count the rows", location="loans", engine=engine)
        assert ("hunter2" in "".join(traceback.format_exception(refused.value))) is told
        assert str(refused.value).startswith("loans: could not count the rows: ")
