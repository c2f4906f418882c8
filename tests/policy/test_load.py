"""Finding and reading policy files: names, paths, extends, and what is refused before it is resolved."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlgate.catalogue import Check
from mlgate.errors import ContentError
from mlgate.policy import Policy, load, shipped

AUC = "checks: [{check: performance/roc-auc, at_least: 0.7}]\n"


def write(path: Path, policy: str, body: str = AUC) -> Path:
    """Write a policy file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"mlgate: 1\npolicy: {policy}\n{body}")
    return path


def problem(checks: Mapping[str, Check], *sources: Path | str) -> str:
    """Return the message with which these sources are refused."""
    with pytest.raises(ContentError) as error:
        load(sources, checks)
    return str(error.value)


def test_a_shipped_id_loads_with_and_without_its_version(checks: Mapping[str, Check]) -> None:
    """`baseline` and `baseline@1` are the same policy."""
    assert load(["baseline"], checks).digest == load(["baseline@1"], checks).digest
    assert {"baseline", "screen"} <= set(shipped())


def test_another_version_of_a_shipped_policy_is_an_error(checks: Mapping[str, Check]) -> None:
    """A pinned version that this mlgate does not have is not replaced by the one that it has."""
    assert "this mlgate has baseline@1, not baseline@9" in problem(checks, "baseline@9")


def test_an_unknown_shipped_id_names_the_nearest(checks: Mapping[str, Check]) -> None:
    """A misspelt id is an error that says what was meant."""
    assert "'basline' is no policy that comes with mlgate; did you mean 'baseline'?" in problem(
        checks, "basline"
    )


def test_a_file_without_suffix_is_pointed_out(
    checks: Mapping[str, Check], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text that is no path is never looked up as a file, and the message says how to name one."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "strict", "strict")
    assert "write './strict'" in problem(checks, "strict")
    assert load(["./strict"], checks).id == "strict"


def test_no_policy_at_all_is_an_error(checks: Mapping[str, Check]) -> None:
    """An empty list of sources judges nothing."""
    assert "no policy is given" in problem(checks)


@pytest.mark.parametrize("name", ["absent.yaml", ".", "nul\0.yaml"])
def test_what_cannot_be_read_is_a_content_error(
    checks: Mapping[str, Check], tmp_path: Path, name: str
) -> None:
    """An absent file, a folder and an impossible name end in a sentence, not in a traceback."""
    assert problem(checks, tmp_path / name)


def test_a_pipe_is_not_waited_for(checks: Mapping[str, Check], tmp_path: Path) -> None:
    """A named pipe in the place of a policy is refused instead of read."""
    os.mkfifo(tmp_path / "policy.yaml")
    assert "not a regular file" in problem(checks, tmp_path / "policy.yaml")


def test_a_relative_path_is_found_from_the_policy_that_names_it(
    checks: Mapping[str, Check], tmp_path: Path
) -> None:
    """`extends` looks beside the file, whatever the working directory."""
    (tmp_path / ".git").mkdir()
    write(tmp_path / "common" / "base.yaml", "base")
    top = write(tmp_path / "teams" / "credit.yaml", "credit", "extends: [../common/base.yaml]\n")
    found = load([top], checks)
    assert [use.id for use in found.uses] == ["performance/roc-auc"]
    assert [one.path for one in found.sources] == ["common/base.yaml", "teams/credit.yaml"]
    assert found.extends == ("common/base.yaml",)


def test_extends_may_not_leave_the_repository(checks: Mapping[str, Check], tmp_path: Path) -> None:
    """A path that climbs out of the repository is refused at its line."""
    write(tmp_path / "secret.yaml", "secret")
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    top = write(tmp_path / "repository" / "policy.yaml", "mine", "extends:\n  - ../secret.yaml\n" + AUC)
    assert f"{top}:4: '../secret.yaml' lies outside the repository" in problem(checks, top)


def test_without_a_repository_extends_stays_in_the_folder(
    checks: Mapping[str, Check], tmp_path: Path
) -> None:
    """Where no folder above has a `.git`, the policy's own folder is the limit."""
    write(tmp_path / "base.yaml", "base")
    top = write(tmp_path / "inner" / "policy.yaml", "mine", "extends: [../base.yaml]\n")
    assert "lies outside" in problem(checks, top)


def test_a_link_out_of_the_repository_is_refused(checks: Mapping[str, Check], tmp_path: Path) -> None:
    """Links are resolved before the path is judged."""
    outside = write(tmp_path / "outside.yaml", "outside")
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "base.yaml").symlink_to(outside)
    top = write(tmp_path / "repository" / "policy.yaml", "mine", "extends: [base.yaml]\n")
    assert "lies outside" in problem(checks, top)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/etc/passwd.yaml", "is an absolute path"),
        ("absent.yaml", "does not exist"),
        ("baseline.yml/x", "does not exist"),
        ("basline", "did you mean 'baseline'?"),
        ("../../../../../../../../etc/hostname", "lies outside"),
    ],
)
def test_what_extends_cannot_reach_is_named_with_its_line(
    checks: Mapping[str, Check], tmp_path: Path, name: str, message: str
) -> None:
    """Every fault of `extends` says the line and the name."""
    top = write(tmp_path / "policy.yaml", "mine", f"extends: [{name}]\n")
    found = problem(checks, top)
    assert f"{top}:3:" in found
    assert message in found


