"""The catalogue: every check file is whole, fits its measure, and is found by being there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mlgate import catalogue, content, measures, strict_yaml
from mlgate.catalogue import Check
from mlgate.cells import Cells
from mlgate.errors import ContentError
from mlgate.estimates import Estimate
from mlgate.findings import FixRecord, Severity
from mlgate.limits import Limit, Op
from mlgate.measures import measure

ROOT = Path(__file__).resolve().parents[1]

MINE: dict[str, Any] = {
    "id": "custom/ranks",
    "title": "The model ranks positives above negatives",
    "since": "0.1",
    "lifecycle": "stable",
    "measure": "performance.roc_auc",
    "params": {},
    "tasks": ["binary"],
    "needs": ["label", "score"],
    "kind": "estimate",
    "better": "higher",
    "unit": "1",
    "limit": {"op": "at_least", "value": 0.7},
    "guard": 0.02,
    "severity": "block",
    "why": "People who need help are found first.",
    "fix": {"effort": "medium", "text": "Look at the features."},
    "maps_to": [],
    "sources": ["scikit-learn, roc_auc_score"],
}


@measure(id="custom.share", kind="fact", unit="1", better="higher", source="a test")
def share(cells: Cells, *, column: str, low: float = 0.0, kinds: tuple[str, ...] = ()) -> Estimate:
    """Do nothing: only the signature matters here."""
    del column, low, kinds
    return Estimate(value=1.0, n=cells.rows)


def write(root: Path, changes: Mapping[str, Any] | None = None, *, path: str = "custom/ranks.yaml") -> Path:
    """Write a check file that differs from `MINE` by `changes` (None drops a key); return its folder."""
    whole = {**MINE, **(changes or {})}
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in whole.items() if value is not None}
    target.write_text(yaml.safe_dump(kept, sort_keys=False), encoding="utf-8")
    return root


def fault(root: Path) -> str:
    """Return what is said about a folder of checks that is not accepted."""
    with pytest.raises(ContentError) as caught:
        catalogue.load([root])
    return str(caught.value)


def test_the_shipped_catalogue_loads() -> None:
    """Every shipped file is valid; ids are sorted and equal the paths."""
    checks = catalogue.load()
    assert list(checks) == sorted(checks)
    for name, check in checks.items():
        assert check.where == f"checks/{name}.yaml"
        assert (ROOT / check.where).is_file()
        assert f"{check.family}/{check.name}" == check.id == name


def test_every_file_in_the_content_folder_is_a_check_or_the_schema() -> None:
    """Content is data: nothing but <family>/<name>.yaml and the schema lies in checks/."""
    root = content.folder("checks")
    assert [one.name for one in root.iterdir() if one.is_file()] == ["check.schema.json"]
    families = [one for one in root.iterdir() if one.is_dir()]
    found = {f"{family.name}/{file.name}" for family in families for file in family.iterdir()}
    assert found == {f"{name}.yaml" for name in catalogue.load()}


def test_titles_are_sentences_said_once() -> None:
    """No two checks claim the same, and a title has no full stop, so that it can stand in a table."""
    titles = [check.title for check in catalogue.load().values()]
    assert len(titles) == len(set(titles))
    assert not [title for title in titles if title.endswith(".") or title != title.strip()]


def test_the_committed_schema_is_the_generated_one() -> None:
    """The schema for editors cannot drift from what is accepted."""
    committed = json.loads((ROOT / "checks" / "check.schema.json").read_text("utf-8"))
    assert committed == catalogue.schema()


def test_the_schema_accepts_every_shipped_file() -> None:
    """An editor shows no error in any shipped check, and one in a misspelt key."""
    made = catalogue.schema()
    jsonschema.Draft202012Validator.check_schema(made)
    validator = jsonschema.Draft202012Validator(made)
    for path in sorted((ROOT / "checks").glob("*/*.yaml")):
        validator.validate(strict_yaml.read(path).data)
    validator.validate(MINE)
    assert not validator.is_valid({**MINE, "tilte": "x"})


def test_a_catalogue_of_ones_own_is_added_to_the_shipped_one(tmp_path: Path) -> None:
    """Fifty files of one's own are found beside the shipped ones."""
    for number in range(50):
        write(tmp_path, {"id": f"custom/c{number}"}, path=f"custom/c{number}.yaml")
    catalogue.load()
    assert len(catalogue.load([tmp_path])) == len(catalogue.load()) + 50


