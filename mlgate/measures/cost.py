"""What a model costs: its bytes, and what its training took."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import Any

from mlgate.cells import (
    Answers,
    Artifact,
    ArtifactFound,
    Columns,
    Document,
    DocumentText,
    Stated,
    Statement,
    Statistic,
)
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.measures import measure

AGREE = 0.01
"""Two accounts of the same energy may differ by this share."""

EMISSIONS = Document("costs.emissions")


@measure(
    id="cost.model_size",
    kind="fact",
    unit="bytes",
    better="lower",
    needs=("artifact",),
    source="sum of the sizes of its files",
)
class ModelSize:
    """Bytes of the model: of its file, or of all files of its directory, as they are stored."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the files."""
        del params, columns
        return [Artifact()]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Add them up."""
        del params
        found = cells.get(Artifact(), ArtifactFound)
        if not found.files:
            return Estimate.missing(found.reason or "the model has no files")
        largest = sorted(found.files, key=lambda one: (-one.bytes, one.name))
        groups = tuple(
            GroupEstimate(group={"file": one.name}, n=1, value=float(one.bytes), judged=False)
            for one in largest[:20]
        )
        return Estimate(value=float(found.bytes), n=len(found.files), groups=groups)


@measure(
    id="cost.size_ratio",
    kind="fact",
    unit="1",
    better="lower",
    needs=("artifact", "champion"),
    source="bytes of the model over bytes of the champion",
)
class SizeRatio:
    """How many times as large as the champion the model is, in bytes of its files."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the files of both."""
        del params, columns
        return [Artifact(), Artifact("champion")]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Divide."""
        del params
        own, other = (cells.get(one, ArtifactFound) for one in (Artifact(), Artifact("champion")))
        for name, found in (("the model", own), ("the champion", other)):
            if found.bytes == 0:
                return Estimate.missing(found.reason or f"{name} has no files")
        groups = tuple(
            GroupEstimate(group={"model": name}, n=len(found.files), value=float(found.bytes), judged=False)
            for name, found in (("release", own), ("champion", other))
        )
        return Estimate(value=own.bytes / other.bytes, n=len(own.files), groups=groups)


@measure(
    id="cost.training_cost",
    kind="fact",
    unit="USD",
    better="lower",
    source="`costs.training_usd` in release.yaml",
)
class TrainingCost:
    """US dollars that the training cost, as the release states it."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the statement."""
        del params, columns
        return [Stated("costs.training_usd")]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Return it."""
        del params
        stated = cells.get(Stated("costs.training_usd"), Statement).value
        if not isinstance(stated, int | float):
            return Estimate.missing("the release does not say what its training cost; add costs.training_usd")
        return Estimate(value=float(stated), n=1)


@measure(
    id="cost.training_energy",
    kind="fact",
    unit="kWh",
    better="lower",
    source="CodeCarbon, column energy_consumed of emissions.csv; or `costs.training_kwh` in release.yaml",
)
class TrainingEnergy:
    """Kilowatt hours that the training used, from CodeCarbon's file or else as the release states them.

    The file, `costs.emissions`, is what CodeCarbon writes: a line a run, or several lines of a run with its
    total so far, of which the largest counts. Runs are added up; `project` takes those of one project. Where
    the release states another number than the file has, nothing is measured.
    """

    def __init__(self, *, project: str | None = None) -> None:
        """Declare the parameter: which runs of the file are the training."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for the statement and the file."""
        del params, columns
        return [Stated("costs.training_kwh"), EMISSIONS]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Add up the runs."""
        stated = cells.get(Stated("costs.training_kwh"), Statement).value
        claimed = float(stated) if isinstance(stated, int | float) else None
        document = cells.of[EMISSIONS]
        if not isinstance(document, DocumentText):
            if claimed is None:
                what = "the release does not say what energy its training used"
                return Estimate.missing(
                    f"{what}; add costs.emissions, the file of CodeCarbon, or costs.training_kwh"
                )
            return Estimate(value=claimed, n=1)
        runs = energy_of_runs(document.text, params["project"])
        if isinstance(runs, str):
            return Estimate.missing(f"{document.location}: {runs}")
        total = math.fsum(runs.values())
        if claimed is not None and abs(claimed - total) > AGREE * max(claimed, total):
            return Estimate.missing(
                f"the release states {claimed:g} kWh, and {document.location} has {total:g}"
            )
        groups = tuple(
            GroupEstimate(group={"run": name}, n=1, value=used, judged=False)
            for name, used in list(runs.items())[:50]
        )
        return Estimate(value=total, n=len(runs), groups=groups)


def energy_of_runs(text: str, project: str | None) -> dict[str, float] | str:
    """Return the kilowatt hours of each run in CodeCarbon's CSV, or what is wrong with it."""
    runs: dict[str, float] = {}
    rows = csv.DictReader(io.StringIO(text))
    names = rows.fieldnames or ()
    if "energy_consumed" not in names:
        return "has no column 'energy_consumed', so it is no file of CodeCarbon"
    for number, row in enumerate(rows, 2):
        if project is not None and row.get("project_name") != project:
            continue
        try:
            used = float(row["energy_consumed"])
        except (TypeError, ValueError):
            return f"line {number} has no number under energy_consumed"
        if not 0.0 <= used < math.inf:
            return f"line {number} says {used:g} kWh"
        run = row.get("run_id") or f"line {number}"
        runs[run] = max(used, runs.get(run, 0.0))
    if not runs:
        return "has no run" if project is None else f"has no run of project {project!r}"
    return runs
