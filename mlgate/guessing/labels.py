"""What was to be predicted, what kind of task that is, and which values mean what.

The label is the column that the model's outputs go with: a score ranks it, a prediction agrees with it. Names
only break ties, because they are what people get wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlgate.cells import Task
from mlgate.errors import EvidenceError
from mlgate.evidence.coding import token
from mlgate.evidence.tables import Table
from mlgate.guessing import relations
from mlgate.guessing.columns import Facts
from mlgate.guessing.guesses import Guess, Sure
from mlgate.guessing.label_words import NO, STRONG, UNWANTED, WANTED, WEAK, YES
from mlgate.guessing.outputs import Outputs
from mlgate.guessing.words import has, words
from mlgate.strict_yaml import show

_TWO = 2
_MOST_CLASSES = 50
_LEAST_AREA = 0.55
"""An area under the curve below this is no sign of a label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """The label of a table, and what follows from it."""

    task: Task
    label: str
    outputs: Outputs
    """Those that are judged, with what the label tells of them: which score is the positive one."""
    guesses: tuple[Guess, ...]
    positive: str | None = None
    """As text; None for other tasks than binary."""
    favourable: str | None = None
    """As text; None when nothing says it plainly."""
    prediction_positive: str | None = None
    """As text; None when the prediction is written as the label is."""
    threshold: float | None = None
    """None when nothing shows it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What is known when the label is sought."""

    table: Table
    train: Table | None
    facts: Mapping[str, Facts]
    candidates: Sequence[Facts]
    """The columns that may be the label; the one alone that was given."""
    chosen: Outputs
    kind: Task
    task: Guess
    """Why it is of this kind."""
    given: bool
    """Whether the label was given."""

    def named(self, column: Facts) -> float:
        """Return what the name and the place of a column say for its being the label."""
        points = 2.0 if has(column.name, STRONG) else 1.0 if has(column.name, WEAK) else 0.0
        # Labels mostly stand last, before what models add, or first.
        return points + (0.5 if column.place == 0 else 0.5 * column.place / max(len(self.facts), 1))

    def guess(self, label: Facts, sure: Sure, why: str) -> Guess:
        """Return that this is the label, and how it was found unless it was given."""
        if self.given:
            return Guess(what="label", value=label.name, sure="given", why="given with --label")
        return Guess(what="label", value=label.name, sure=sure, why=why)

    def none(self, what: str) -> EvidenceError:
        """Return the error of a table in which no column is the label."""
        where = self.table.location
        return EvidenceError(where, f"no column looks like the label: {what}", "name it: --label COLUMN")


def labelled(
    table: Table,
    train: Table | None,
    facts: Mapping[str, Facts],
    found: Sequence[Outputs],
    *,
    chosen: Outputs,
    label: str | None = None,
    task: Task | None = None,
) -> Labelled:
    """Say which column the outputs go with, and what task that makes.

    `label` and `task` are what the person who asks knows. Raises EvidenceError when no column is the label.
    """
    taken = {name for one in found for name in one.columns}
    candidates = [one for one in facts.values() if one.name not in taken and one.distinct > 1]
    if label is not None:
        candidates = [facts[label]]
    kind, reason = _task(facts, chosen, candidates if label else [], task)
    asked = _Asked(
        table=table,
        train=train,
        facts=facts,
        candidates=candidates,
        chosen=chosen,
        kind=kind,
        task=reason,
        given=label is not None,
    )
    match kind:
        case "binary":
            return _binary(asked)
        case "multiclass":
            return _multiclass(asked)
        case _:
            return _numbers(asked)


def _task(
    facts: Mapping[str, Facts], chosen: Outputs, label: Sequence[Facts], task: Task | None
) -> tuple[Task, Guess]:
    if task is not None:
        return task, Guess(what="task", value=task, sure="given", why="given with --task")
    kind, sure, why = _kind(facts, chosen, label)
    return kind, Guess(what="task", value=kind, sure=sure, why=why)


def _kind(facts: Mapping[str, Facts], chosen: Outputs, label: Sequence[Facts]) -> tuple[Task, Sure, str]:  # noqa: PLR0911
    if chosen.scores:
        return "multiclass", "sure", f"{len(chosen.scores)} scores add up to one in every row"
    if label and label[0].distinct == _TWO:
        return "binary", "sure", "the label has two values"
    if chosen.score is not None:
        return "binary", "sure", f"{show(chosen.score)} holds one score between 0 and 1 for each row"
    if chosen.prediction is None:
        raise AssertionError("a model wrote something")
    said = facts[chosen.prediction]
    if said.numeric and (not said.whole or said.distinct > _MOST_CLASSES):
        return "regression", "sure", f"{show(said.name)} holds numbers that are no classes"
    if said.distinct <= _TWO:
        return "binary", "sure", f"{show(said.name)} has two values"
    if said.numeric:
        return "multiclass", "guess", f"{show(said.name)} holds few whole numbers; it may be a regression"
    return "multiclass", "sure", f"{show(said.name)} has {said.distinct} classes"


