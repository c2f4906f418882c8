"""release.yaml: everything the contract lists is read, everything else is told by line."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlgate import strict_yaml
from mlgate.errors import ContentError, Problem
from mlgate.evidence.release import Release, load_release, schema
from mlgate.evidence.sources import Range

SMALLEST = """\
mlgate: 1
name: credit-default
version: "2.3.0"
task: binary
data: {evaluation: {path: data/test.csv}}
columns: {label: defaulted, score: p_default,
          protected: [sex]}
"""

WHOLE = """\
mlgate: 1
name: credit-default
version: "2.3.0"
task: binary
intended_use: Rank loan applications for manual review
risk: high
owners: [risk-ml@example.org]
model:
  path: model.skops
  trust: none
  trusted_types: []
  python: .venv/bin/python
data:
  train: {path: data/all.parquet, where: {split: train}, columns: {score: null, prediction: null}}
  evaluation:
    path: data/all.parquet
    where: {applied_at: {from: 2026-01-01, before: 2026-04-01}}
    predictions: {path: out/preds.parquet, key: loan_id}
  crisis: {path: t.csv, delimiter: ";", encoding: utf-8, nulls: ["", NA], types: {zip: string}}
  warehouse: {table: loans_eval, connection: env:LOANS_DB}
columns:
  label: defaulted
  positive: 1
  favourable: 0
  score: p_default
  prediction: decision
  prediction_positive: 1
  features: [income, age, tenure]
  categorical: [job]
  protected: [sex, race]
  key: loan_id
  time: applied_at
  weight: w
  cluster: customer_id
  interval: [p05, p95]
  quantiles: {0.1: p10}
threshold: 0.5
champion: none
anchors: {q1: {report: releases/q1/report.json}}
provenance:
  environment: requirements.lock
  seed: 7
  data: {train: {dvc: train.csv.dvc}}
  train: {command: python train.py, output: model.skops}
costs: {training_usd: 31.2, hourly_usd: 1.1}
documents: {model_card: MODEL_CARD.md}
statements: statements.yaml
"""

HEAD = 'mlgate: 1\nname: x\nversion: "1"\ntask: binary\ndata:\n  evaluation: {path: a.csv}\n'


def release(source: str) -> Release:
    """Build a release from YAML."""
    return Release.of(strict_yaml.parse(source.encode(), "release.yaml"))


def faults(source: str) -> list[str]:
    """Return every problem of a release that is not accepted."""
    with pytest.raises(ContentError) as caught:
        release(source)
    return [str(problem) for problem in caught.value.problems]


def table(line: str) -> str:
    """Return a release with a second table, in line 7, that reads `line`."""
    return f"{HEAD}  other: {line}\n"


def test_the_smallest_release_is_read() -> None:
    """The first example of the contract works, with the defaults it implies."""
    made = release(SMALLEST)
    assert (made.name, made.task, made.threshold) == ("credit-default", "binary", 0.5)
    assert made.columns.protected == ("sex",)
    assert made.data["evaluation"].path == "data/test.csv"


def test_the_whole_release_is_read() -> None:
    """Every key of the contract is accepted, and keeps the order of the file."""
    made = release(WHOLE)
    assert made.written().keys() == yaml.safe_load(WHOLE).keys()
    assert list(made.data) == ["train", "evaluation", "crisis", "warehouse"]
    assert made.data["evaluation"].where == {
        "applied_at": Range(**{"from": dt.date(2026, 1, 1), "before": dt.date(2026, 4, 1)})
    }
    assert made.data["crisis"].nulls == ("", "NA")
    assert made.columns.quantiles == {"0.1": "p10"}
    assert made.columns.interval == ("p05", "p95")


def test_a_table_may_lack_a_role() -> None:
    """Null under a table's own columns takes the role away there, and nowhere else."""
    made = release(WHOLE)
    assert made.columns_of("train").score is None
    assert made.columns_of("train").label == "defaulted"
    assert made.columns_of("evaluation").score == "p_default"


