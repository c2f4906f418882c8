"""What is asked: each use of a check, unfolded over its tables, groups and slices.

The unfolding is the plan that the findings are later compared with: a question without a finding is
a fault of the tool, never an approval.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from mlgate.cells import (
    FAVOURABLE,
    Artifact,
    ArtifactFound,
    Bins,
    By,
    Columns,
    Counts,
    Loaded,
    ModelFound,
    On,
    Profile,
    Recorded,
    Repeats,
    Statistic,
)
from mlgate.errors import EvidenceError, MeasureError, MlgateError, PolicyError
from mlgate.evidence.bundle import Evidence
from mlgate.evidence.coding import token
from mlgate.evidence.sources import Range
from mlgate.evidence.tables import Table
from mlgate.measures import INJECTED
from mlgate.measures.against import Against
from mlgate.measures.judging import Judging
from mlgate.policy import CHAMPION, Policy, Use

PUNCTUATION = frozenset('[],=@"')
"""What the ids of findings are built with."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One measure with its parameters on one table, over one set of groups, and by one slicing."""

    use: Use
    by: tuple[By, ...] | None
    """The set of groups, for a measure over groups; else None."""
    slicing: tuple[By, ...] | None
    """One finding for each value of this product; None: the whole table."""
    params: Mapping[str, Any]
    """The use's own, with those that the gate injects."""
    statistics: tuple[Statistic, ...]
    """What is asked of the evidence, with the slicing added."""
    planned: tuple[Statistic, ...] = ()
    """What the measure itself asked for, statistic by statistic; empty where nothing was added."""
    refusal: str | None = None
    """Why nothing is asked: the finding is `not_measured` with this reason."""
    not_applicable: str | None = None
    """Why the check does not apply; the finding is `not_applicable`."""

    @property
    def base_id(self) -> str:
        """Return the finding id, but for the slice: `<use id>[groups]@<table>`."""
        groups = f"[{','.join(_part(column_name(one)) for one in self.by)}]" if self.by else ""
        return f"{self.use.id}{groups}{self.table_suffix}"

    def finding_id(self, piece: Mapping[str, str] | None) -> str:
        """Return the finding id of one slice, `<use id>[column=value,…][groups]@<table>`."""
        if piece is None:
            return self.base_id
        inside = ",".join(f"{_part(column)}={_part(value)}" for column, value in piece.items())
        return f"{self.use.id}[{inside}]{self.base_id[len(self.use.id) :]}"

    @property
    def table_suffix(self) -> str:
        """Return `@<table>` unless it is the default one."""
        return "" if self.use.table == "evaluation" else f"@{self.use.table}"


def _part(text: str) -> str:
    """Write a name or value into an id: in JSON's quotes where it holds what ids are built with.

    Else two slices could share an id, as `a="x,b=y"` and `a=x`, `b=y` would.
    """
    return json.dumps(text, ensure_ascii=False) if PUNCTUATION & set(text) or not text else text


def column_name(by: By) -> str:
    """Return the column that rows are grouped by."""
    return by.column if isinstance(by, Bins) else by


def questions(
    policy: Policy,
    evidence: Evidence,
    uses: Sequence[tuple[Use, str | None, str | None]],
    as_of: datetime,
) -> list[Question]:
    """Unfold the uses; each comes with why it does not apply, and why it may not be left out for that.

    `as_of` is the moment that the run is about, for measures that have a use for it.

    Raises EvidenceError when a column that the release names is absent from a table where a selected
    check needs it, and PolicyError when a use cannot be asked at all.
    """
    found: list[Question] = []
    problems: list[MlgateError] = []
    for use, reason, evaded in uses:
        try:
            if evaded:
                found.append(_silent(use, refusal=evaded))
            else:
                found.extend(_unfold(policy, evidence, use, reason, as_of))
        except MlgateError as error:
            problems.append(error)
    problems.extend(_repeated(found))
    if problems:
        every = dict.fromkeys(problem for error in problems for problem in error.problems)
        raise type(problems[0]).of(every)
    return found


def _repeated(asked: Sequence[Question]) -> Iterator[MlgateError]:
    """Yield an error for each question that would give a finding the id of another."""
    seen: dict[tuple[str, object], Question] = {}
    for one in asked:
        other = seen.setdefault((one.base_id, one.slicing), one)
        if other is not one:
            yield PolicyError(
                one.use.where,
                f"{one.base_id} is asked twice (also at {other.use.where})",
                "remove the repeated groups or slices, or give the second use an `id`",
            )