def test_a_circle_is_named_from_end_to_end(checks: Mapping[str, Check], tmp_path: Path) -> None:
    """Policies that extend each other are refused with the whole chain."""
    write(tmp_path / "a.yaml", "a", "extends: [b.yaml]\n")
    write(tmp_path / "b.yaml", "b", "extends: [c.yaml]\n")
    write(tmp_path / "c.yaml", "c", "extends: [a.yaml]\n")
    found = problem(checks, tmp_path / "a.yaml").replace(f"{tmp_path}/", "")
    assert "in a circle: a.yaml -> b.yaml -> c.yaml -> a.yaml" in found


def test_extends_has_a_depth_limit(checks: Mapping[str, Check], tmp_path: Path) -> None:
    """Ten links are followed, eleven are not."""
    for number in range(12):
        write(tmp_path / f"p{number}.yaml", f"p{number}", f"extends: [p{number + 1}.yaml]\n")
    write(tmp_path / "p12.yaml", "p12")
    assert load([tmp_path / "p2.yaml"], checks).uses
    assert "deeper than 10" in problem(checks, tmp_path / "p1.yaml")


def test_a_file_that_is_reached_twice_counts_once(checks: Mapping[str, Check], tmp_path: Path) -> None:
    """What one parent changed of a common ancestor is not undone by the other parent's ancestor."""
    write(tmp_path / "base.yaml", "base")
    raised = "extends: [base.yaml]\nchecks: [{check: performance/roc-auc, at_least: 0.9}]\n"
    write(tmp_path / "strict.yaml", "strict", raised)
    write(
        tmp_path / "wide.yaml",
        "wide",
        "extends: [base.yaml]\nchecks: [{check: performance/recall, at_least: 0.5}]\n",
    )
    top = write(tmp_path / "policy.yaml", "mine", "extends: [strict.yaml, wide.yaml]\n")
    found = load([top], checks)
    assert found.use("performance/roc-auc").limit.value == 0.9
    assert [one.path for one in found.sources] == ["base.yaml", "strict.yaml", "wide.yaml", "policy.yaml"]


def test_several_sources_merge_as_extends_does(checks: Mapping[str, Check], tmp_path: Path) -> None:
    """`--policy a --policy b` asks for what a policy that extends a and b asks for."""
    first = write(tmp_path / "a.yaml", "a", "confidence: 0.9\n" + AUC)
    second = write(
        tmp_path / "b.yaml", "b", "checks: [{id: performance/roc-auc, guard: 0.05}]\nmin_group: 50\n"
    )
    both = load([first, second], checks)
    extending = load([write(tmp_path / "c.yaml", "b", "extends: [a.yaml, b.yaml]\n")], checks)
    assert both.digest == extending.digest
    assert both.id == "b"
    assert both.use("performance/roc-auc").rule.guard == 0.05