def test_load_release_reads_a_file(tmp_path: Path) -> None:
    """The document comes with it, for the lines of later errors."""
    path = tmp_path / "release.yaml"
    path.write_text(SMALLEST, encoding="utf-8")
    made, document = load_release(path)
    assert document.where(("columns", "protected")) == f"{path}:7"
    assert made.digest == strict_yaml.digest(document.data)


def test_the_digest_follows_what_is_stated() -> None:
    """Layout and comments leave the digest alone; any value changes it."""
    assert release(SMALLEST).digest == release("# note\n" + SMALLEST.replace("[sex]", "[ sex, ]")).digest
    assert release(SMALLEST).digest != release(SMALLEST.replace("2.3.0", "2.3.1")).digest
    assert release(SMALLEST).digest != release(SMALLEST + "threshold: 0.5\n").digest


@pytest.mark.parametrize(
    ("dotted", "expected"),
    [
        ("intended_use", "Rank loan applications for manual review"),
        ("columns.protected", ["sex", "race"]),
        ("data.evaluation.where", {"applied_at": {"from": "2026-01-01", "before": "2026-04-01"}}),
        ("documents.model_card", "MODEL_CARD.md"),
        ("champion", "none"),
        ("data.crisis.where", None),
        ("columns.nothing", None),
        ("name.first", None),
    ],
)
def test_stated_gives_what_the_author_wrote(dotted: str, expected: object) -> None:
    """A dotted path finds the value as written; what was left out is None."""
    assert release(WHOLE).stated(dotted) == expected


