"""Policies and releases that are wrong in one place, or that ask for nothing: an error, or undecided."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.bad_input.conftest import POLICY, World, refused, sound

Break = Callable[[World], object]
CHECK = "policy.yaml:5"
LIMIT = "policy.yaml:6"


def roc(limit: str) -> Break:
    """Write something else in the place of the first limit."""
    return lambda world: world.policy("roc-auc\n    at_least: 0.8\n", f"roc-auc\n    {limit}\n")


def top(text: str) -> Break:
    """Add lines at the top level of the policy, before `checks:`."""
    return lambda world: world.policy("checks:\n", f"{text}\nchecks:\n")


def whole(text: str) -> Break:
    """Write another policy."""
    return lambda world: (world.home / "policy.yaml").write_text(text, "utf-8")


def only(*entries: str) -> Break:
    """Write a policy of these checks."""
    return lambda world: world.checks(*entries)


def bomb(levels: int) -> str:
    """Return YAML that doubles with every level."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines)


WRONG: dict[str, tuple[Break, tuple[str, ...]]] = {
    "YAML bomb": (top(bomb(9)), ("policy.yaml:4", "anchors (&a0) are not allowed")),
    "alias": (roc("at_least: *x"), (LIMIT, "aliases (*x)")),
    "merge key": (roc("<<: {at_least: 0.8}"), (LIMIT, "merge keys")),
    "tag": (roc('at_least: !!python/object/apply:os.system ["touch pwned"]'), (LIMIT, "tags")),
    "tag at the top": (top('x: !!python/object/apply:os.mkdir ["pwned"]'), ("policy.yaml:4", "tags")),
    "binary tag": (roc("at_least: !!float '0.8'"), (LIMIT, "tags")),
    "deep nesting": (top("x: " + "[" * 5000 + "]" * 5000), ("policy.yaml:4", "nested deeper")),
    "two documents": (whole(POLICY + "---\n" + POLICY), ("policy.yaml:", "second document")),
    "YAML directive": (whole("%YAML 1.1\n---\n" + POLICY), ("policy.yaml:", "directive")),
    "duplicate key": (roc("at_least: 0.8\n    at_least: 0.1"), ("policy.yaml:7", "'at_least' is here twice")),
    "duplicate top key": (top("title: Again"), ("policy.yaml:4", "'title' is here twice")),
    "duplicate checks": (whole(POLICY + "checks: []\n"), ("policy.yaml:", "'checks' is here twice")),
    "NaN limit": (roc("at_least: .nan"), (LIMIT, "no number that a limit")),
    "infinite limit": (roc("at_least: -.inf"), (LIMIT, "no number that a limit")),
    "limit past all numbers": (roc("at_least: -1e999"), (LIMIT, "too large")),
    "limit of 400 digits": (roc("at_least: -" + "9" * 400), (LIMIT, "too long")),
    "limit as text": (roc("at_least: '0.8'"), (LIMIT, "'0.8'")),
    "limit in words": (roc("at_least: none"), (LIMIT, "'none'")),
    "limit as truth": (roc("at_least: false"), (LIMIT, "false")),
    "limit as list": (roc("at_least: [0.8]"), (LIMIT, "at_least")),
    "empty limit": (roc("at_least:"), (LIMIT, "'at_least' is empty")),
    "null limit": (roc("at_least: null"), (LIMIT, "'at_least' is empty")),
    "per cent": (roc("at_least: 80%"), (LIMIT, "'80%'")),
    "comma for point": (roc("at_least: 0,8"), (LIMIT, "'0,8'")),
    "no limit": (roc("severity: block"), (CHECK, "no limit")),
    "two limits": (roc("at_least: 0.8\n    at_most: 1"), ("policy.yaml:7", "two limits")),
    "limit the wrong way round": (roc("at_most: 0.8"), (LIMIT, "wrong way round")),
    "crossed ends": (roc("between: [1, 0]"), (LIMIT, "does not increase")),
    "equals an estimate": (roc("equals: 0.8"), (LIMIT, "for facts")),
    "holds an estimate": (roc("holds: true"), (LIMIT, "for facts")),
    "holds false": (
        lambda w: w.policy("model-card\n    severity: block", "model-card\n    holds: false"),
        ("policy.yaml:23", "asks for nothing"),
    ),
    "misspelt limit": (roc("atleast: 0.8"), (LIMIT, "did you mean 'at_least'?")),
    "misspelt check": (
        lambda w: w.policy("performance/roc-auc", "performance/roc-uac"),
        (CHECK, "no check 'performance/roc-uac'", "performance/roc-auc"),
    ),
    "check in capitals": (lambda w: w.policy("performance/roc-auc", "Performance/ROC-AUC"), (CHECK,)),
    "measure for check": (lambda w: w.policy("performance/roc-auc", "performance.roc_auc"), (CHECK,)),
    "path for check": (lambda w: w.policy("performance/roc-auc", "../../x"), (CHECK, "no check")),
    "misspelt parameter": (
        lambda w: w.policy(
            "missing\n    at_most: 0.05", "missing\n    at_most: 0.05\n    params: {colums: [y]}"
        ),
        ("policy.yaml:15", "'colums'", "columns"),
    ),
    "parameter of another type": (
        lambda w: w.policy(
            "missing\n    at_most: 0.05", "missing\n    at_most: 0.05\n    params: {columns: 3}"
        ),
        ("policy.yaml:15", "columns"),
    ),
    "injected parameter": (
        lambda w: w.policy("at_most: 0.3", "at_most: 0.3\n    params: {min_group: 1}"),
        ("policy.yaml:19", "'min_group'"),
    ),
    "misspelt severity": (roc("at_least: 0.8\n    severity: blocks"), ("policy.yaml:7", "'blocks'")),
    "misspelt decision": (roc("at_least: 0.8\n    decision: points"), ("policy.yaml:7", "'points'")),
    "on_inconclusive: pass": (roc("at_least: 0.8\n    on_inconclusive: pass"), ("policy.yaml:7", "'pass'")),
    "negative guard": (roc("at_least: 0.8\n    guard: -0.1"), ("policy.yaml:7", "guard")),
    "confidence of one half": (top("confidence: 0.5"), ("policy.yaml:4", "0.5")),
    "confidence of one": (top("confidence: 1"), ("policy.yaml:4", "confidence")),
    "confidence in per cent": (top("confidence: 95"), ("policy.yaml:4", "95")),
    "groups of nobody": (top("min_group: 0"), ("policy.yaml:4", "min_group")),
    "half a person": (top("min_group: 1.5"), ("policy.yaml:4", "min_group")),
    "share over one": (top("min_judged: 1.1"), ("policy.yaml:4", "min_judged")),
    "negative share": (top("min_judged: -0.1"), ("policy.yaml:4", "min_judged")),
    "negative seed": (top("seed: -1"), ("policy.yaml:4", "seed")),
    "unknown top key": (top("severity: warn"), ("policy.yaml:4", "'severity'")),
    "unknown key of a pin": (top("release: {tresholt: 0.5}"), ("policy.yaml:4", "'tresholt'")),
    "unknown column pin": (top("release: {columns: {lable: y}}"), ("policy.yaml:4", "label")),
    "unknown key of when": (roc("at_least: 0.8\n    when: {risks: [high]}"), ("policy.yaml:7", "risk")),
    "unknown risk of when": (roc("at_least: 0.8\n    when: {risk: [medium]}"), ("policy.yaml:7", "'medium'")),
    "empty when": (roc("at_least: 0.8\n    when: {risk: []}"), ("policy.yaml:7", "risk")),
    "unknown not_applicable": (top("not_applicable: {perfomance: no}"), ("policy.yaml:4", "performance")),
    "not_applicable without a reason": (top("not_applicable: {fairness: ' '}"), ("policy.yaml:4",)),
    "not_applicable: true": (top("not_applicable: {fairness: true}"), ("policy.yaml:4",)),
    "unknown origin": (top("origin: {performance: none}"), ("policy.yaml:4", "'none'")),
    "other format": (lambda w: w.policy("mlgate: 1", "mlgate: 2"), ("policy.yaml:1", "2 is no format")),
    "shipped name": (
        lambda w: w.policy("credit-release", "baseline"),
        ("policy.yaml:2", "comes with mlgate"),
    ),
    "no format": (lambda w: w.policy("mlgate: 1\n", ""), ("policy.yaml", "'mlgate'")),
    "no checks": (whole("mlgate: 1\npolicy: own\n"), ("policy.yaml:2", "has no checks")),
    "empty checks": (whole("mlgate: 1\npolicy: own\nchecks: []\n"), ("policy.yaml:2", "has no checks")),
    "checks of nothing": (whole("mlgate: 1\npolicy: own\nchecks:\n"), ("policy.yaml:3", "'checks' is empty")),
    "checks as mapping": (whole("mlgate: 1\npolicy: own\nchecks: {a: 1}\n"), ("policy.yaml:3",)),
    "empty entry": (only("{}"), ("policy.yaml:4", "names no check")),
    "null entry": (only("null"), ("policy.yaml:4",)),
    "use twice": (
        only(*["{check: performance/roc-auc, at_least: 0.8}"] * 2),
        ("policy.yaml:5", "here twice (first at policy.yaml:4)"),
    ),
    "id of another check": (
        only("{check: performance/accuracy, id: performance/roc-auc, at_least: 0.8}"),
        ("policy.yaml:4", "the name of another check"),
    ),
    "id that builds finding ids": (
        only("{check: performance/accuracy, id: 'a[sex=x]', at_least: 0.8}"),
        ("policy.yaml:4", "'a[sex=x]'"),
    ),
    "override of nothing": (only("{id: ghost, at_least: 0.8}"), ("policy.yaml:4", "ghost")),
    "off of nothing": (only("{id: ghost, off: gone}"), ("policy.yaml:4", "ghost")),
    "everything off": (
        whole(
            "mlgate: 1\npolicy: own\nextends: [part.yaml]\nchecks:\n  - {id: performance/roc-auc, off: no}\n"
        ),
        ("has no checks",),
    ),
    "off and more": (
        only("{check: performance/accuracy, off: x, at_least: 0.8}"),
        ("policy.yaml:4", "is off"),
    ),
    "extends itself": (top("extends: [policy.yaml]"), ("policy.yaml:4", "circle")),
    "extends in a circle": (top("extends: [circle.yaml]"), ("circle.yaml:3", "circle")),
    "extends outside": (top("extends: [../elsewhere/policy.yaml]"), ("policy.yaml:4", "outside")),
    "extends far outside": (top("extends: [../../../../../../etc/passwd.yaml]"), ("policy.yaml:4",)),
    "extends absolute": (top("extends: [/etc/policy.yaml]"), ("policy.yaml:4", "absolute")),
    "extends by link": (top("extends: [link.yaml]"), ("policy.yaml:4", "outside")),
    "extends a pipe": (top("extends: [pipe.yaml]"), ("pipe.yaml", "not a regular file")),
    "extends nothing": (top("extends: [nowhere.yaml]"), ("policy.yaml:4", "does not exist")),
    "extends unknown": (top("extends: [basline]"), ("policy.yaml:4", "did you mean 'baseline'?")),
    "extends another version": (top("extends: [baseline@99]"), ("policy.yaml:4", "baseline@99")),
    "extends text": (top("extends: baseline"), ("policy.yaml:4", "extends")),
    "table that is not there": (roc("at_least: 0.8\n    table: crisis"), ("policy.yaml:", "'crisis'")),
    "group column that is not there": (
        lambda w: w.policy("at_most: 0.3", "at_most: 0.3\n    groups: [race]"),
        ("policy.yaml:", "column 'race' is not in table"),
    ),
    "slice column that is not there": (
        roc("at_least: 0.8\n    slices: [region]"),
        ("policy.yaml:", "column 'region' is not in table"),
    ),
    "groups for one number": (
        roc("at_least: 0.8\n    groups: [sex]"),
        ("policy.yaml:7", "does not compare groups"),
    ),
    "bins of text": (roc("at_least: 0.8\n    slices: [{sex: [1, 2]}]"), ("column 'sex'", "bins")),
    "bins that do not increase": (
        roc("at_least: 0.8\n    slices: [{tenure: [9, 2]}]"),
        ("policy.yaml:7", "increase"),
    ),
    "the same slices twice": (roc("at_least: 0.8\n    slices: [sex, sex]"), ("policy.yaml:7", "twice")),
    "slices of a fact": (
        lambda w: w.policy("at_least: 100", "at_least: 100\n    slices: [sex]"),
        ("policy.yaml:", "cannot be sliced"),
    ),
    "warn band outside": (roc("at_least: 0.8\n    warn: {at_least: 0.7}"), ("policy.yaml:7", "not tighter")),
    "expression": (
        roc('at_least: 0.8\n    slices: ["tenure > 3"]'),
        ("column 'tenure > 3' is not in table",),
    ),
    "waivers": (top("waivers: [all.yaml]"), ("policy.yaml:4", "not supported")),
    "pins switched off": (
        whole(
            "mlgate: 1\npolicy: own\nrelease: {threshold: 0.9}\nchecks:\n"
            "  - {check: performance/roc-auc, at_least: 0.8}\n  - {id: governance/release-pins, off: never}\n"
        ),
        ("policy.yaml:6", "governance/release-pins"),
    ),
    "pins made a warning": (
        whole(
            "mlgate: 1\npolicy: own\nrelease: {threshold: 0.9}\nchecks:\n"
            "  - {check: performance/roc-auc, at_least: 0.8}\n"
            "  - {check: governance/release-pins, severity: warn}\n"
        ),
        ("policy.yaml:6", "always blocks"),
    ),
    "pins not applicable": (
        top("release: {threshold: 0.9}\nnot_applicable: {governance: no}"),
        ("policy.yaml:5", "always blocks"),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_policy_that_is_wrong(world: World, name: str) -> None:
    """A policy with anything wrong in it judges nothing: exit 2 with file, line, and what is wrong."""
    part = "mlgate: 1\npolicy: part\nchecks:\n  - {check: performance/roc-auc, at_least: 0.8}\n"
    circle = "mlgate: 1\npolicy: circle\nextends: [policy.yaml]\n"
    for place, text in {"part.yaml": part, "circle.yaml": circle, "../elsewhere/policy.yaml": part}.items():
        (world.home / place).write_text(text, "utf-8")
    (world.home / "link.yaml").symlink_to("../elsewhere/policy.yaml")
    os.mkfifo(world.home / "pipe.yaml")
    broken, says = WRONG[name]
    broken(world)
    refused(world, world.run(), says=says)
    assert not list(world.root.rglob("pwned"))


def release(old: str, new: str) -> Break:
    """Change the release."""
    return lambda world: world.release(old, new)


RELEASES: dict[str, tuple[Break, tuple[str, ...]]] = {
    "YAML bomb": (release("threshold: 0.5", bomb(9)), ("release.yaml:16", "anchors")),
    "tag": (release("name: credit", "name: !!python/name:os.system x"), ("release.yaml:2", "tags")),
    "duplicate key": (
        release("  score: p\n", "  score: p\n  score: income\n"),
        ("release.yaml:13", "here twice"),
    ),
    "duplicate table": (
        release("columns:\n", "  evaluation: {path: other.csv}\ncolumns:\n"),
        ("release.yaml:9", "here twice"),
    ),
    "unknown top key": (release("threshold: 0.5", "treshold: 0.5"), ("release.yaml:16", "threshold")),
    "unknown role": (release("  key: id", "  keys: id"), ("release.yaml:13", "'keys'")),
    "unknown key of a table": (
        release("path: data/test.csv", "path: data/test.csv, filter: {sex: male}"),
        ("release.yaml:8", "'filter'"),
    ),
    "expression in where": (
        release("path: data/test.csv", "path: data/test.csv, where: {p: '> 0.9'}"),
        ("release.yaml:8", "'> 0.9'"),
    ),
    "where of an unknown column": (
        release("path: data/test.csv", "path: data/test.csv, where: {region: north}"),
        ("release.yaml:8", "no column 'region'"),
    ),
    "empty where": (
        release("path: data/test.csv", "path: data/test.csv, where: {}"),
        ("release.yaml:8", "where"),
    ),
    "where of nothing": (
        release("path: data/test.csv", "path: data/test.csv, where: {sex: []}"),
        ("release.yaml:8", "sex"),
    ),
    "where of no key": (
        release("path: data/test.csv", "path: data/test.csv, where: "),
        ("release.yaml:8", "where"),
    ),
    "threshold over one": (release("threshold: 0.5", "threshold: 1.5"), ("release.yaml:16", "1.5")),
    "threshold under zero": (release("threshold: 0.5", "threshold: -0.1"), ("release.yaml:16", "-0.1")),
    "threshold NaN": (release("threshold: 0.5", "threshold: .nan"), ("release.yaml:16", ".nan")),
    "threshold as text": (release("threshold: 0.5", "threshold: '0.5'"), ("release.yaml:16", "'0.5'")),
    "version as number": (release('version: "1.0.0"', "version: 1.10"), ("release.yaml:3", "1.10")),
    "unknown task": (release("task: binary", "task: binray"), ("release.yaml:4", "'binray'", "binary")),
    "other format": (release("mlgate: 1", "mlgate: 2"), ("release.yaml:1", "2")),
    "no evaluation": (release("  evaluation:", "  test:"), ("release.yaml:7", "'evaluation' is missing")),
    "no data": (release("data:\n  evaluation: {path: data/test.csv}\n", ""), ("release.yaml", "data")),
    "no name": (release("name: credit\n", ""), ("release.yaml", "name")),
    "blank name": (release("name: credit", "name: '  '"), ("release.yaml:2", "empty")),
    "null role": (release("  key: id", "  key:"), ("release.yaml:13", "key")),
    "label is the score": (release("  score: p", "  score: y"), ("release.yaml:12", "both label and score")),
    "label is the prediction": (
        release("  score: p", "  score: p\n  prediction: y"),
        ("release.yaml:13", "both label and prediction"),
    ),
    "label is a feature": (release("[income, tenure]", "[income, y]"), ("release.yaml:15", "both label and")),
    "label is the weight": (
        release("  key: id", "  weight: y"),
        ("release.yaml:13", "both label and weight"),
    ),
    "score is protected": (
        release("[sex, age_group]", "[sex, p]"),
        ("release.yaml:", "both score and protected"),
    ),
    "protected twice": (
        release("[sex, age_group]", "[sex, sex]"),
        ("release.yaml:14", "'sex' is here twice"),
    ),
    "a column for each class": (release("  score: p", "  score: {1: p}"), ("release.yaml:12", "multiclass")),
    "password": (
        release("{path: data/test.csv}", "{table: t, connection: 'postgres://me:hunter2@host/db'}"),
        ("release.yaml:8", "environment variable"),
    ),
    "connection of nothing": (
        release("{path: data/test.csv}", "{table: t, connection: 'env:NOT_THERE_AT_ALL'}"),
        ("release.yaml:8", "NOT_THERE_AT_ALL"),
    ),
    "path and table": (
        release("path: data/test.csv", "path: data/test.csv, table: t, connection: 'env:X'"),
        ("release.yaml:8",),
    ),
    "delimiter of two": (
        release("path: data/test.csv", "path: data/test.csv, delimiter: '||'"),
        ("release.yaml:8",),
    ),
    "delimiter is the quote": (
        release("path: data/test.csv", "path: data/test.csv, delimiter: '\"'"),
        ("release.yaml:8", "the same"),
    ),
    "delimiter is a line break": (
        release("path: data/test.csv", 'path: data/test.csv, delimiter: "\\n"'),
        ("release.yaml:8",),
    ),
    "encoding that is none": (
        release("path: data/test.csv", "path: data/test.csv, encoding: utf-9"),
        ("release.yaml:8", "'utf-9'"),
    ),
    "encoding that runs code": (
        release("path: data/test.csv", "path: data/test.csv, encoding: unicode_escape"),
        ("release.yaml:8",),
    ),
    "encoding of bytes": (
        release("path: data/test.csv", "path: data/test.csv, encoding: zlib"),
        ("release.yaml:8",),
    ),
    "type of an unknown column": (
        release("path: data/test.csv", "path: data/test.csv, types: {zip: string}"),
        ("release.yaml:8", "'zip'"),
    ),
    "type that does not fit": (
        release("path: data/test.csv", "path: data/test.csv, types: {sex: integer}"),
        ("data/test.csv:2: column 'sex'", "is no integer"),
    ),
    "label as date": (
        release("path: data/test.csv", "path: data/test.csv, types: {y: date}"),
        ("data/test.csv:2: column 'y'", "is no date"),
    ),
    "1,000 tables": (
        release(
            "columns:\n",
            "".join(f"  t{i}: {{path: x{i}.csv, colour: red}}\n" for i in range(1000)) + "columns:\n",
        ),
        ("release.yaml:9", "'colour'"),
    ),
}


@pytest.mark.parametrize("name", RELEASES)
def test_release_that_is_wrong(world: World, name: str) -> None:
    """A release with anything wrong in it is not judged: exit 2 with file, line, and what is wrong."""
    broken, says = RELEASES[name]
    broken(world)
    done = refused(world, world.run(), says=says)
    assert "hunter2" not in done.said + str(done.report) + str(done.html)


WARN = POLICY.replace("  - check: documentation/model-card\n    severity: block\n", "").replace(
    "    at_", "    severity: warn\n    at_"
)

IDLE: dict[str, tuple[Break, tuple[int, ...], tuple[str, ...]]] = {
    "nothing can block": (whole(WARN), (3,), ("nothing in the policy can block",)),
    "nothing but a pin can block": (
        whole(WARN.replace("checks:", "release: {threshold: 0.5}\nchecks:")),
        (3,),
        ("nothing in the policy can block",),
    ),
    "only not applicable": (
        top("not_applicable: {performance: x, data: x, fairness: x, documentation: x}"),
        (3,),
        (),
    ),
    "only when it never is": (
        only("{check: performance/roc-auc, at_least: 0.8, when: {declares: [cluster]}}"),
        (3,),
        ("Undecided",),
    ),
    "only for another task": (
        only("{check: performance/roc-auc, at_least: 0.8, when: {task: [regression]}}"),
        (3,),
        ("Undecided",),
    ),
    "only inconclusive, and that warns": (
        only("{check: performance/roc-auc, at_least: 0.9985, decision: bound, on_inconclusive: warn}"),
        (3,),
        (),
    ),
    "inconclusive leans outside": (
        only("{check: performance/roc-auc, at_least: 0.9985, on_inconclusive: lean}"),
        (1,),
        ("inconclusive",),
    ),
    "boundless guard": (
        only("{check: performance/roc-auc, at_least: 0.9985, guard: 1.0e+9, on_inconclusive: lean}"),
        (1,),
        ("inconclusive",),
    ),
    "hardly any confidence": (
        only("{check: performance/roc-auc, at_least: 0.9985, confidence: 0.5000001, on_inconclusive: lean}"),
        (1,),
        (),
    ),
    "hardly any confidence, in all": (
        whole(
            "mlgate: 1\npolicy: own\nconfidence: 0.500000000001\nchecks:\n"
            "  - {check: performance/roc-auc, at_least: 0.99999}\n"
        ),
        (3,),
        ("are one number",),
    ),
    "almost certain": (
        only("{check: performance/roc-auc, at_least: 0.99, confidence: 0.9999999999999999}"),
        (1, 3),
        (),
    ),
    "groups of one are judged": (
        only("{check: fairness/demographic-parity-difference, at_most: 0.3, groups: [id], min_group: 1}"),
        (3,),
        ("400 groups by 'id'",),
    ),
    "few judged, none needed": (
        only(
            "{check: fairness/demographic-parity-difference, at_most: 0.3, groups: [tenure], min_judged: 0}"
        ),
        (3,),
        ("a comparison needs 2",),
    ),
    "computed evidence asked for": (
        top("origin: {performance: computed}"),
        (3,),
        ("the policy asks for computed",),
    ),
    "another threshold pinned": (
        top("release: {threshold: 0.6}"),
        (1,),
        ("governance/release-pins",),
    ),
    "another label pinned": (
        top("release: {columns: {label: defaulted}}"),
        (1,),
        ("governance/release-pins",),
    ),
    "more rows pinned": (top("release: {evaluation: {min_rows: 500}}"), (1,), ("governance/release-pins",)),
    "other bytes pinned": (
        top(f"release: {{evaluation: {{sha256: [{'a' * 64}]}}}}"),
        (1,),
        ("governance/release-pins",),
    ),
    "risk pinned, none stated": (
        top("release: {risk: {at_least: limited}}"),
        (1,),
        ("governance/release-pins",),
    ),
    "slices on the label": (
        roc("at_least: 0.8\n    slices: [y]"),
        (3,),
        ("performance/roc-auc[y=0]", "performance/roc-auc[y=1]"),
    ),
    "200 slices and one": (roc("at_least: 0.8\n    slices: [id]"), (3,), ("400 slices, more than 200",)),
    "limit just above the value": (
        only("{check: data/row-count, at_least: 400.000001}"),
        (1,),
        ("data/row-count",),
    ),
}


@pytest.mark.parametrize("name", IDLE)
def test_policy_that_shows_nothing(world: World, name: str) -> None:
    """A policy that is read and shows nothing good of the release approves nothing."""
    broken, codes, says = IDLE[name]
    broken(world)
    refused(world, world.run(), *codes, says=says)


def test_advisory_lets_a_policy_without_teeth_say_approved(world: World) -> None:
    """Under --advisory it says approved, and that it is not promotable."""
    whole(WARN)(world)
    done = world.run("--advisory")
    sound(world, done)
    assert (done.code, done.report and done.report["promotable"]) == (0, False)


def test_limits_at_the_edge_are_inside(world: World) -> None:
    """Equal is inside: a limit at the very value passes a fact, and a screen."""
    world.checks("{check: data/row-count, at_least: 400}", "{check: data/missing, at_most: 0}")
    assert world.run().code == 0
    world.checks("{check: performance/accuracy, at_least: 0.965, decision: point}")
    assert world.run().code == 0