def _unfold(
    policy: Policy, evidence: Evidence, use: Use, reason: str | None, as_of: datetime
) -> Iterator[Question]:
    if reason is not None:
        yield _silent(use, not_applicable=reason)
        return
    table = evidence.tables[use.table]
    refusal = (
        _lacking(use, table, evidence)
        or _uncompared(use, evidence)
        or _unpredicted(use, evidence)
        or _beyond(use, table)
    )
    if refusal is not None:
        yield _silent(use, refusal=refusal)
        return
    sets = _group_sets(use, table)
    if not sets:
        yield _silent(use, refusal=f"the release names no protected column for table {table.name!r}")
    asked = [
        _question(policy, evidence, use, as_of, by=by, slicing=slicing)
        for by in sets
        for slicing in (None, *use.slices)
    ]
    unanswerable = (_unanswerable(evidence, use, one) for question in asked for one in question.statistics)
    refusal = next((reason for reason in unanswerable if reason is not None), None)
    yield from asked if refusal is None else [_silent(use, refusal=refusal)]


def _unanswerable(evidence: Evidence, use: Use, statistic: Statistic) -> str | None:
    """Say why the evidence has no answer to what a measure asks; None when it has one."""
    if isinstance(statistic, Recorded) and use.table != "evaluation":
        return f"earlier reports are compared on the evaluation table, and this is table {use.table!r}"
    if isinstance(statistic, Recorded) and statistic.source not in evidence.recorded:
        anchor = statistic.source.removeprefix("anchors.")
        return f"the release names no anchor {anchor!r}; add `anchors: {{{anchor}: {{report: ...}}}}`"
    return _unwanted(evidence, use, statistic) or _unsaid(evidence, use, statistic)


def _unsaid(evidence: Evidence, use: Use, statistic: Statistic) -> str | None:
    """Say that the champion, or a table, lacks a role that is counted; a column that is absent is an error.

    What a check needs may depend on its parameters, so that its list of needs cannot say it.
    """
    table = evidence.tables.get(statistic.table if isinstance(statistic, On) else use.table)
    counts = statistic.statistic if isinstance(statistic, On) else statistic
    if table is None or not isinstance(counts, Counts):
        return None
    if table.unscored is not None and {"score", "prediction"} & set(counts.roles):
        return table.unscored
    for role in counts.roles:
        needed = role.removesuffix("_squares")
        own = needed.removeprefix(f"{CHAMPION}_")
        if own not in ("label", "prediction", "score") or needed in table.absent or table.columns.has(needed):
            continue
        if own == needed:
            return f"the release names no {own} column for table {table.name!r}"
        return f"the champion has no {own} for table {table.name!r}, and this compares by it"
    return None


def _unwanted(evidence: Evidence, use: Use, statistic: Statistic) -> str | None:
    """Say that the favourable classes of a table are looked at, and that the release names none there."""
    table = statistic.table if isinstance(statistic, On) else use.table
    counts = statistic.statistic if isinstance(statistic, On) else statistic
    if not isinstance(counts, Counts) or counts.view != FAVOURABLE:
        return None
    if evidence.release.columns_of(table).favourable is not None:
        return None
    return "the release does not say which classes people want; add `favourable:` under `columns:`"


def _silent(use: Use, *, refusal: str | None = None, not_applicable: str | None = None) -> Question:
    return Question(
        use=use,
        by=None,
        slicing=None,
        params=use.params,
        statistics=(),
        refusal=refusal,
        not_applicable=not_applicable,
    )


def _question(
    policy: Policy,
    evidence: Evidence,
    use: Use,
    as_of: datetime,
    *,
    by: tuple[By, ...] | None,
    slicing: tuple[By, ...] | None,
) -> Question:
    table = evidence.tables[use.table]
    given = {
        "by": by or (),
        "min_group": use.min_group,
        "judge_unknown": use.judge_unknown,
        "judging": Judging(by=by or (), min_group=use.min_group, judge_unknown=use.judge_unknown),
        "seed": policy.seed,
        "favourable": _favourable(evidence, use.table),
        "as_of": as_of.astimezone(UTC),
        "against": _against(evidence, use),
        "trusted": policy.terms.models,
    }
    wanted = use.measure.injected
    params = {**use.params, **{name: given[name] for name in INJECTED if name in wanted}}
    planned = statistics = _planned(use, params, table)
    _require_named(use, table, statistics)
    if slicing is not None:
        _require_columns(slicing, table, use)
        if not statistics:
            raise _unsliceable(use)
        statistics = tuple(_sliced(one, slicing, use) for one in statistics)
    return Question(use=use, by=by, slicing=slicing, params=params, statistics=statistics, planned=planned)