def _binary(asked: _Asked) -> Labelled:
    chosen, facts = asked.chosen, asked.facts
    two = [one for one in asked.candidates if len(one.values) == _TWO]
    if not two:
        if asked.given and asked.candidates:
            raise EvidenceError(
                f"{asked.table.location}: column {show(asked.candidates[0].name)}",
                f"has {asked.candidates[0].distinct} values, and a binary label has two",
                "name another --label, or say --task",
            )
        raise asked.none("none has two values")
    areas: dict[str, tuple[str, float]] = {}
    if chosen.score is not None:
        areas = relations.areas(asked.table, chosen.score, two)
    elif chosen.prediction is not None:
        areas = {one.name: _agreement(asked.table, one, facts[chosen.prediction]) for one in two}
    best = max(two, key=lambda one: 20.0 * (areas.get(one.name, ("", 0.5))[1] - 0.5) + asked.named(one))
    value, area = areas.get(best.name, ("", 0.5))
    if not asked.given and area < _LEAST_AREA and not has(best.name, STRONG):
        raise asked.none(f"{show(chosen.columns[0])} ranks none of those with two values")
    why = f"{show(chosen.prediction)} agrees with it"
    if chosen.score:
        why = f"{show(chosen.score)} ranks it, area under the curve {area:.2f}"
    sure: Sure = "sure" if has(best.name, STRONG | WEAK) and area > 0.6 else "likely"  # noqa: PLR2004
    positive, reason = _positive(best, value, area, scored=chosen.score is not None)
    favourable, liked = _favourable(best, positive)
    coded, threshold, decided = _decisions(asked, best, positive)
    return Labelled(
        task=asked.kind,
        label=best.name,
        outputs=chosen,
        guesses=(asked.task, asked.guess(best, sure, why), reason, liked, *decided),
        positive=positive,
        favourable=favourable,
        prediction_positive=coded,
        threshold=threshold,
    )


def _agreement(table: Table, label: Facts, said: Facts) -> tuple[str, float]:
    """Return which value goes with the larger prediction, and how often both agree, halves counting none."""
    counts = relations.pairs(table, label.name, said.name)
    total = sum(counts.values())
    if not total or len(said.values) != _TWO:
        return "", 0.5
    yes = max(said.texts, key=_positiveness)
    shares = {}
    for value in label.texts:
        right = sum(
            n for (a, b), n in counts.items() if (token(a) == token(value)) == (token(b) == token(yes))
        )
        shares[value] = right / total
    best = max(shares, key=lambda one: shares[one])
    return best, shares[best]


def _positiveness(text: str) -> tuple[int, str]:
    low = text.strip().lower()
    return (1 if low in YES else -1 if low in NO else 0), low


def _positive(label: Facts, value: str, area: float, *, scored: bool) -> tuple[str, Guess]:
    """Say which value is the positive one: the one that scores are higher for, unless names say otherwise."""
    truths = {token(text) for text in label.texts} <= {"0", "1"}
    ranked = bool(value) and area >= _LEAST_AREA
    if truths:
        one = next((text for text in label.texts if token(text) == "1"), label.texts[0])
        if ranked and token(value) == "0":
            why = (
                f"the label is 0 and 1, but scores are higher where it is 0 (area {area:.2f} for 0): "
                "they may be of the other class"
            )
            return value, Guess(what="positive", value=value, sure="guess", why=why)
        return one, Guess(what="positive", value=one, sure="sure", why="the label is 0 and 1")
    if ranked:
        noun = "scores are higher" if scored else "the prediction is positive"
        return value, Guess(what="positive", value=value, sure="likely" if area < 0.6 else "sure",  # noqa: PLR2004
                            why=f"{noun} where the label is {show(value)}")  # fmt: skip
    named = max(label.texts, key=_positiveness)
    return named, Guess(what="positive", value=named, sure="guess", why="by its name alone; look at it")


def _favourable(label: Facts, positive: str) -> tuple[str | None, Guess]:
    """Say which outcome people want, when the words of label or value are plain about it."""
    other = next((text for text in label.texts if text != positive), None)
    said = set(words(positive))
    if said & WANTED or (
        other is not None and set(words(other)) & UNWANTED | set(words(other or "")) & {"bad"}
    ):
        return positive, Guess(what="favourable", value=positive, sure="likely", why="its name is plain")
    if said & (UNWANTED | {"bad"}) and other is not None:
        return other, Guess(
            what="favourable", value=other, sure="likely", why=f"{show(positive)} is bad news"
        )
    plain = token(positive) == "1"  # `defaulted` is 1: the name is that of the positive value
    name = set(words(label.name)) - {"risk"}
    if plain and name & UNWANTED and other is not None:
        return other, Guess(
            what="favourable", value=other, sure="likely", why=f"{show(label.name)} is what nobody wants"
        )
    if plain and name & WANTED and not (name & {"good"} and name & {"bad"}):
        return positive, Guess(
            what="favourable", value=positive, sure="likely", why=f"{show(label.name)} is what people want"
        )
    why = "nothing says which outcome people want; without the key it is the positive one"
    return None, Guess(what="favourable", value=None, sure="guess", why=why)


