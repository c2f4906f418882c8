"""Which columns a model wrote: scores, predictions, intervals and quantiles, one set for each model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mlgate.evidence.tables import Table
from mlgate.guessing import relations
from mlgate.guessing.columns import Facts
from mlgate.guessing.words import joined, words

SCORE = frozenset(
    [
        "score",
        "scores",
        "prob",
        "probs",
        "proba",
        "probas",
        "probability",
        "probabilities",
        "phat",
        "likelihood",
        "confidence",
        "risk",
        "p",
        "ps",
        "pd",
        "propensity",
        "wahrscheinlichkeit",
        "probabilite",
        "probabilidad",
    ]
)
"""Words of the names of scores; what is so called is one only when its values are shares."""

PREDICTION = frozenset(
    [
        "pred",
        "preds",
        "prediction",
        "predictions",
        "predicted",
        "predict",
        "predictedlabel",
        "predictedclass",
        "yhat",
        "ypred",
        "yprediction",
        "forecast",
        "forecasted",
        "fitted",
        "decision",
        "vorhersage",
        "prognose",
        "prediccion",
        "predicao",
        "prevision",
    ]
)

LOW = frozenset(["lower", "low", "lo", "lb", "min", "cilower", "pilower"])
HIGH = frozenset(["upper", "high", "hi", "ub", "max", "ciupper", "piupper"])

_QUANTILE = re.compile(r"^(?:p|q|quantile)0?(\d{1,2}|0?\.\d+)$")

_CLASSES = 3
"""Scores that add up to one make a mapping from so many on; two are a binary model's both sides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outputs:
    """What one model wrote into a table."""

    model: str
    """The words that its columns share, in the spelling of the table; empty when there is one model."""
    score: str | None = None
    scores: Mapping[str, str] = field(default_factory=dict)
    """From class to column, for more than two classes."""
    prediction: str | None = None
    interval: tuple[str, str] | None = None
    quantiles: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of it."""
        single = [one for one in (self.score, self.prediction) if one is not None]
        return (*single, *self.scores.values(), *(self.interval or ()), *self.quantiles.values())


def outputs_of(table: Table, facts: Mapping[str, Facts]) -> list[Outputs]:
    """Return what models wrote, by the names of the columns and by what they hold, in the table's order."""
    found: dict[str, Outputs] = {}
    shares = [one for one in facts.values() if _is_score(one)]
    mapped = _mappings(table, facts, [one.name for one in shares])
    for model, classes in mapped.items():
        found[model] = Outputs(model=model, scores=classes)
    taken = {name for classes in mapped.values() for name in classes.values()}
    for column in shares:
        if column.name not in taken:
            model = _model(column.name, SCORE | PREDICTION)
            before = found.get(model, Outputs(model=model))
            # Of two scores of one model that add up to one, the first is kept; the label says which counts.
            found[model] = before if before.score else replace(before, score=column.name)
            taken.add(column.name)
    _add_predictions(facts, found, taken)
    _add_ends(table, facts, found, taken)
    return sorted(found.values(), key=lambda one: min(facts[name].place for name in one.columns))


def _is_score(column: Facts) -> bool:
    """Whether it is called a score, or a prediction, and holds shares."""
    parts = words(column.name)
    named = bool(set(parts) & (SCORE | PREDICTION)) or joined(column.name) in PREDICTION
    return column.share and named


def _mappings(table: Table, facts: Mapping[str, Facts], scores: list[str]) -> dict[str, dict[str, str]]:
    """Return the sets of scores that are one model's, one a class: same beginning, sum of one."""
    found: dict[str, dict[str, str]] = {}
    for stem, endings in _families(scores).items():
        if len(endings) >= _CLASSES and relations.sums_to_one(table, list(endings.values())):
            classes = {_class(ending, facts): name for ending, name in endings.items()}
            found[_model(stem, SCORE | PREDICTION)] = classes
    return found


def _families(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Sort names by all that stands before their last, or last few, words; the longest beginnings first."""
    by_stem: dict[str, dict[str, str]] = {}
    for name in names:
        borders = [match.end() for match in re.finditer(r"[_\-. ]+", name)]
        for border in borders:
            by_stem.setdefault(name[:border], {})[name[border:]] = name
    chosen: dict[str, dict[str, str]] = {}
    taken: set[str] = set()
    for stem in sorted(by_stem, key=len, reverse=True):
        free = {ending: name for ending, name in by_stem[stem].items() if name not in taken}
        if len(free) >= _CLASSES:
            chosen[stem] = free
            taken |= set(free.values())
    return chosen


def _class(ending: str, facts: Mapping[str, Facts]) -> str:
    """Return the class that the ending of a name means, as some column of the table spells it."""
    for column in facts.values():
        for text in column.texts:
            if joined(text) == joined(ending) and joined(ending):
                return text
    return ending


def _model(name: str, taken: Iterable[str]) -> str:
    """Return what a name says of the model: all but the words that say what the column is."""
    left = [part for part in re.split(r"[_\-. ]+", name) if part and not set(words(part)) & set(taken)]
    return "_".join(one for one in left if one.lower() not in ("y", "hat", "label", "class", "1", "positive"))


def _add_predictions(facts: Mapping[str, Facts], found: dict[str, Outputs], taken: set[str]) -> None:
    for column in facts.values():
        parts = set(words(column.name))
        named = bool(parts & PREDICTION) or joined(column.name) in PREDICTION
        if column.name in taken or not named or parts & (LOW | HIGH) or column.distinct == 0:
            continue
        model = _model(column.name, SCORE | PREDICTION)
        before = found.get(model, Outputs(model=model))
        if before.prediction is None and not any(_QUANTILE.match(part) for part in words(column.name)):
            found[model] = replace(before, prediction=column.name)
            taken.add(column.name)


def _add_ends(table: Table, facts: Mapping[str, Facts], found: dict[str, Outputs], taken: set[str]) -> None:
    """Add intervals and quantiles to the model whose name they bear, where there is one."""
    lows = {
        _model(one, LOW | PREDICTION | {"ci", "pi", "bound"}): one for one in facts if set(words(one)) & LOW
    }
    highs = {
        _model(one, HIGH | PREDICTION | {"ci", "pi", "bound"}): one for one in facts if set(words(one)) & HIGH
    }
    for model in sorted(lows.keys() & highs.keys() & found.keys()):
        low, high = lows[model], highs[model]
        numbers = facts[low].numeric and facts[high].numeric
        regression = found[model].score is None and not found[model].scores
        if numbers and regression and relations.ordered(table, low, high):
            found[model] = replace(found[model], interval=(low, high))
            taken.update((low, high))
    for name, column in facts.items():
        matches = [match for part in words(name) if (match := _QUANTILE.match(part))]
        if len(matches) != 1 or name in taken or not column.numeric:
            continue
        model = _model(name, PREDICTION | {matches[0].string})
        if model in found and found[model].prediction and found[model].score is None:
            level = matches[0].group(1)
            shown = level if "." in level else f"{int(level) / 100:g}"
            if 0 < float(shown) < 1:
                found[model] = replace(found[model], quantiles={**found[model].quantiles, shown: name})
                taken.add(name)