def placed(use: Use, error: MlgateError) -> MlgateError:
    """Return the error of a measure with the line of the policy that asks for it."""
    return type(error).of(replace(one, where=f"{use.where}: {one.where}") for one in error.problems)


def _planned(use: Use, params: Mapping[str, Any], table: Table) -> tuple[Statistic, ...]:
    """Ask the measure for its plan; what is wrong with its parameters is told with the policy's line."""
    try:
        return use.measure.plan(params, table.columns)
    except MlgateError as error:
        raise placed(use, error) from error
    except (Exception, SystemExit) as error:  # a measure may fail in any way
        fault = f"the plan of {use.measure.id} ({use.measure.package}) fails: {type(error).__name__}: {error}"
        raise MeasureError(use.where, fault, "mend the measure, or leave the check out") from error


def _require_named(use: Use, table: Table, planned: Sequence[Statistic]) -> None:
    """Raise when a check on all columns, or on the key, would not see one that the release names.

    Such a check declares no need, because it may be given columns of its own.
    """
    if "columns" not in use.params or use.params["columns"] is not None:
        return
    wide = any(isinstance(one, Profile) or (isinstance(one, Repeats) and one.columns[1:]) for one in planned)
    role = "features" if wide else "key"
    if role in table.absent and (wide or not planned):
        raise _absent(table, role)


def _absent(table: Table, role: str) -> EvidenceError:
    name, spoken = table.absent[role], role.replace(f"{CHAMPION}_", f"{CHAMPION}'s ")
    return EvidenceError(
        f"{table.location}: column {name!r}",
        f"the release names it as {spoken}, a check needs it, and the table lacks it",
        _did_you_mean(name, table.columns),
    )


def _sliced(statistic: Statistic, slicing: tuple[By, ...], use: Use) -> Statistic:
    if not isinstance(statistic, Counts):
        raise _unsliceable(use)
    return replace(statistic, by=statistic.by + tuple(one for one in slicing if one not in statistic.by))


def _unsliceable(use: Use) -> PolicyError:
    return PolicyError(
        use.where,
        f"{use.check.id} cannot be sliced: it does not work on counts of label and prediction",
        "remove `slices`, or name a filtered table under `data:` in release.yaml and use `table:`",
    )


def _group_sets(use: Use, table: Table) -> list[tuple[By, ...] | None]:
    if not use.measure.over_groups:
        return [None]
    sets = use.groups or tuple((column,) for column in table.columns.protected)
    for one in sets:
        _require_columns(one, table, use)
    return list(sets)


def _require_columns(by: tuple[By, ...], table: Table, use: Use) -> None:
    for one in by:
        name = column_name(one)
        if name not in table.columns.names:
            raise EvidenceError(
                use.where,
                f"column {name!r} is not in table {table.name!r} ({table.location})",
                _did_you_mean(name, table.columns),
            )