def _decisions(asked: _Asked, label: Facts, positive: str) -> tuple[str | None, float | None, list[Guess]]:
    """Return how the prediction is coded, and the threshold that it shows."""
    chosen, table = asked.chosen, asked.table
    said = asked.facts[chosen.prediction] if chosen.prediction is not None else None
    if said is None or len(said.values) > _TWO:
        return None, None, []
    guesses = []
    ends = relations.ends_by(table, chosen.score, said.name) if chosen.score is not None else {}
    coded, threshold = _decided(ends)
    if coded is None:
        coded = next((text for text in said.texts if token(text) == token(positive)), None)
        coded = coded or max(said.texts, key=_positiveness)
    if threshold is not None:
        why = f"{show(said.name)} is {show(coded)} exactly where {show(chosen.score)} is at least that"
        guesses.append(Guess(what="threshold", value=threshold, sure="sure", why=why))
    alike = {token(text) for text in said.texts} <= {token(text) for text in label.texts}
    if alike and token(coded) == token(positive):
        return None, threshold, guesses
    why = f"{show(said.name)} is not written as {show(label.name)} is"
    guesses.append(Guess(what="prediction_positive", value=coded, sure="sure", why=why))
    return coded, threshold, guesses


def _decided(ends: Mapping[str, tuple[float, float]]) -> tuple[str | None, float | None]:
    """Return the value of the prediction above a threshold, and the roundest such threshold; None without."""
    if len(ends) != _TWO:
        return None, None
    (below, (_, last)), (above, (first, _)) = sorted(ends.items(), key=lambda item: item[1])
    if last >= first or below == above:
        return None, None
    for digits in range(1, 8):
        step = 10.0**-digits
        places = [round(step * number, digits) for number in _numbers_in(last, first, step)]
        if places:
            return above, min(places, key=lambda one: abs(one - 0.5))
    return above, first


def _numbers_in(last: float, first: float, step: float) -> range:
    """Return the multiples of a step in (last, first], no more than a few."""
    low, high = int(last / step) - 1, int(first / step) + 1
    inside = [number for number in (*range(low, low + 4), *range(high - 3, high + 1), round(0.5 / step))
              if last < number * step <= first * (1 + 1e-12)]  # fmt: skip
    return range(min(inside), max(inside) + 1) if inside and max(inside) - min(inside) < 1000 else range(0)  # noqa: PLR2004


def _multiclass(asked: _Asked) -> Labelled:
    chosen = asked.chosen
    classes = set(chosen.scores) or set(asked.facts[chosen.prediction or ""].texts)
    tokens = {token(one) for one in classes}

    def overlap(one: Facts) -> float:
        values = {token(text) for text in one.texts}
        return len(values & tokens) / len(values | tokens) if values else 0.0

    best = max(asked.candidates, key=lambda one: (overlap(one), asked.named(one)), default=None)
    if best is None or (not asked.given and overlap(best) < 0.5):  # noqa: PLR2004
        raise asked.none(f"none has the classes {', '.join(map(show, sorted(classes)[:5]))}")
    sure: Sure = "sure" if overlap(best) == 1 else "likely"
    spelt = {token(text): text for text in best.texts}
    scores = {spelt.get(token(name), name): column for name, column in chosen.scores.items()}
    return Labelled(
        task="multiclass",
        label=best.name,
        outputs=Outputs(model=chosen.model, scores=scores, prediction=chosen.prediction, score=None),
        guesses=(asked.task, asked.guess(best, sure, "its values are the classes that are predicted")),
    )


def _numbers(asked: _Asked) -> Labelled:
    chosen, train = asked.chosen, asked.train
    numbers = [one for one in asked.candidates if one.numeric and one.distinct > _TWO]
    if not numbers:
        raise asked.none("none holds numbers")
    prediction = chosen.prediction or chosen.score or ""
    # The training table tells best: there the model has seen the label, and nothing has drifted.
    where = train if train is not None and prediction in train.columns.names else asked.table
    known = [
        one
        for one in numbers
        if one.name in where.columns.names and where.columns.types[one.name] != "string"
    ]
    unexplained = relations.fit(where, prediction, known)
    best = min(numbers, key=lambda one: unexplained.get(one.name, 1e9) - 0.1 * asked.named(one))
    left = unexplained.get(best.name, 1e9)
    if not asked.given and left >= 1.0 and not has(best.name, STRONG):
        raise asked.none(f"{show(prediction)} is near none of the numbers")
    sure: Sure = "sure" if left < 0.5 and has(best.name, STRONG | WEAK) else "likely"  # noqa: PLR2004
    why = f"{show(prediction)} explains {1 - left:.0%} of its variance"
    return Labelled(
        task=asked.kind,
        label=best.name,
        outputs=chosen,
        guesses=(asked.task, asked.guess(best, sure, why)),
    )
