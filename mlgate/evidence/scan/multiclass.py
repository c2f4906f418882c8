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
from mlgate.evidence.scan.reading import Part, demand, demand_classes, missing

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.evidence.scan.frames import Frame
    from mlgate.evidence.tables import Table

_ROLES = ("label", "prediction", "score")

_CODES = 3
"""Values of label and prediction in a view: not of it, of it, missing."""


@dataclass(frozen=True, kw_only=True)
class Multiclass:
    """What the first look asks of a multiclass table."""

    table: Table
    listed: Mapping[str, str]
    """`label` and `prediction`, as far as they have a column, once any role is asked for."""
    scored: bool
    """Whether probabilities are asked for, or the prediction that follows from them."""
    views: tuple[str, ...] = ()
    """Those that are asked for, but for `top`."""

    @property
    def columns(self) -> Collection[str]:
        """The columns of classes, and those of probabilities."""
        return [*self.listed.values(), *self._scores.values()]

    @property
    def _scores(self) -> Mapping[str, str]:
        return self.table.columns.scores if self.scored else {}

    def facts(self, source: ir.Table) -> dict[str, Any]:
        """Return how many values are missing, and what is wrong with the probabilities of each row."""
        found: dict[str, Any] = {}
        for role, name in self.listed.items():
            column = demand_classes(self.table, role, name, source[name])
            found |= {f"{role}_there": column.count(), f"{role}_distinct": column.nunique()}
        names = list(self._scores.values())
        for position, name in enumerate(names):
            if not numbers.holds_numbers(source[name]):
                found[f"score{position}_held"] = source[name].count()
        if names:
            found |= probabilities.facts([numbers.number(source, name) for name in names], source)
        return found

    def reading(self, row: Mapping[str, Any], listed: Mapping[str, pa.ChunkedArray]) -> Reading:
        """Make the reading of what came back; see `Asked.reading`."""
        for position, name in enumerate(self._scores.values()):
            if row.get(f"score{position}_held"):
                raise numbers.not_numbers(self.table, "score", name, key="score")
        for role, name in self.listed.items():
            if row[f"{role}_distinct"] > MAX_CLASSES:
                raise too_many(role, queries.where(self.table, name), row[f"{role}_distinct"])
        columns = {
            role: Listed.of(role, queries.where(self.table, name), listed[role])
            for role, name in self.listed.items()
        }
        # Where the columns of some classes are absent, those of others do not say which there are.
        keys = () if "score" in self.table.absent else tuple(self.table.columns.scores)
        known = Classes.of(list(columns.values()), keys)
        for view in self.views:
            known.viewed(view, self.table.favourable, self.table.location)
        return Reading(
            table=self.table,
            known=known,
            columns=columns,
            faults={
                role: tuple(missing(role, name, row[f"{role}_there"], row["rows"]))
                for role, name in self.listed.items()
            }
            | {"score": probabilities.faults(row) if self.scored else ()},
            strange=None if keys else strangers(list(columns.values())),
        )


def ask(table: Table, counts: Collection[Counts]) -> Multiclass:
    """Say what has to be found out for some counts. EvidenceError when the table lacks a role."""
    columns = table.columns
    asked = {role for one in counts for role in roles_of(one)}
    for role in sorted(asked):
        if role == "prediction" and columns.prediction is None:
            table.require("score", "the prediction follows from it")
        key = "score" if role == "score_squares" else role
        demand(table, role, key=key, there=key in _ROLES and columns.has(key))
    classes = {"label": columns.label, "prediction": columns.prediction} if asked else {}
    derived = "prediction" in asked and columns.prediction is None
    return Multiclass(
        table=table,
        listed={role: name for role, name in classes.items() if name is not None},
        scored=derived or not asked.isdisjoint({"score", "score_squares"}),
        views=tuple(sorted({one.view for one in counts if one.view is not None} - {TOP})),
    )


