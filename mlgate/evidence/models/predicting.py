"""A model at the tables of its release: what it says of each row takes the place of what was handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlgate.cells import ChampionRoles, Columns, ModelFound, RecordedRoles
from mlgate.errors import EvidenceError, MissingExtra, ModelFault
from mlgate.evidence.models import tables as scoring
from mlgate.evidence.models.meaning import Expected, meant
from mlgate.evidence.models.opening import Opened
from mlgate.evidence.tables.champion import ChampionTerms, require_another_model
from mlgate.findings import EvidenceRecord, Origin
from mlgate.scoring.process import MissingLibrary

if TYPE_CHECKING:
    from mlgate.cells import ColumnType
    from mlgate.evidence.release import Release
    from mlgate.evidence.roles import ColumnsSpec
    from mlgate.evidence.tables import Table
    from mlgate.evidence.tables.duck import Engine
    from mlgate.scoring.model import Model
    from mlgate.scoring.raw import Raw


class Predictor:
    """The model of one release, started when it is first needed.

    A model that is not allowed to run is none: the tables keep what was handed in. One that dies is a
    different thing: then nothing stands in for what it would have said.
    """

    def __init__(
        self,
        opened: Opened,
        release: Release,
        *,
        seed: int,
        workdir: Path,
        tell: Callable[[str], None] = lambda _: None,
        bare: bool = False,
    ) -> None:
        """Take an opened model and its release; `seed` is of the order in which rows are put before it.

        `bare` says that the release is about another model and lists the features of that one.
        """
        self.opened = opened
        self._release = release
        self._seed = seed
        self._workdir = workdir
        self._tell = tell
        self._bare = bare
        self._model: Model | None = None
        self._fault: ModelFault | None = None
        self._asked = False
        self._records: dict[str, EvidenceRecord] = {}

    @property
    def raw(self) -> Raw | None:
        """What runs, once it was asked; None before, and where it may not run."""
        return self.opened.raw if self._asked else None

    @property
    def records(self) -> tuple[EvidenceRecord, ...]:
        """What the model said of each table, for the report."""
        return tuple(self._records.values())

    def predicted(self, table: Table, engine: Engine) -> Table:
        """Return a table whose score and prediction are the model's own; the same table where it may not run.

        Raises EvidenceError when the features or classes are not those of the release.
        """
        columns = table.columns
        if self.opened.raw is None:
            handed_in = any(columns.has(role) or role in table.absent for role in ("score", "prediction"))
            reason = f"the model was not run: {self.opened.reason}"
            return table if handed_in else replace(table, unscored=reason)
        recorded = RecordedRoles(score=columns.score, scores=columns.scores, prediction=columns.prediction)
        bare = replace(columns, score=None, scores={}, prediction=None, recorded=recorded)
        absent = {role: name for role, name in table.absent.items() if role not in ("score", "prediction")}
        without = replace(table, columns=bare, absent=absent)
        if table.record.rows == 0:
            return replace(without, unscored="the table has no rows for the model to score")
        try:
            return self._scored(without, self.model(columns), engine)
        except ModelFault as fault:
            return replace(without, unscored=f"the model did not score table {table.name!r}: {fault}")

    def beside(self, table: Table, engine: Engine) -> Table:
        """Return a table with what this model, as the champion, says of the same rows.

        Where it may not run or fails, the table says why nothing can be compared. Raises EvidenceError when
        it reads what the table does not have, or what is no feature, and when it is the model of the release.
        """
        require_another_model(table, self.opened.identity, self._release.threshold, self.opened.where)
        if self.opened.raw is None:
            return replace(table, uncompared=f"the champion was not run: {self.opened.reason}")
        if table.record.rows == 0:
            return replace(table, uncompared="the table has no rows for the champion to score")
        try:
            found = self._said(table, self.model(table.columns), engine, named=f"champion.{table.name}")
        except ModelFault as fault:
            return replace(table, uncompared=f"the champion did not score table {table.name!r}: {fault}")
        own = [one for one in (found.score, *found.scores.values(), found.prediction) if one is not None]
        spec = self._release.columns_of(table.name)
        positive = 1 if self._release.task == "binary" else spec.prediction_positive
        moved = {} if table.engine == "duckdb" else {"expr": found.expr.drop(*own), "engine": "duckdb"}
        return replace(
            table,
            beside=found.expr,
            borrowed={one: (self.opened.artifact.location, one) for one in own},
            columns=replace(
                table.columns,
                champion=ChampionRoles(score=found.score, scores=found.scores, prediction=found.prediction),
            ),
            champion=ChampionTerms(threshold=self._release.threshold, prediction_positive=positive),
            **moved,
        )

    def found(self, columns: Columns) -> ModelFound:
        """Answer a measure that asks for the model; `columns` are those of the table that is judged."""
        if self.opened.raw is None:
            return ModelFound(scorer=None, reason=self.opened.reason)
        try:
            return ModelFound(scorer=self.model(columns))
        except ModelFault as fault:
            return ModelFound(scorer=None, reason=f"the model does not load: {fault}")

    def model(self, columns: Columns) -> Model:
        """Load the model where that has not happened, and hold it against the release.

        Raises ModelFault when it does not load, EvidenceError when it is not what the release says.
        """
        if self._model is not None:
            return self._model
        if self.opened.raw is None:
            raise ModelFault("raised", self.opened.reason or "it may not be run")
        if self._fault is not None:  # each further try might take as long as the first
            raise self._fault
        self._asked = True
        self._tell("loading the model")
        own, spec = self._release, self._release.columns_of("evaluation")
        expected = Expected(
            task=own.task,
            threshold=own.threshold,
            positive=spec.positive if spec.prediction_positive is None else spec.prediction_positive,
            classes=_classes(own, spec),
            stated=spec.features is not None,
            where=self.opened.where,
            location=self.opened.artifact.location,
            format=self.opened.artifact.format or "",
            taken=_taken(spec) if self._bare else None,
        )
        try:
            self._model = meant(self.opened.raw, columns, expected)
        except MissingLibrary as fault:
            raise self._lacking(fault) from fault
        except ModelFault as fault:
            self._fault = fault
            raise
        return self._model

    def _lacking(self, fault: MissingLibrary) -> Exception:
        """Say what the interpreter of the model lacks, and how it gets it."""
        from mlgate.scoring import formats

        extra = formats.extra_of(self.opened.artifact.format or "")
        if extra is None or self._release.model is None or self._release.model.python is not None:
            where = "the interpreter under `model: python`"
            return EvidenceError(
                self.opened.where, f"the model needs {fault.name}", f"install it for {where}"
            )
        return MissingExtra(self.opened.where, fault.name, extra)

    def close(self) -> None:
        """End its process."""
        if self.opened.raw is not None:
            self.opened.raw.close()

    def _said(self, table: Table, model: Model, engine: Engine, *, named: str) -> scoring.Scored:
        """Score a table, and record that; `named` is what the report calls the table."""
        rows = int(table.record.rows or 0)
        called = scoring.CHAMPION if self._bare else scoring.MODEL
        asked = scoring.Asked(
            model=model, seed=self._seed, workdir=self._workdir, tell=self._tell, called=called
        )
        self._require(table, asked)
        found = scoring.scored(table.expr, rows, asked, engine, name=named, own=table.engine)
        self._records[table.name] = EvidenceRecord(
            name=f"{named}.predictions",
            kind="predictions",
            location=self.opened.artifact.location,
            sha256=found.sha256,
            rows=rows,
            columns=len(found.scores) or 1,
            bytes=None,
            origin=Origin.COMPUTED,
            note="labels reachable" if self.opened.labels_reachable else None,
        )
        return found

    def _scored(self, table: Table, model: Model, engine: Engine) -> Table:
        found = self._said(table, model, engine, named=table.record.name)
        new: dict[str, ColumnType] = {
            one: "number" for one in (found.score, *found.scores.values()) if one is not None
        }
        if found.prediction is not None:
            new[found.prediction] = "string" if model.facts.task == "multiclass" else "number"
        columns = replace(
            table.columns,
            score=found.score,
            scores=found.scores,
            prediction=found.prediction,
            types={**table.columns.types, **new},
            features=model.facts.features,
        )
        judged = replace(table.record, origin=Origin.COMPUTED)
        others = tuple(one for one in table.records if one is not table.record)
        return replace(
            table,
            expr=found.expr,
            columns=columns,
            record=judged,
            records=(judged, *others),
            engine="duckdb",
            scored_by=self.opened.identity,
            prediction_positive=1 if model.facts.task == "binary" else table.prediction_positive,
        )

    def _require(self, table: Table, asked: scoring.Asked) -> None:
        """Raise when a further table lacks what the model reads, or has what its answers are called."""
        if not asked.model.facts.features:
            raise EvidenceError(
                self.opened.where, "the model reads no column", "name them as `features:` under `columns:`"
            )
        for name in asked.model.facts.features:
            if name not in table.columns.types:
                raise EvidenceError(
                    f"{table.location}: column {name!r}",
                    "is not there, and the model reads it",
                    "add the column",
                )
        taken = [name for name in table.columns.names if scoring.is_taken(name, asked)]
        if taken:
            raise EvidenceError(
                f"{table.location}: column {taken[0]!r}", "has the name of what the model says", "rename it"
            )


def _classes(release: Release, spec: ColumnsSpec) -> tuple[str, ...]:
    """Return the classes that a multiclass release names, in the order of its model."""
    if release.task != "multiclass":
        return ()
    if release.model is not None and release.model.classes:
        return tuple(map(str, release.model.classes))
    return tuple(spec.score) if isinstance(spec.score, Mapping) else ()


def _taken(spec: ColumnsSpec) -> dict[str, str]:
    """Return the columns that no model may read, with their role."""
    free = ("features", "categorical", "protected")
    return {column: f"the {role}" for column, role in spec.by_column().items() if role not in free}
