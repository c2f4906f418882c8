"""How a multiclass table is read: classes by their place, probabilities by view.

The engine groups by the values of label and prediction as they are, and their classes are looked up among
the few that come back. What `Counts.view` shows is made of these counts, but for the score: which
probability of a row counts is asked of the engine, one view at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlgate.cells import TOP, Counts
from mlgate.evidence import canonical, coding, queries
from mlgate.evidence.classes import MAX_CLASSES, Classes, Listed, is_view, strangers, too_many
from mlgate.evidence.coding import token
from mlgate.evidence.scan import numbers, probabilities
from mlgate.evidence.scan.reading import CHAMPION, Part, demand, demand_classes, missing, spoken

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.scan.frames import Frame
    from mlgate.evidence.tables import Table

_ROLES = ("label", "prediction", "score", "champion_prediction", "champion_score")

_CODES = 3
"""Values of label and prediction in a view: not of it, of it, missing."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """One of the models that a row says something of: that of the release, or the champion."""

    prefix: str
    """What its roles begin with."""
    prediction: str | None
    """Its column; None where it follows from the scores."""
    scores: Mapping[str, str]
    """From each class, as the release writes it, to the column of its probability."""
    spare: str
    """A name that no column of the table has, for the largest probability of a row."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its probabilities."""
        return tuple(self.scores.values())

    def each(self, clean: ir.Table) -> list[ir.FloatingColumn]:
        """Return its probabilities."""
        return [numbers.number(clean, name) for name in self.columns]

    def with_highest(self, clean: ir.Table) -> ir.Table:
        """Return the columns with the largest probability of each row."""
        return clean.mutate(**{self.spare: probabilities.highest(self.each(clean))})


def models_of(table: Table) -> dict[str, Model]:
    """Return the models that a table has something of, by what their roles begin with."""
    columns, champion = table.columns, table.columns.champion
    found = {"": (columns.prediction, columns.scores)}
    if champion is not None:
        found[CHAMPION] = (champion.prediction, champion.scores)
    return {
        prefix: Model(prefix=prefix, prediction=prediction, scores=scores, spare=_spare(table, prefix))
        for prefix, (prediction, scores) in found.items()
    }


def _spare(table: Table, prefix: str) -> str:
    name = f"{prefix}highest"
    while name in table.expr.columns or name in table.borrowed:
        name += "_"
    return name


def _prefix(role: str) -> str:
    return CHAMPION if role.startswith(CHAMPION) else ""


@dataclass(frozen=True, kw_only=True)
class Multiclass:
    """What the first look asks of a multiclass table."""

    table: Table
    models: Mapping[str, Model]
    listed: Mapping[str, str]
    """Label and predictions, as far as they have a column, once any role is asked for; the champion's once
    it is."""
    scored: tuple[str, ...]
    """The models whose probabilities are asked for, or the prediction that follows from them."""
    views: tuple[str, ...] = ()
    """Those that are asked for, but for `top`."""

    @property
    def columns(self) -> Collection[str]:
        """The columns of classes, and those of probabilities."""
        return [*self.listed.values(), *(name for one in self._scored for name in one.columns)]

    @property
    def _scored(self) -> list[Model]:
        return [self.models[prefix] for prefix in self.scored]

    def facts(self, source: ir.Table) -> dict[str, Any]:
        """Return how many values are missing, and what is wrong with the probabilities of each row."""
        found: dict[str, Any] = {}
        for role, name in self.listed.items():
            column = demand_classes(self.table, role, name, source[name])
            found |= {f"{role}_there": column.count(), f"{role}_distinct": column.nunique()}
        for model in self._scored:
            for position, name in enumerate(model.columns):
                if not numbers.holds_numbers(source[name]):
                    found[f"{model.prefix}score{position}_held"] = source[name].count()
            if model.columns:
                found |= probabilities.facts(model.each(source), source, f"{model.prefix}score")
        return found

    def reading(self, row: Mapping[str, Any], listed: Mapping[str, pa.ChunkedArray]) -> Reading:
        """Make the reading of what came back; see `Asked.reading`."""
        for model in self._scored:
            for position, name in enumerate(model.columns):
                if row.get(f"{model.prefix}score{position}_held"):
                    role = f"{model.prefix}score"
                    raise numbers.not_numbers(self.table, role, name, key=role)
        for role, name in self.listed.items():
            if row[f"{role}_distinct"] > MAX_CLASSES:
                raise too_many(spoken(role), queries.where(self.table, name), row[f"{role}_distinct"])
        columns = {
            role: Listed.of(spoken(role), queries.where(self.table, name), listed[role])
            for role, name in self.listed.items()
        }
        # Where the columns of some classes are absent, those of others do not say which there are.
        keys = () if "score" in self.table.absent else tuple(self.table.columns.scores)
        own = [column for role, column in columns.items() if not _prefix(role)]
        known = Classes.of(own, keys)
        self._held_against(known, columns)
        for view in self.views:
            known.viewed(view, self.table.favourable, self.table.location)
        return Reading(
            table=self.table,
            models=self.models,
            known=known,
            columns=columns,
            faults={
                role: tuple(missing(role, name, row[f"{role}_there"], row["rows"]))
                for role, name in self.listed.items()
            }
            | {
                f"{one.prefix}score": probabilities.faults(row, f"{one.prefix}score")
                for one in self._scored
                if one.columns
            },
            strange=None if keys else strangers(own),
        )

    def _held_against(self, known: Classes, columns: Mapping[str, Listed]) -> None:
        """Refuse a champion that knows other classes than the release does."""
        for role, column in columns.items():
            if _prefix(role):
                known.require(column)
        if CHAMPION in self.scored:
            known.require_scores(tuple(self.models[CHAMPION].scores), self.table.location)