def _did_you_mean(name: str, columns: Columns) -> str:
    close = get_close_matches(name, columns.names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(repr(one) for one in columns.names[:20])
    return f"it has {shown}" + (", …" if len(columns.names) > 20 else "")  # noqa: PLR2004  a line's worth


def _beyond(use: Use, table: Table) -> str | None:
    """Say what the release states that this version cannot allow for; None when there is nothing.

    Rows that belong together carry less than their number, so an interval that takes them for
    independent would be too narrow, and would pass and fail what it should not.
    """
    if "cluster" in table.absent:
        table.require("cluster", "an interval has to know which rows belong together")
    if table.columns.cluster is None or use.measure.kind != "estimate" or use.rule.decision == "point":
        return None
    if use.measure.clusters:
        return None
    return (
        f"rows belong together by {table.columns.cluster!r}, and {use.measure.id} has no interval that "
        "allows for it; judge one row of each, or use `decision: point`"
    )


def _lacking(use: Use, table: Table, evidence: Evidence) -> str | None:
    """Say which need of the check the release leaves open; raise when it names an absent column."""
    reasons = (_open(need, use, table, evidence) for need in use.check.needs)
    return next((reason for reason in reasons if reason is not None), None)


def _open(need: str, use: Use, table: Table, evidence: Evidence) -> str | None:  # noqa: PLR0911  one for each
    """Say that the release leaves a need open; None when it meets it."""
    kind, _, name = need.partition(":")
    if kind == "document":
        found = name in evidence.documents
        return None if found else f"the release has no document {name!r}; add it under `documents:`"
    if kind == "table":
        return _no_other(evidence, use.table, name)
    if need == CHAMPION and "artifact" in use.check.needs and "champion" in evidence.models:
        return None  # its bytes are looked at, whether or not it may be run
    if need == CHAMPION:
        return _no_champion(table, evidence)
    if need == "model":
        model = evidence.told(Loaded())
        return model.reason if isinstance(model, ModelFound) else "the release names no model"
    if need == "artifact":
        artifact = evidence.told(Artifact())
        return artifact.reason if isinstance(artifact, ArtifactFound) else "the release names no model"
    if need in ("score", "prediction") and table.unscored is not None:
        return table.unscored
    if (need == "protected" and use.groups) or (need == "prediction" and table.columns.has(need)):
        return None
    if need in table.absent:
        raise _absent(table, need)
    has = table.columns.has(need)
    return None if has else f"the release names no {need} column for table {table.name!r}"


def _no_champion(table: Table, evidence: Evidence) -> str | None:
    """Say why nothing is known of the champion on a table; raise when a column that is named is absent.

    A report of it is about the whole of the evaluation table.
    """
    champion = evidence.release.champion
    if champion is None:
        return "the release names no champion; name it under `champion:`, or say `champion: none`"
    if champion == "none":
        return "the release says `champion: none`, and the policy does not allow a first release"
    if table.uncompared is not None:
        return table.uncompared
    if table.columns.champion is not None or champion.report is not None:
        return None
    for role in (f"{CHAMPION}_score", f"{CHAMPION}_prediction"):
        if role in table.absent:
            raise _absent(table, role)
    return f"the release of the champion has no table {table.name!r}; add it under `data:` there"


def _no_other(evidence: Evidence, judged: str, name: str) -> str | None:
    """Say that the release has no such table beside the judged one; None when it has."""
    if name not in evidence.release.data:
        return f"the release has no table {name!r}; add it under `data:`"
    if not _same_rows(evidence, judged, name):
        return None
    same = f"tables {judged!r} and {name!r} are the same rows, so one says nothing of the other"
    return f"{same}; name other rows under `data:`"


def _same_rows(evidence: Evidence, one: str, other: str) -> bool:
    """Whether two tables are the same rows of the same bytes, or of one table of a database.

    A filter that leaves all rows is none. Copies that differ by a byte are not seen here.
    """
    here, there = (evidence.release.data[name] for name in (one, other))
    found, beside = (evidence.tables[name].record for name in (one, other))
    if found.sha256 is None or beside.sha256 is None:
        alike = here.table is not None and (here.connection, here.table) == (there.connection, there.table)
    else:
        alike = found.sha256 == beside.sha256
    if not alike or found.rows != beside.rows:
        return False
    return here.where is None or there.where is None or _filter(here.where) == _filter(there.where)


def _filter(where: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter in a form in which two that leave the same values are equal."""
    return {
        column: condition
        if isinstance(condition, Range)
        else frozenset(map(token, condition if isinstance(condition, tuple) else (condition,)))
        for column, condition in where.items()
    }


def _uncompared(use: Use, evidence: Evidence) -> str | None:
    """Say that the table that the judged one is to be compared with is not there, or is the same rows."""
    if use.against is None:
        return None
    return _no_other(evidence, use.table, use.against)


def judges_predictions(use: Use) -> bool:
    """Whether a check looks at what a model says of the rows of its tables."""
    needs = set(use.check.needs)
    compares = CHAMPION in needs and not {"model", "artifact"} & needs
    return compares or bool({"score", "prediction"} & needs) or _by_another_measure(use)


def _by_another_measure(use: Use) -> bool:
    """Whether the roles that it judges by depend on its parameters, so that its list of needs is silent."""
    return "metric" in use.measure.params or use.measure.id == "drift.prediction"


def _unpredicted(use: Use, evidence: Evidence) -> str | None:
    """Say why the model did not say what is judged, of any of the tables that are looked at."""
    if not _by_another_measure(use):
        return None
    named = (use.table, use.against or "", *use.check.tables)
    tables = (evidence.tables[name] for name in named if name in evidence.tables)
    return next((table.unscored for table in tables if table.unscored is not None), None)


def _against(evidence: Evidence, use: Use) -> Against | None:
    if use.against is None:
        return None
    here, there = evidence.tables[use.table], evidence.tables[use.against]
    return Against(name=use.against, columns=there.columns, judged=here.columns)


def _favourable(evidence: Evidence, table: str) -> str:
    """Tell whether people want the positive or the negative outcome; positive unless said otherwise.

    Of several classes, the view `favourable` makes those that people want the positive ones.
    """
    columns = evidence.release.columns_of(table)
    if columns.favourable is None or evidence.release.task != "binary":
        return "positive"
    positive = 1 if columns.positive is None else columns.positive
    return "positive" if token(columns.favourable) == token(positive) else "negative"