def roles_of(statistic: Counts) -> frozenset[str]:
    """Return the roles that a statistic is made of.

    The score of a row's own class depends on its label, and whether a prediction is right on both.
    """
    roles, view = set(statistic.roles), statistic.view
    if view is not None and (not is_view(view) or "score_squares" in roles):
        raise TypeError(f"no multiclass table answers {statistic!r}")
    if view is None and "score" in roles:
        roles.add("label")
    if view == TOP and roles & {"label", "score"}:
        roles.add("prediction")
    return frozenset(roles)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a multiclass table is counted; see `reading.Reading`."""

    table: Table
    known: Classes
    columns: Mapping[str, Listed]
    """The values of label and prediction, where they have a column."""
    faults: Mapping[str, tuple[str, ...]]
    """Of label, prediction and score."""
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
        if role == "prediction":
            prediction = self.table.columns.prediction
            return self._argmax() if prediction is None else self._class_part(role, prediction)
        if role == "score_squares":
            return self._numbers(lambda clean: probabilities.squares(self._each(clean)))
        if view is None:
            return self._of_class("label")
        if view == TOP:
            return self._highest() if "prediction" not in self.columns else self._of_class("prediction")
        return self._sum(self._viewed(view))

    def picture(self, frame: Frame, view: str | None) -> Frame:
        """Return counted classes as a view shows them: 1 for those of it, 0 for others."""
        import numpy as np

        if view is None:
            return frame
        roles = dict(frame.roles)
        if view == TOP and "prediction" in roles:
            prediction = roles["prediction"]
            if "label" in roles:
                gap = np.isnan(roles["label"]) | np.isnan(prediction)
                roles["label"] = np.where(gap, np.nan, roles["label"] == prediction)
            # It always says of itself that it is right.
            roles["prediction"] = np.where(np.isnan(prediction), np.nan, 1.0)
        elif view != TOP:
            of_it = np.zeros(len(self.classes) + 1)
            of_it[list(self._viewed(view))] = 1.0
            of_it[-1] = np.nan
            for role in roles.keys() & {"label", "prediction"}:
                codes = np.where(np.isnan(roles[role]), len(self.classes), roles[role]).astype(np.intp)
                roles[role] = of_it[codes]
        return replace(frame, roles=roles, sizes=dict.fromkeys(frame.sizes, _CODES))

    def _viewed(self, view: str) -> frozenset[int]:
        return self.known.viewed(view, self.table.favourable, self.table.location)

    def _class_part(self, role: str, name: str | None) -> Part:
        """Return a column of classes as it is; the classes are looked up in what comes back."""
        if name is None:
            raise AssertionError(f"the first look made sure of the {role}")
        strange = () if self.strange is None or role == "label" else (self.strange,)
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

    def _numbers(self, read: Callable[[ir.Table], ir.Column]) -> Part:
        return Part(columns=self._score_columns, read=read, faults=self.faults["score"])

    @property
    def _score_columns(self) -> tuple[str, ...]:
        return tuple(self.table.columns.scores.values())

    def _each(self, clean: ir.Table) -> list[ir.FloatingColumn]:
        return [numbers.number(clean, name) for name in self._score_columns]

    def _sum(self, places: Collection[int]) -> Part:
        """Add up the probabilities of some classes, which rounding may have made a little more than 1."""
        scores = self.table.columns.scores.items()
        names = tuple(name for key, name in scores if self.known.places[token(key)] in places)

        def read(clean: ir.Table) -> ir.Column:
            return probabilities.any_of([numbers.number(clean, name) for name in names])

        return replace(self._numbers(read), columns=names)

    def _of_class(self, role: str) -> Part:
        """Return the probability that the class of a column was given."""
        listed, scores = self.columns[role], self.table.columns.scores
        name = {"label": self.table.columns.label, "prediction": self.table.columns.prediction}[role]
        column_of = {token(key): column for key, column in scores.items()}

        def read(clean: ir.Table) -> ir.Column:
            import ibis

            pairs = zip(listed.values, listed.texts, strict=True)
            branches = [
                (coding.matches(clean[name], value), numbers.number(clean, column_of[token(text)]))
                for value, text in pairs
            ]
            nothing = ibis.literal(None, "float64")
            return ibis.cases(*branches, else_=nothing) if branches else nothing

        part = self._numbers(read)
        return replace(part, columns=(*part.columns, str(name)))

    def _highest(self) -> Part:
        """Return the largest probability of a row."""
        return replace(self._numbers(lambda clean: clean[self._spare]), first=self._with_highest)

    def _argmax(self) -> Part:
        """Return the class of the largest probability, the first of equals in the order of the release."""
        places = [self.known.places[token(key)] for key in self.table.columns.scores]

        def read(clean: ir.Table) -> ir.Column:
            return probabilities.first_equal(self._each(clean), clean[self._spare], places)

        part = self._numbers(read)
        return replace(part, size=len(self.classes) + 1, first=self._with_highest)

    @property
    def _spare(self) -> str:
        """A name that no column of the table has."""
        name = "highest"
        while name in self.table.expr.columns:
            name += "_"
        return name

    def _with_highest(self, clean: ir.Table) -> ir.Table:
        return clean.mutate(**{self._spare: probabilities.highest(self._each(clean))})
