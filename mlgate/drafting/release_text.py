"""release.yaml, drafted: every guess on a line of its own, with how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlgate.drafting.yaml_text import (
    as_read,
    broken,
    comment,
    listed,
    number,
    plain,
    require_same,
    text,
    value,
)
from mlgate.guessing import Draft, Guess, ModelDraft, TableDraft

FILE = "release.yaml"

VERSION = "0.1.0"

MOST_NAMES = 500_000
"""Characters of names of features; of a table with more, they are left to the default."""

_HEAD = """\
# What is to be shipped, drafted by `mlgate init`. Paths are relative to this file.
# Every line is a guess that you may change; "guess" and "likely" are those to look at first.
"""


def release_text(draft: Draft, name: str, suites: Mapping[str, str] | None = None) -> str:
    """Return the text of release.yaml; `suites` are files of expectations by name.

    Raises ContentError when it would not read back as it was meant.
    """
    lines = "\n".join([*_lines(draft, name), *_suites(suites or {})])
    written = f"{_HEAD}{lines}\n"
    meant = release_data(draft, name) | ({"expectations": dict(suites)} if suites else {})
    require_same(written, meant, FILE)
    return written


def _suites(suites: Mapping[str, str]) -> Iterator[str]:
    if suites:
        yield "expectations:  # of Great Expectations, drafted from the training table"
    for name, path in suites.items():
        yield f"  {text(name)}: {text(path)}"


def release_data(draft: Draft, name: str) -> dict[str, Any]:  # noqa: C901
    """Return what the text says, as plain data."""
    data = {"train": _source(draft.train)} if draft.train is not None else {}
    data["evaluation"] = _source(draft.evaluation)
    label = draft.labelled
    columns: dict[str, Any] = {"label": label.label}
    for key, shown in _values(draft).items():
        columns[key] = plain(shown)
    out = label.outputs
    if out.scores:
        columns["score"] = dict(out.scores)
    elif out.score is not None:
        columns["score"] = out.score
    if out.prediction is not None:
        columns["prediction"] = out.prediction
    if out.interval is not None:
        columns["interval"] = list(out.interval)
    if out.quantiles:
        columns["quantiles"] = dict(out.quantiles)
    for key in ("key", "time", "weight", "cluster"):
        if (column := getattr(draft.roles, key)) is not None:
            columns[key] = column
    if draft.judged:
        columns["protected"] = list(draft.judged)
    if _few(draft) and draft.roles.features:
        columns["features"] = list(draft.roles.features)
    if _few(draft) and draft.roles.categorical:
        columns["categorical"] = list(draft.roles.categorical)
    found: dict[str, Any] = {"mlgate": 1, "name": name, "version": VERSION, "task": label.task}
    found |= {**_model_data(draft.model), "data": data, "columns": columns}
    if label.task == "binary" and label.threshold is not None:
        found["threshold"] = as_read(label.threshold)
    return found


def _values(draft: Draft) -> Mapping[str, str]:
    """Return the values that mean something, as texts, by their keys."""
    label = draft.labelled
    said = {
        "positive": label.positive,
        "favourable": label.favourable,
        "prediction_positive": label.prediction_positive,
    }
    return {key: shown for key, shown in said.items() if shown is not None}


def _few(draft: Draft) -> bool:
    return sum(map(len, draft.roles.features)) <= MOST_NAMES


def _source(table: TableDraft) -> dict[str, Any]:
    found: dict[str, Any] = {"path": table.path}
    for key in ("delimiter", "encoding"):
        if (given := getattr(table.dialect, key)) is not None:
            found[key] = given
    if table.types:
        found["types"] = dict(table.types)
    if table.lacks:
        found["columns"] = dict.fromkeys(table.lacks)
    return found


def _lines(draft: Draft, name: str) -> Iterator[str]:
    label = draft.labelled
    yield "mlgate: 1"
    yield f"name: {text(name)}"
    yield f'version: "{VERSION}"  # of this release, in quotes'
    yield f"task: {label.task}{_why(draft, 'task')}"
    yield "# What it is for, how much harm it can do, and who answers for it: `baseline` warns without them."
    yield "# intended_use: Rank applications for manual review"
    yield "# risk: limited  # minimal | limited | high"
    yield "# owners: [risk-ml@example.org]"
    yield from _model(draft)
    yield "data:"
    if draft.train is not None:
        yield f"  train: {_flow(_source(draft.train))}"
    why = _reason(draft, "evaluation")
    yield f"  evaluation: {_flow(_source(draft.evaluation))}  # the table that is judged{why}"
    for path in draft.others[:5]:
        yield f"  # not used: {comment(path)}"
    yield "columns:"
    yield from _columns(draft)
    if label.task == "binary" and label.threshold is not None:
        yield f"threshold: {number(label.threshold)}{_why(draft, 'threshold')}"


def _model(draft: Draft) -> Iterator[str]:
    """Yield the model, or as a comment why it is left out."""
    model = draft.model
    if model is None:
        return
    if model.reason is not None:
        trust = "" if model.trust == "none" else f", trust: {model.trust}"
        yield f"# The model is not asked: {comment(model.reason)}."
        if trust:
            yield f"# Loading it may execute what is in it ({model.trust}): the policy has to trust that."
        yield f"# model: {{path: {comment(text(model.path))}{trust}}}"
        return
    yield "model:  # the gate scores the tables with it, in a process of its own"
    yield f"  path: {text(model.path)}"
    if model.trusted_types:
        yield f"  trusted_types: {listed(model.trusted_types, 2)}  # scikit-learn's own; skops asks for them"


def _model_data(model: ModelDraft | None) -> dict[str, Any]:
    if model is None or model.reason is not None:
        return {}
    types = {"trusted_types": list(model.trusted_types)} if model.trusted_types else {}
    return {"model": {"path": model.path, **types}}


def _columns(draft: Draft) -> Iterator[str]:  # noqa: C901, PLR0912
    label, roles = draft.labelled, draft.roles
    out = label.outputs
    yield f"  label: {text(label.label)}{_why(draft, 'label')}"
    values = _values(draft)
    for key in ("positive", "favourable"):
        if key in values:
            yield f"  {key}: {value(values[key])}{_why(draft, key)}"
        elif key == "favourable" and label.task == "binary":
            yield "  # favourable: the outcome that people want, where it is not the positive one"
        elif key == "favourable" and label.task == "multiclass":
            yield "  # favourable: [CLASS]  # the classes that people want; fairness of decisions needs them"
    if out.scores:
        pairs = ", ".join(f"{text(name)}: {text(column)}" for name, column in out.scores.items())
        yield f"  score: {{{pairs}}}{_why(draft, 'scores')}"
    elif out.score is not None:
        yield f"  score: {text(out.score)}{_why(draft, 'score')}"
    if out.prediction is not None:
        yield f"  prediction: {text(out.prediction)}{_why(draft, 'prediction')}"
    if "prediction_positive" in values:
        coded = value(values["prediction_positive"])
        yield f"  prediction_positive: {coded}{_why(draft, 'prediction_positive')}"
    for one in draft.models[:5]:
        yield f"  # another model in this table: {comment(', '.join(one.columns[:4]))}"
    if out.interval is not None:
        yield f"  interval: {listed(out.interval, 2)}"
    if out.quantiles:
        pairs = ", ".join(f'"{level}": {text(column)}' for level, column in out.quantiles.items())
        yield f"  quantiles: {{{pairs}}}"
    for key in ("key", "time", "weight", "cluster"):
        if (column := getattr(roles, key)) is not None:
            yield f"  {key}: {text(column)}{_why(draft, key)}"
    for role, column in roles.maybe.items():
        yield f"  # {role}: {comment(text(column))}  # not used, being a guess: how much a row counts?"
    yield from _people(draft)
    if not _few(draft):
        yield "  # features: every column with no other role; there are too many to list"
        return
    if roles.features:
        yield f"  features: {listed(roles.features, 2)}{_why(draft, 'features')}"
    for name, why in list(roles.left_out.items())[:20]:
        yield f"  # no feature: {comment(name)}, {comment(why)}"
    if roles.categorical:
        yield f"  categorical: {listed(roles.categorical, 2)}{_why(draft, 'categorical')}"


def _people(draft: Draft) -> Iterator[str]:
    if draft.judged:
        yield f"  protected: {listed(draft.judged, 2)}  # what must not matter; law and use decide it"
    for one in draft.protected:
        if one.name in draft.ages:
            edges = broken([number(edge) for edge in draft.ages[one.name]], 4)
            named = comment(text(one.name))
            yield f"  # {named} is judged in bins: policy.yaml may say groups: [{{{named}: {edges}}}]"
        elif not one.usable:
            yield f"  # protected? {comment(one.name)}: {comment(one.why)}"


def _flow(source: Mapping[str, Any]) -> str:
    parts = []
    for key, given in source.items():
        if isinstance(given, dict):
            inner = ", ".join(
                f"{text(name)}: {'null' if one is None else text(one)}" for name, one in given.items()
            )
            parts.append(f"{key}: {{{inner}}}")
        else:
            parts.append(f"{key}: {text(given)}")
    return f"{{{', '.join(parts)}}}"


def _why(draft: Draft, what: str) -> str:
    found = _guess(draft, what)
    return "" if found is None else f"  # {found.sure}: {comment(found.why)}"


def _reason(draft: Draft, what: str) -> str:
    found = _guess(draft, what)
    return "" if found is None else f": {comment(found.why)}"


def _guess(draft: Draft, what: str) -> Guess | None:
    return next((one for one in draft.guesses if one.what == what), None)