def test_a_default_is_not_stated() -> None:
    """A threshold that nobody wrote down is not something that the author said."""
    assert release(SMALLEST).stated("threshold") is None
    assert release(WHOLE).stated("threshold") == 0.5


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("1", 1),
        ("1.5", 1.5),
        ("true", True),
        ('"1"', "1"),
        ("2026-01-01", "2026-01-01"),
        ("[a, 1, false]", ("a", 1, False)),
        ("{from: 1}", Range(**{"from": 1})),
        ("{before: 2.5}", Range(before=2.5)),
        (
            "{from: 2026-01-01T00:00:00Z}",
            Range(**{"from": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}),
        ),
    ],
)
def test_conditions_keep_their_type(condition: str, expected: object) -> None:
    """A value, a list of values, or a range; dates are read in ranges, where order matters."""
    where = release(table(f"{{path: b.csv, where: {{c: {condition}}}}}")).data["other"].where
    assert where is not None
    assert where["c"] == expected
    assert type(where["c"]) is type(expected)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{path: b.csv, where: {c: {form: 1}}}", "'form' is not a key of a range; did you mean 'from'?"),
        ("{path: b.csv, where: {c: {}}}", "has neither from nor before"),
        ("{path: b.csv, where: {c: {from: 2, before: 2}}}", "no row can match"),
        ("{path: b.csv, where: {c: {from: 2026-01-01, before: 7}}}", "of different kinds"),
        ("{path: b.csv, where: {c: {from: yesterday}}}", "is no date, time or number"),
        ("{path: b.csv, where: {c: {from: 2026-02-30}}}", "is no date, time or number"),
        ("{path: b.csv, where: {c: {from: true}}}", "true is true/false"),
        ("{path: b.csv, where: {c: [1, [2]]}}", "where.c[1]: [2] is a list"),
        ("{path: b.csv, where: {c: []}}", "where.c: is empty"),
        ("{path: b.csv, where: {c: null}}", "where.c: is empty"),
        ("{path: b.csv, where: {}}", "where: is empty"),
        ("{path: b.csv, where: null}", "where: is empty"),
        ("{path: b.csv, where: 'c > 1'}", "'c > 1' is text, a mapping is due"),
        ("{path: b.csv, table: t, connection: env:A}", "has path and table"),
        ("{}", "has none of path, table"),
        ("{table: t}", "has a table and no connection"),
        ("{path: b.csv, connection: env:A}", "has a path and a connection"),
        ("{table: t, connection: env:1A}", "is not the name of an environment variable"),
        ("{table: t, connection: 'env:A; rm'}", "is not the name of an environment variable"),
        ("{path: ' '}", "other.path: is empty"),
        ("{path: b.csv, delimiter: '\\t'}", 'write a tab as "\\t", in double quotes'),
        ("{path: b.csv, delimiter: ''}", "is not one character"),
        ("{path: b.csv, quote: ab}", "is not one character"),
        ("{path: b.csv, encoding: utf-9}", "is no text encoding"),
        ("{path: b.csv, encoding: hex}", "is no text encoding"),
        ("{path: b.csv, types: {a: int}}", "'int' is not one of"),
        ("{path: b.parquet, delimiter: ;}", "is for csv files only"),
        ("{table: t, connection: env:A, nulls: [x]}", "is for csv files only"),
        ("{path: b.csv, predictions: {path: c.csv}}", "'key' is missing from predictions"),
        ("{path: b.csv, colums: {}}", "did you mean 'columns'?"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(line: str, words: str) -> None:
    """Filters, places and csv options are checked before any data is opened."""
    (said,) = faults(table(line))
    assert said.startswith("release.yaml:7: data.other")
    assert words in said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("columns: {label: y, features: [a, y]}", "columns.features: column 'y' is both label and features"),
        ("columns: {label: y, score: y}", "column 'y' is both label and score"),
        ("columns: {label: y, prediction: y}", "column 'y' is both label and prediction"),
        ("columns: {label: y, weight: y}", "column 'y' is both label and weight"),
        ("columns: {score: p, features: [p]}", "column 'p' is both score and features"),
        ("columns: {prediction: p, protected: [p]}", "column 'p' is both prediction and protected"),
        ("columns: {features: [a, b, a]}", "'a' is here twice"),
        ("columns: {features: a}", "write it as a list: ['a']"),
        ("columns: {label: null}", "columns.label: is empty"),
        ("columns: {score: {a: p}}", "is for multiclass"),
        ("columns: {favourable: [0, 1]}", "is for multiclass"),
        ("columns: {interval: [a]}", "columns.interval"),
        ("columns: {quantiles: {1.5: a}}", "'1.5' is no quantile level"),
        ("columns: {protect: [a]}", "did you mean 'protected'?"),
        ("threshold: 1.5", "1.5 is more than 1"),
        ('threshold: "0.5"', "take away the quotes"),
        ("threshold: .nan", ".nan is no number"),
        ("champion: nobody", "'none' or a mapping is due"),
        ("champion: {release: a, report: b}", "has release and report"),
        ("champion: {predictions: {}}", "has neither score nor prediction"),
        ("champion: {uri: 'file:///x'}", "is no model URI that mlgate knows"),
        ("model: {trust: none}", "has none of path, uri"),
        ("model: {uri: model.skops}", "a file goes under `path`"),
        ("model: {path: m, trust: all}", "'all' is not one of 'none', 'pickle' or 'code'"),
        ("model: {path: m, protocol: json}", "protocol is for endpoints"),
        ("model: {path: m, outputs: decisions}", "outputs is for endpoints"),
        ("model: {uri: 'https://h/invocations', python: p}", "python is for models that the gate loads"),
        ("model: {uri: 'https://h/invocations', token: abc}", "model.token: is not env:NAME"),
        ("costs: {hourly_usd: -1}", "-1 is less than 0"),
        ("risk: hihg", "did you mean 'high'?"),
        ("documents: {model_card: }", "documents.model_card: is empty"),
        ("treshold: 0.5", "did you mean 'threshold'?"),
        ("intended_use:", "intended_use: is empty"),
        ("provenance: {seed: 7.5}", "a whole number is due"),
        ("champion:\n", "champion: is empty"),
    ],
)
def test_a_fact_that_cannot_be_meant_is_refused(line: str, words: str) -> None:
    """Contradictory roles, values out of range, misspelt words and empty keys name their line."""
    (said,) = faults(f"{HEAD}{line}\n")
    assert said.startswith("release.yaml:7: ")
    assert words in said


def test_columns_may_be_protected_and_something_else() -> None:
    """A group may be a feature, and a label may be what groups are made of."""
    assert release(f"{HEAD}columns: {{label: y, protected: [y, sex], features: [sex]}}\n")


