"""What a release names of the past: the release of the champion, and reports of earlier runs.

They come with the release, so they are read as all its files are: inside the repository, never through a link
that leads out, up to a size. What they say is taken only where it is about the same model and task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mlgate.cells import RecordedFinding, canonical_params
from mlgate.errors import EvidenceError
from mlgate.evidence.files.locations import Territory, read_found
from mlgate.evidence.release import Champion, release_of
from mlgate.evidence.tables.champion import ChampionRelease, require_same_task
from mlgate.findings import EvidenceRecord, Origin, Outcome, Report
from mlgate.strict_yaml import MAX_BYTES, Document, Loc, parse, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlgate.evidence.release import Release
    from mlgate.evidence.tables import Table
    from mlgate.findings import Finding

ReadReport: TypeAlias = Callable[[bytes, str], Report]
"""From the bytes of a report, and what messages call them, to the report."""

MAX_REPORT_BYTES = 5_000_000

CHAMPION = "champion"
"""The source of what the champion's report found."""

Found: TypeAlias = Mapping[tuple[str, str], RecordedFinding]
"""What a report found, by the id of the measure and its parameters as `canonical_params` writes them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A file that a release names."""

    written: str
    loc: Loc
    """Where the release names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """The release that names earlier ones."""

    release: Release
    file: Document
    territory: Territory

    def read(self, named: Named, limit: int) -> bytes:
        """Return the bytes of a file that it names; EvidenceError with the line where it cannot be read."""
        return read_found(self.territory.find(named.written, self.file.where(named.loc)), limit)


def reports_of(release: Release) -> dict[str, Named]:
    """Return the reports that a release names, by source: `champion`, `anchors.NAME`."""
    found = {}
    if isinstance(release.champion, Champion) and release.champion.report is not None:
        found[CHAMPION] = Named(written=release.champion.report, loc=("champion", "report"))
    for name, anchor in release.anchors.items():
        found[f"anchors.{name}"] = Named(written=anchor.report, loc=("anchors", name, "report"))
    return found


def champion_release(naming: Naming) -> tuple[ChampionRelease, EvidenceRecord] | None:
    """Read the release of the champion; None when the release names none.

    Its own champion is not looked at. `champion_model` is for one that is named by the URI of its model.

    Raises:
        EvidenceError: It cannot be read, is this very release, or is of another task.
        ContentError: It is no release.
    """
    champion = naming.release.champion
    if not isinstance(champion, Champion) or champion.release is None:
        return None
    named = Named(written=champion.release, loc=("champion", "release"))
    where, territory = naming.file.where(named.loc), naming.territory
    found = territory.find(named.written, where)
    if naming.file.path is not None and found.real == naming.file.path.resolve():
        what = f"{show(named.written)} is this very release"
        raise EvidenceError(where, what, "name the one that runs now")
    content = read_found(found, MAX_BYTES + 1)
    document = parse(content, found.display, path=Path(territory.base / named.written))
    read = ChampionRelease(
        release=release_of(document), document=document, territory=territory.below(named.written), where=where
    )
    require_same_task(naming.release, read)
    return read, _record(CHAMPION, "release", found.display, content)


def champion_model(naming: Naming) -> Release | None:
    """Return a release of the champion that is named by the URI of its model: the same but for the model."""
    champion = naming.release.champion
    model = champion.model if isinstance(champion, Champion) else None
    if model is None:
        return None
    return naming.release.model_copy(update={"model": model, "champion": None})


def report_of(
    naming: Naming, source: str, named: Named, read_report: ReadReport, judged: Table | None
) -> tuple[Found, EvidenceRecord]:
    """Read what an earlier report found on the whole of its evaluation table.

    Args:
        naming: The release that names it.
        source: `champion` or `anchors.NAME`.
        named: The file.
        read_report: What makes a report of its bytes.
        judged: The evaluation table that is judged now, where it is open.

    Raises:
        EvidenceError: It cannot be read, judged nothing, this very release, another model or another task.
        ContentError: It is no report.
    """
    content = naming.read(named, MAX_REPORT_BYTES)
    where = naming.file.where(named.loc)
    report = read_report(content, naming.territory.display(named.written))
    same = judged is not None and _same_rows(report, naming.release, judged)
    _require_comparable(report, naming, f"{where}: {show(named.written)}", same_table=same)
    found: dict[tuple[str, str], RecordedFinding] = {}
    for one in report.findings:
        if (recorded := _recorded(one, report, named.written, same_table=same)) is not None:
            key = (one.measure.id, canonical_params(one.params))
            if key not in found or found[key].interval is None:
                found[key] = recorded
    return found, _record(source, "report", naming.territory.display(named.written), content)


def _require_comparable(report: Report, naming: Naming, where: str, *, same_table: bool) -> None:
    own, other = naming.release, report.release
    if report.verdict is None or other is None:
        what = "is the report of a run that judged nothing"
        raise EvidenceError(where, what, "name one that has a verdict")
    again = same_table and (other.name, other.version) == (own.name, own.version)  # with another comment
    if again or other.digest == f"sha256:{naming.file.sha256}":
        what = f"is a report of this very release, {other.name} {other.version}"
        raise EvidenceError(where, what, "name the report of an earlier one")
    if other.name != own.name:
        what = f"is a report of the model {show(other.name)}, and this release is of {show(own.name)}"
        raise EvidenceError(where, what, "name a report of an earlier release of the same model")
    if other.task != own.task:
        what = f"is a report of task {other.task}, and this release is of {own.task}"
        raise EvidenceError(where, what, "name a report of the same task")


def _recorded(one: Finding, report: Report, location: str, *, same_table: bool) -> RecordedFinding | None:
    """Return a finding on the whole of the evaluation table that has a number; None for any other."""
    whole = one.table == "evaluation" and one.slice is None and not one.by and one.against is None
    if not whole or one.value is None or one.outcome in (Outcome.NOT_MEASURED, Outcome.NOT_APPLICABLE):
        return None
    release = report.release
    return RecordedFinding(
        report=location,
        release=f"{release.name} {release.version}" if release is not None else "",
        value=one.value,
        interval=one.interval,
        confidence=one.confidence,
        n=one.n,
        version=one.measure.version,
        same_table=same_table,
    )


def _same_rows(report: Report, release: Release, judged: Table) -> bool:
    """Whether a report judged the rows that are judged now, as far as it tells.

    It says the filter unless the policy fixed that; two filters that leave as many rows may leave others.
    """
    there = next((one for one in report.evidence if (one.name, one.kind) == ("evaluation", "table")), None)
    if there is None or there.sha256 is None:
        return False
    same_bytes = there.sha256 == judged.record.sha256 and there.rows == judged.record.rows
    where = release.stated("data.evaluation.where")
    return same_bytes and _filter_of(report) == ("none" if where is None else show(where))


def _filter_of(report: Report) -> str | None:
    said = report.release.chosen_by_author if report.release is not None else ()
    return next(_after(said, "data.evaluation.where = "), None)


def _after(lines: tuple[str, ...], start: str) -> Iterator[str]:
    return (line.removeprefix(start) for line in lines if line.startswith(start))


def _record(name: str, kind: str, location: str, content: bytes) -> EvidenceRecord:
    return EvidenceRecord(
        name=name,
        kind=kind,
        location=location,
        sha256=hashlib.sha256(content).hexdigest(),
        rows=None,
        columns=None,
        bytes=len(content),
        origin=Origin.DECLARED,
    )