def test_no_heavy_library_is_loaded() -> None:
    """Reading the catalogue resolves every parameter, and still needs none of the libraries."""
    heavy = "{'numpy', 'pandas', 'scipy', 'sklearn', 'fairlearn', 'ibis', 'duckdb', 'pyarrow'}"
    code = f"import sys; from mlgate import catalogue; catalogue.load(); print({heavy} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_check_has_all_that_its_file_says(tmp_path: Path) -> None:
    """A user's check is a full member of the catalogue."""
    check = catalogue.load([write(tmp_path)])["custom/ranks"]
    assert check == Check(
        id="custom/ranks",
        family="custom",
        name="ranks",
        title="The model ranks positives above negatives",
        since="0.1",
        lifecycle="stable",
        measure=measures.catalogue()["performance.roc_auc"],
        params={},
        tasks=("binary",),
        needs=("label", "score"),
        kind="estimate",
        better="higher",
        unit="1",
        limit=Limit(Op.AT_LEAST, 0.7),
        limit_for={},
        guard=0.02,
        claim=None,
        against=None,
        retrain=False,
        severity=Severity.BLOCK,
        why="People who need help are found first.",
        fix=FixRecord(effort="medium", text="Look at the features."),
        maps_to=(),
        sources=("scikit-learn, roc_auc_score",),
        digest=strict_yaml.digest(MINE),
        where=str(tmp_path / "custom" / "ranks.yaml"),
    )


def test_limit_and_guard_may_be_left_out(tmp_path: Path) -> None:
    """A field without a convention has no limit; then the policy must give one."""
    check = catalogue.load([write(tmp_path, {"limit": None, "guard": None})])["custom/ranks"]
    assert (check.limit, check.guard) == (None, None)


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        ({"id": "custom/rank"}, 1, "write id: custom/ranks"),
        ({"id": "Custom/Ranks"}, 1, "is no check id"),
        ({"id": "custom/a/b"}, 1, "is no check id"),
        ({"title": " "}, 2, "title: is blank"),
        ({"lifecycle": "beta"}, 4, "'beta' is not one of"),
        ({"measure": "performance.roc_acu"}, 5, "did you mean 'performance.roc_auc'?"),
        ({"params": {"k": 1}}, 7, "performance.roc_auc has no parameter 'k'"),
        ({"tasks": []}, 7, "is empty (any task)"),
        ({"tasks": ["binary", "regression"]}, 9, "is not for regression"),
        ({"tasks": ["bnary"]}, 8, "did you mean 'binary'?"),
        ({"needs": ["label"]}, 9, "also needs score"),
        ({"needs": ["label", "score", "wieght"]}, 12, "did you mean 'weight'?"),
        ({"kind": "fact", "guard": None}, 12, "write kind: 'estimate'"),
        ({"better": "lower"}, 13, "write better: 'higher'"),
        ({"unit": "rows"}, 14, "write unit: '1'"),
        ({"unit": 1}, 14, 'write it in quotes: "1"'),
        ({"limit": {"op": "at_lest", "value": 1}}, 16, "did you mean 'at_least'?"),
        ({"limit": {"at_least": 0.7}}, 16, "'at_least' is not a key of a limit"),
        ({"limit": {"op": "at_least", "value": "0.7"}}, 17, "at_least does not take '0.7'"),
        ({"limit": {"op": "at_least", "value": True}}, 17, "at_least does not take true"),
        ({"limit": {"op": "between", "value": [2, 1]}}, 17, "write [low, high]"),
        ({"limit": {"op": "holds", "value": True}}, 16, "holds is for facts, this is an estimate"),
        ({"limit": {"op": "equals", "value": 1}}, 16, "equals is for facts"),
        ({"guard": -0.1}, 18, "is less than 0"),
        ({"severity": "high"}, 19, "'high' is not one of 'block', 'warn' or 'info'"),
        ({"why": ""}, 20, "why: is blank"),
        ({"fix": {"effort": "some", "text": "x"}}, 22, "'some' is not one of"),
        ({"fix": {"effort": "low"}}, 21, "'text' is missing from a fix"),
        ({"maps_to": ["eu-ai-act/10"]}, 25, "there is no control 'eu-ai-act/10'"),
        ({"sources": []}, 25, "sources: is empty"),
        ({"replaces": "performance/roc-auc"}, 27, "no shipped check with the id of this one"),
        ({"sevrity": "block"}, 27, "did you mean 'severity'?"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, changes: Mapping[str, Any], line: int, words: str
) -> None:
    """Path, words, and everything that the measure states are held against each other, by line."""
    said = fault(write(tmp_path, changes))
    assert words in said
    assert f"ranks.yaml:{line}: " in said


def test_a_nan_limit_is_refused(tmp_path: Path) -> None:
    """A limit that nothing can be held against would let everything pass."""
    write(tmp_path)
    path = tmp_path / "custom" / "ranks.yaml"
    path.write_text(path.read_text("utf-8").replace("value: 0.7", "value: .nan"), encoding="utf-8")
    assert ".nan is no number" in fault(tmp_path)


def test_the_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """One run shows what is wrong in every file."""
    write(tmp_path, {"title": ""})
    said = fault(write(tmp_path, {"id": "custom/other", "why": ""}, path="custom/other.yaml"))
    assert "ranks.yaml" in said
    assert "other.yaml" in said


def shipped() -> Check:
    """Return some shipped check."""
    return next(iter(catalogue.load().values()))


def copied(root: Path, check: Check, **changes: str) -> Path:
    """Write a shipped check into a user's folder, with changes."""
    data = strict_yaml.read(ROOT / check.where).data
    target = root / f"{check.id}.yaml"
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps({**data, **changes}), encoding="utf-8")
    return root