def test_roles_of_one_table_are_held_against_those_of_all() -> None:
    """A contradiction that only one table makes is told at that table."""
    (said,) = faults(table("{path: b.csv, columns: {features: [y]}}") + "columns: {label: y}\n")
    assert said.startswith(
        "release.yaml:7: data.other.columns.features: column 'y' is both label and features"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mlgate: 2", "this mlgate reads `mlgate: 1`"),
        ('mlgate: "1"', "is not known"),
        ("mlgate: true", "is not known"),
        ("name: ' '", "name: is empty"),
        (f"name: {'x' * 201}", "is too long"),
        ("version: 1.10", 'write it in quotes: "1.10"'),
        ("task: binry", "did you mean 'binary'?"),
        ("data: {evalution: {path: a}}", "'evaluation' is missing"),
        ("data: {evaluation: {path: a}, a.b: {path: a}}", "'a.b' is no name for a table"),
        ("data: []", "a mapping is due"),
    ],
)
def test_the_required_keys_are_held_to_their_form(line: str, words: str) -> None:
    """Format, name, version, task and the evaluation table each have their own sentence."""
    key = line.partition(":")[0]
    head = "".join(f"{one}\n" for one in SMALLEST.splitlines() if not one.startswith(f"{key}:"))
    (said,) = faults(f"{head}{line}\n")
    assert said.startswith("release.yaml:7: ")
    assert words in said


def test_all_that_is_missing_is_told_at_once() -> None:
    """An empty mapping names every key that a release must have."""
    assert [said.split("'")[1] for said in faults("{}")] == ["mlgate", "name", "version", "task", "data"]


@pytest.mark.parametrize(
    "line",
    [
        "other: {table: t, connection: 'postgres://u:hunter2@h/db'}",
        "other: {path: 's3://key:hunter2@bucket/a.csv'}",
        "other: {path: 'https://hunter2@host/a.csv'}",
        "other: {path: 'https://host/a.csv?sig=hunter2'}",
        "other: {path: 'https://host/a.csv?X-Amz-Signature=hunter2'}",
        "other: {path: 'postgres://h/db?user=a&password=hunter2'}",
    ],
)
def test_a_password_in_the_file_is_refused_and_never_shown(line: str) -> None:
    """The error says where it is and what to do, and does not repeat it into a log."""
    said = faults(f"{HEAD}  {line}\n")
    assert "holds a password or another secret" in said[0]
    assert not any("hunter2" in one for one in said)


@pytest.mark.parametrize("path", ["s3://bucket/a/*.parquet", "https://host/a.csv?v=1", "a@b.csv", "a:b.csv"])
def test_plain_places_are_no_secrets(path: str) -> None:
    """Addresses without credentials pass."""
    assert release(table(f"{{path: '{path}'}}")).data["other"].path == path


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-5, 5)
        | st.sampled_from(["binary", "a.csv", "none", "", "y"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        *Release.model_fields,
                        "evaluation",
                        "path",
                        "where",
                        "from",
                        "label",
                        "score",
                        "predictions",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=25,
    ).filter(lambda value: value is not None)
)
def test_any_data_is_a_release_or_refused(value: Any) -> None:
    """Whatever is written makes a release, or a ContentError whose every problem has a line."""
    document = strict_yaml.parse(json.dumps(value).encode(), "release.yaml")
    problems: tuple[Problem, ...] = ()
    try:
        Release.of(document)
    except ContentError as error:
        problems = error.problems
    assert all(problem.where.startswith("release.yaml:") for problem in problems)


def test_the_json_schema_accepts_the_contract() -> None:
    """Editors are given a schema that knows every key of the contract, with a description for each."""
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    validator = jsonschema.Draft202012Validator(made)
    for source in (SMALLEST, WHOLE):
        validator.validate(strict_yaml.parse(source.encode(), "release.yaml").data)
    assert not validator.is_valid({**yaml.safe_load(SMALLEST), "treshold": 1})
    described = {
        name for name, value in made["properties"].items() if "description" in value or "$ref" in str(value)
    }
    assert described == set(made["properties"])