def test_a_file_may_not_take_the_name_of_a_shipped_policy(
    policy: Callable[[str], Policy], checks: Mapping[str, Check], tmp_path: Path
) -> None:
    """A report that says `baseline` means the one that ships."""
    del policy
    path = write(tmp_path / "policy.yaml", "baseline")
    assert "'baseline' is the id of a policy that comes with mlgate" in problem(checks, path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("waivers: [w.yaml]\n", "policy.yaml:3: `waivers` is not supported by mlgate 0.1; remove it"),
        (
            "release: {champion: registry}\n",
            "policy.yaml:3: `champion: registry` is not supported by mlgate 0.1; remove it",
        ),
    ],
)
def test_what_this_version_does_not_do_is_refused(
    refused: Callable[[str], str], body: str, message: str
) -> None:
    """Nothing that is written is silently ignored."""
    assert message in refused(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("confidence:\n" + AUC, "policy.yaml:3: 'confidence' is empty; give it a value, or remove it"),
        ("checks: [{check: performance/roc-auc, at_least: ~}]\n", "'at_least' is empty"),
        ("checkz: []\n", "'checkz' is not a key of a policy; did you mean 'checks'?"),
        ("confidence: 95\n", "confidence: 95 is not less than 1"),
        ("confidence: 0.5\n", "confidence: 0.5 is not more than 0.5"),
        ("confidence: '0.9'\n", "'0.9' is text, a number is due; take away the quotes"),
        ("seed: true\n", "seed: true is true/false, a whole number is due"),
        ("decision: gaurd\n", "did you mean 'guard'?"),
        ("checks: [{check: performance/roc-auc, at_least: .nan}]\n", ".nan is no number"),
        (
            "checks: [{check: performance/roc-auc, at_least: 0.7, at_least: 0.1}]\n",
            "'at_least' is here twice",
        ),
        ("checks: [{at_least: 0.7}]\n", "names no check"),
        ("checks: [{check: a/b, at_least: 0.7, at_most: 0.9}]\n", "has two limits, at_least and at_most"),
        ("checks: [{check: a/b, between: [0.9, 0.7]}]\n", "0.7 after 0.9 does not increase"),
        ("checks: [{check: a/b, between: [0.7, 0.7]}]\n", "0.7 after 0.7 does not increase"),
        ("checks: [{check: a/b, slices: [{age: [50, 18]}]}]\n", "18 after 50 does not increase"),
        ("checks: [{check: a/b, groups: []}]\n", "is empty"),
        ("checks: [{check: a/b, off: ' '}]\n", "is blank"),
        ("checks: [{check: a/b, off: gone, at_least: 1}]\n", "is off, so at_least would do nothing"),
        ("checks: [{check: a/b, holds: false}]\n", "`holds: false` asks for nothing"),
        ("checks: [{check: a/b, guard: -0.1}]\n", "-0.1 is less than 0"),
        ("checks: [{check: a/b, id: 'x[y]'}]\n", "does not have the form"),
        ("checks: [{check: a/b, when: {risk: [hihg]}}]\n", "did you mean 'high'?"),
        ("release: {columns: {protected: sex}}\n", "write it as a list: ['sex']"),
        ("release: {evaluation: {sha256: [abc]}}\n", "does not have the form"),
        ("not_applicable: {data: ''}\n", "is blank"),
    ],
)
def test_a_key_or_value_that_does_not_belong_is_an_error_with_its_line(
    refused: Callable[[str], str], body: str, message: str
) -> None:
    """Strictness is for the author: where, what, and what was probably meant."""
    found = refused(body)
    assert message in found
    assert found.startswith("policy.yaml:")


def test_another_format_version_is_not_read(checks: Mapping[str, Check], tmp_path: Path) -> None:
    """A policy of a later format is refused, not half understood."""
    path = tmp_path / "policy.yaml"
    path.write_text("mlgate: 2\npolicy: mine\n" + AUC)
    assert "2 is no format that this mlgate reads; write `mlgate: 1`" in problem(checks, path)


def test_an_empty_policy_is_an_error(refused: Callable[[str], str]) -> None:
    """A policy that asks nothing is not a policy, with or without pins."""
    assert "the policy has no checks" in refused("")
    assert "the policy has no checks" in refused("release: {task: binary}\n")