def ask(table: Table, counts: Collection[Counts]) -> Multiclass:
    """Say what has to be found out for some counts. EvidenceError when the table lacks a role."""
    columns, models = table.columns, models_of(table)
    asked = {role for one in counts for role in roles_of(one)}
    needed = set(asked)
    for role in sorted(asked):
        prefix, key = _prefix(role), role.removesuffix("_squares")
        model = models.get(prefix)
        if role == f"{prefix}prediction" and model is not None and model.prediction is None:
            table.require(f"{prefix}score", "the prediction follows from it")
            needed.add(f"{prefix}score")
        demand(table, role, key=key, there=key in _ROLES and columns.has(key))
    classes = {"label": columns.label, "prediction": columns.prediction} if asked else {}
    if any(map(_prefix, asked)):
        classes["champion_prediction"] = models[CHAMPION].prediction
    return Multiclass(
        table=table,
        models=models,
        listed={role: name for role, name in classes.items() if name is not None},
        scored=tuple(prefix for prefix in models if needed & {f"{prefix}score", f"{prefix}score_squares"}),
        views=tuple(sorted({one.view for one in counts if one.view is not None} - {TOP})),
    )


def roles_of(statistic: Counts) -> frozenset[str]:
    """Return the roles that a statistic is made of.

    The score of a row's own class depends on its label, and whether a prediction is right on both.
    """
    roles, view = set(statistic.roles), statistic.view
    if view is not None and (not is_view(view) or any(role.endswith("_squares") for role in roles)):
        raise TypeError(f"no multiclass table answers {statistic!r}")
    if view is None and roles & {"score", f"{CHAMPION}score"}:
        roles.add("label")
    if view == TOP and roles & {"label", "score"}:
        roles.add("prediction")
    if view == TOP and any(map(_prefix, roles)):
        roles |= {"label", f"{CHAMPION}prediction"}
    return frozenset(roles)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a multiclass table is counted; see `reading.Reading`."""

    table: Table
    models: Mapping[str, Model]
    known: Classes
    columns: Mapping[str, Listed]
    """The values of label and predictions, where they have a column."""
    faults: Mapping[str, tuple[str, ...]]
    """Of label, predictions and scores."""
    strange: str | None
    """That label and prediction have no class in common."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Every class, sorted."""
        return self.known.names

    def roles(self, statistic: Counts) -> frozenset[str]:
        """Return the roles that a statistic is made of."""
        return roles_of(statistic)

    def part(self, role: str, view: str | None) -> Part:
        """Return how a role is read."""
        if role == "label":
            return self._class_part(role, self.table.columns.label)
        prefix = _prefix(role)
        model, prediction = self.models[prefix], f"{prefix}prediction"
        if role == prediction:
            column = model.prediction
            return self._argmax(model) if column is None else self._class_part(role, column)
        if role == f"{prefix}score_squares":
            return self._numbers(model, lambda clean: probabilities.squares(model.each(clean)))
        if view is None:
            return self._of_class(model, "label")
        if view != TOP:
            return self._sum(model, self._viewed(view))
        return self._of_class(model, prediction) if prediction in self.columns else self._highest(model)

    def picture(self, frame: Frame, view: str | None) -> Frame:
        """Return counted classes as a view shows them: 1 for those of it, 0 for others."""
        import numpy as np

        if view is None:
            return frame
        roles = dict(frame.roles)
        if view == TOP and f"{CHAMPION}prediction" in roles:
            roles[f"{CHAMPION}prediction"] = _equal(roles["label"], roles[f"{CHAMPION}prediction"])
        if view == TOP and "prediction" in roles:
            prediction = roles["prediction"]
            if "label" in roles:
                roles["label"] = _equal(roles["label"], prediction)
            # It always says of itself that it is right.
            roles["prediction"] = np.where(np.isnan(prediction), np.nan, 1.0)
        elif view != TOP:
            of_it = np.zeros(len(self.classes) + 1)
            of_it[list(self._viewed(view))] = 1.0
            of_it[-1] = np.nan
            for role in roles.keys() & {"label", "prediction", f"{CHAMPION}prediction"}:
                codes = np.where(np.isnan(roles[role]), len(self.classes), roles[role]).astype(np.intp)
                roles[role] = of_it[codes]
        return replace(frame, roles=roles, sizes=dict.fromkeys(frame.sizes, _CODES))

    def _viewed(self, view: str) -> frozenset[int]:
        return self.known.viewed(view, self.table.favourable, self.table.location)

    def _class_part(self, role: str, name: str | None) -> Part:
        """Return a column of classes as it is; the classes are looked up in what comes back."""
        if name is None:
            raise AssertionError(f"the first look made sure of the {role}")
        strange = () if self.strange is None or role != "prediction" else (self.strange,)
        return Part(
            columns=(name,),
            read=lambda clean: clean[name],
            size=len(self.classes) + 1,
            values=self._places,
            faults=(*self.faults[role], *strange),
        )

    def _places(self, column: pa.ChunkedArray) -> NDArray[np.float64]:
        """Return the place of the class of each value; NaN for one that the first look did not see."""
        import numpy as np

        coded = canonical.coded(column)
        places = [self.known.places.get(token(text), np.nan) for text in coded.texts]
        return np.array([*places, np.nan], dtype=np.float64)[coded.codes]

    def _numbers(self, model: Model, read: Callable[[ir.Table], ir.Column]) -> Part:
        return Part(columns=model.columns, read=read, faults=self.faults[f"{model.prefix}score"])

    def _sum(self, model: Model, places: Collection[int]) -> Part:
        """Add up the probabilities of some classes, which rounding may have made a little more than 1."""
        scores = model.scores.items()
        names = tuple(name for key, name in scores if self.known.places[token(key)] in places)

        def read(clean: ir.Table) -> ir.Column:
            return probabilities.any_of([numbers.number(clean, name) for name in names])

        return replace(self._numbers(model, read), columns=names)

    def _of_class(self, model: Model, role: str) -> Part:
        """Return the probability that a model gave to the class of a column."""
        listed, column_of = self.columns[role], {token(key): column for key, column in model.scores.items()}
        name = self.table.columns.label if role == "label" else model.prediction

        def read(clean: ir.Table) -> ir.Column:
            import ibis

            pairs = zip(listed.values, listed.texts, strict=True)
            branches = [
                (coding.matches(clean[name], value), numbers.number(clean, column_of[token(text)]))
                for value, text in pairs
            ]
            nothing = ibis.literal(None, "float64")
            return ibis.cases(*branches, else_=nothing) if branches else nothing

        part = self._numbers(model, read)
        return replace(part, columns=(*part.columns, str(name)))

    def _highest(self, model: Model) -> Part:
        """Return the largest probability of a row."""
        return replace(self._numbers(model, lambda clean: clean[model.spare]), first=model.with_highest)

    def _argmax(self, model: Model) -> Part:
        """Return the class of the largest probability, the first of equals in the order of the release."""
        places = [self.known.places[token(key)] for key in model.scores]

        def read(clean: ir.Table) -> ir.Column:
            return probabilities.first_equal(model.each(clean), clean[model.spare], places)

        part = self._numbers(model, read)
        return replace(part, size=len(self.classes) + 1, first=model.with_highest)


def _equal(label: NDArray[np.float64], prediction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 where two classes are the same, 0 where not, NaN where either is missing."""
    import numpy as np

    gap = np.isnan(label) | np.isnan(prediction)
    return np.where(gap, np.nan, label == prediction)