def test_a_shipped_id_is_taken(tmp_path: Path) -> None:
    """A user's file cannot quietly stand in for a shipped check."""
    check = shipped()
    assert f"is taken by {check.where}; choose another id, or add replaces: {check.id}" in fault(
        copied(tmp_path, check)
    )


def test_a_shipped_check_is_replaced_by_name(tmp_path: Path) -> None:
    """It takes the place of the shipped one when it says so, and its digest is its own."""
    check = shipped()
    mine = catalogue.load([copied(tmp_path, check, replaces=check.id, title="Mine")])[check.id]
    assert mine.title == "Mine"
    assert mine.digest != check.digest
    assert catalogue.load()[check.id] == check


def test_two_folders_cannot_hold_one_id(tmp_path: Path) -> None:
    """Which of two would win is not for the order of options to say."""
    roots = [write(tmp_path / "a"), write(tmp_path / "b")]
    with pytest.raises(ContentError, match=r"'custom/ranks' is taken by .*a/custom/ranks\.yaml"):
        catalogue.load(roots)


@pytest.mark.parametrize(
    "path", ["ranks.yaml", "custom/ranks.yml", "custom/deep/ranks.yaml", "Custom/ranks.yaml"]
)
def test_a_file_in_another_place_is_not_left_out_in_silence(tmp_path: Path, path: str) -> None:
    """A check that would never run is an error, not a surprise in production."""
    assert "is not where a check can be" in fault(write(tmp_path, path=path))


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """A README or a hidden folder beside the checks is no check."""
    write(tmp_path)
    (tmp_path / "README.md").write_text("x", encoding="utf-8")
    write(tmp_path, path=".git/ranks.yaml")
    assert "custom/ranks" in catalogue.load([tmp_path])


@pytest.mark.parametrize("link", ["custom/ranks.yaml", "custom"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, link: str) -> None:
    """Neither a file nor a family may point to somewhere else."""
    write(tmp_path / "outside")
    inside = tmp_path / "inside"
    (inside / link).parent.mkdir(parents=True)
    (inside / link).symlink_to(tmp_path / "outside" / link)
    assert "is a link that leads out of the folder" in fault(inside)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A misspelt --checks would otherwise judge less than was asked."""
    assert "is no folder of checks" in fault(tmp_path / "none")


def test_an_unknown_check_is_met_with_the_nearest(tmp_path: Path) -> None:
    """`get` names the place that asked and what was probably meant."""
    checks = catalogue.load([write(tmp_path)])
    assert catalogue.get(checks, "custom/ranks", "policy.yaml:3").id == "custom/ranks"
    with pytest.raises(
        ContentError, match=r"^policy\.yaml:3: there is no check 'custom/rank'; did you mean 'custom/ranks'"
    ):
        catalogue.get(checks, "custom/rank", "policy.yaml:3")
    with pytest.raises(ContentError, match="`mlgate checks` lists them"):
        catalogue.get(checks, "something/else-entirely", "policy.yaml:3")


def test_parameters_are_typed_and_filled() -> None:
    """Lists become tuples, whole numbers numbers, and what is not given has its default."""
    found = catalogue.check_params(share, {"column": "age", "low": 1, "kinds": ["a"]}, "policy.yaml:3")
    assert found == {"column": "age", "low": 1.0, "kinds": ("a",)}
    assert isinstance(found["low"], float)
    assert catalogue.check_params(share, {"column": "x"}, "p")["kinds"] == ()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "custom.share needs the parameter 'column'"),
        ({"colunm": "age"}, "has no parameter 'colunm'; did you mean 'column'?"),
        ({"column": 3}, "params.column: 3 is a number, text is due"),
        ({"column": "x", "low": "1"}, "params.low: '1' is text, a number is due"),
        ({"column": "x", "low": True}, "params.low: true is true/false, a number is due"),
        ({"column": "x", "low": float("nan")}, "NaN"),
        ({"column": "x", "kinds": "a"}, "write it as a list: ['a']"),
        ({"column": "x", "kinds": ["a", 1]}, "params.kinds[1]: 1 is a number"),
    ],
)
def test_parameters_are_held_to_the_signature(params: Mapping[str, Any], words: str) -> None:
    """Names and types are checked before anything is measured."""
    with pytest.raises(ContentError) as caught:
        catalogue.check_params(share, params, "policy.yaml:3")
    assert words in str(caught.value)
    assert str(caught.value).startswith("policy.yaml:3: ")


def test_all_parameters_are_told_at_once_with_their_lines() -> None:
    """A caller that knows lines gives a function from location to place."""
    document = strict_yaml.parse(b"params:\n  column: 1\n  lwo: 2\n", "policy.yaml")
    with pytest.raises(ContentError) as caught:
        catalogue.check_params(share, document.data["params"], document.where)
    assert [problem.where for problem in caught.value.problems] == ["policy.yaml:2", "policy.yaml:3"]


def test_every_shipped_check_has_parameters_that_its_measure_takes() -> None:
    """What a check fixes is typed, and a policy can give the rest."""
    for check in catalogue.load().values():
        assert check.params.keys() <= check.measure.params.keys()
