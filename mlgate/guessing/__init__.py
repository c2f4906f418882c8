"""What a folder of tables and models probably is: every guess with how sure it is, and why.

`guess` looks at the files and at aggregates of the tables, and returns a `Draft`; it writes nothing, loads no
model, and takes no row out of the engine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlgate.cells import Task
from mlgate.errors import EvidenceError
from mlgate.evidence.release import Release
from mlgate.evidence.tables import Table, open_tables
from mlgate.guessing import files, relations
from mlgate.guessing.columns import Facts, facts_of
from mlgate.guessing.files import Chosen, Dialect
from mlgate.guessing.guesses import Guess, Sure
from mlgate.guessing.labels import Labelled, labelled
from mlgate.guessing.model_files import ModelFile, described
from mlgate.guessing.models import ModelDraft, drafted
from mlgate.guessing.outputs import Outputs, outputs_of
from mlgate.guessing.protected import Protected, protected_of
from mlgate.guessing.roles import Roles, roles_of
from mlgate.guessing.words import joined, nameable
from mlgate.strict_yaml import Document, did_you_mean, show

__all__ = ["Draft", "Guess", "Known", "ModelDraft", "TableDraft", "guess"]

AGES = (25, 40, 60)
"""Where ages are cut, as far as enough rows lie between."""

_LEAST_GROUP = 100
"""Rows that a group should have where ages are cut."""

_LEAST_AREA = 0.65
"""An area under the curve from which a column of shares may be a score that is not called one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the person who asks knows, and nothing has to guess."""

    label: str | None = None
    score: str | None = None
    prediction: str | None = None
    protected: tuple[str, ...] = ()
    task: Task | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TableDraft:
    """A table as release.yaml will name it."""

    path: str
    """Relative to release.yaml, with forward slashes."""
    dialect: Dialect
    rows: int
    types: Mapping[str, str] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    """Roles that the release names and this table has no columns for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """Everything that was guessed."""

    evaluation: TableDraft
    train: TableDraft | None
    others: tuple[str, ...]
    """Tables that are left out, as paths."""
    labelled: Labelled
    roles: Roles
    protected: tuple[Protected, ...]
    ages: Mapping[str, tuple[float, ...]]
    """Columns of ages, with where they are cut."""
    models: tuple[Outputs, ...]
    """What other models wrote into the table."""
    model: ModelDraft | None
    """The file of the model that is judged, as far as names tell."""
    guesses: tuple[Guess, ...]
    notes: tuple[str, ...]
    """What a person should look at."""

    @property
    def judged(self) -> tuple[str, ...]:
        """The protected columns that make groups as they are."""
        return tuple(one.name for one in self.protected if one.usable)


def guess(
    chosen: Chosen, folder: Path, workdir: Path, known: Known = Known(), *, allow: Sequence[Path] = ()
) -> Draft:
    """Guess what release.yaml in `folder` would say of the files.

    `workdir` is a private directory that the caller removes. Raises EvidenceError when a table cannot be
    read, and when no label or no output of a model is found.
    """
    paths = {"evaluation": chosen.evaluation} | ({"train": chosen.train} if chosen.train else {})
    dialects = {name: files.dialect(path) for name, path in paths.items()}
    tables = _opened(paths, dialects, folder, workdir, allow)
    judged = tables["evaluation"]
    if judged.record.rows == 0:
        raise EvidenceError(judged.location, "has no rows", "give a table with labels and predictions")
    every = facts_of(judged)
    seen = {name: one for name, one in every.items() if nameable(name)}
    written = _written(judged, seen, known)
    described_ = [described(path) for path in chosen.models]
    picked, why = _picked(written, described_, known)
    label = labelled(
        judged, tables.get("train"), seen, written, chosen=picked, label=known.label, task=known.task
    )
    model = _model_of(described_, picked)
    people = _protected(seen, label, written, known)
    reads = None if model is None or model.features is None else model.features
    complete = reads is not None and set(reads) <= set(seen)
    parts = roles_of(
        judged,
        seen,
        label=label.label,
        regression=label.task == "regression",
        outputs={name for one in written for name in one.columns},
        protected=[one.name for one in people if one.usable or one.binned],
        features=reads if complete else None,
        categorical=model.categorical if model is not None else (),
    )
    parts = _with_a_whole_weight(parts, seen)
    hidden = dict.fromkeys(
        every.keys() - seen.keys(), "its name holds invisible characters, which no file may"
    )
    parts = replace(parts, left_out={**parts.left_out, **dict(sorted(hidden.items()))})
    ages = {one.name: edges for one in people if one.binned and (edges := _edges(judged, seen[one.name]))}
    others = tuple(one for one in written if one.model != picked.model)
    guesses = (
        Guess(
            what="evaluation", value=_relative(chosen.evaluation, folder), sure=chosen.sure, why=chosen.why
        ),
        *label.guesses,
        _said(label, why, others),
        *parts.guesses,
        *(Guess(what="protected", value=one.name, sure=one.sure, why=one.why) for one in people),
    )
    train = tables.get("train")
    types = {parts.time: parts.time_type} if parts.time and parts.time_type else {}
    return Draft(
        evaluation=_draft(chosen.evaluation, folder, dialects["evaluation"], judged, types),
        train=None
        if train is None or chosen.train is None
        else replace(
            _draft(chosen.train, folder, dialects["train"], train, types),
            lacks=_lacks(train, label, parts, people),
        ),
        others=tuple(_relative(one, folder) for one in chosen.others),
        labelled=label,
        roles=parts,
        protected=tuple(people),
        ages=ages,
        models=others,
        model=None if model is None else _model_draft(model, folder, label, seen, allow),
        guesses=guesses,
        notes=tuple(_notes(seen, label, parts, people, dialects)),
    )


def _model_draft(
    model: ModelFile, folder: Path, label: Labelled, seen: Mapping[str, Facts], allow: Sequence[Path]
) -> ModelDraft:
    out = label.outputs
    root = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)
    said = bool(out.score or out.scores or (label.task == "regression" and out.prediction))
    same = not out.model or joined(out.model) == joined(model.path.stem)
    return drafted(
        model,
        _relative(model.path, folder),
        label,
        columns=seen.keys(),
        homes=(root, *allow),
        recorded=said and same,
    )


def _opened(
    paths: Mapping[str, Path],
    dialects: Mapping[str, Dialect],
    folder: Path,
    workdir: Path,
    allow: Sequence[Path],
) -> dict[str, Table]:
    sources: dict[str, Any] = {}
    for name, path in paths.items():
        sources[name] = {"path": _relative(path, folder)}
        sources[name] |= {
            key: value
            for key in ("delimiter", "encoding")
            if (value := getattr(dialects[name], key)) is not None
        }
    data = {"mlgate": 1, "name": "draft", "version": "0", "task": "scores", "data": sources}
    document = Document(path=folder / "release.yaml", display="mlgate init", sha256="", data=data, lines={})
    return open_tables(Release.of(document), document, list(paths), workdir=workdir, allow=allow)


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()


def _draft(path: Path, folder: Path, dialect: Dialect, table: Table, types: Mapping[str, str]) -> TableDraft:
    csv = not path.name.lower().endswith((".parquet", ".pq"))
    held = {name: kind for name, kind in types.items() if name in table.columns.names} if csv else {}
    return TableDraft(path=_relative(path, folder), dialect=dialect, rows=table.record.rows or 0, types=held)


def _written(table: Table, seen: Mapping[str, Facts], known: Known) -> list[Outputs]:
    """Return what models wrote, with what the person names first."""
    for option, name in (
        ("--label", known.label),
        ("--score", known.score),
        ("--prediction", known.prediction),
        *(("--protected", one) for one in known.protected),
    ):
        if name is not None and name not in seen:
            raise EvidenceError(
                f"{option} {show(name)}", "the table has no such column", did_you_mean(name, seen)
            )
    if known.score is not None and not seen[known.score].numeric:
        raise EvidenceError(f"--score {show(known.score)}", "holds no numbers", "name a column of scores")
    found = outputs_of(table, seen)
    named = {name for name in (known.score, known.prediction) if name is not None}
    if named:
        for one in found:
            if (
                named <= set(one.columns)
                and known.score in (None, one.score)
                and known.prediction in (None, one.prediction)
            ):
                return found
        rest = [one for one in found if not named & set(one.columns)]
        partner = next((one for one in found if named & set(one.columns)), None)
        mine = Outputs(
            model=partner.model if partner else "",
            score=known.score or (partner.score if partner else None),
            prediction=known.prediction or (partner.prediction if partner else None),
        )
        return [mine, *rest]
    if not found:
        found = _unnamed(table, seen, known)
    if not found:
        raise EvidenceError(
            table.location,
            "no column looks like what a model said: none is called score, probability or prediction",
            "write the model's scores into the table (test['score'] = model.predict_proba(X)[:, 1]) and run "
            "again, or name the column: --score COLUMN or --prediction COLUMN",
        )
    return found


def _unnamed(table: Table, seen: Mapping[str, Facts], known: Known) -> list[Outputs]:
    """Look for a column of shares that ranks a column of two values, whatever both are called."""
    two = [one for one in seen.values() if len(one.values) == 2 and known.label in (None, one.name)]  # noqa: PLR2004
    shares = [one for one in seen.values() if one.share and one.distinct > 20][-20:]  # noqa: PLR2004
    best: tuple[float, str] | None = None
    for one in shares:
        areas = relations.areas(table, one.name, two[-20:])
        top = max((area for _, area in areas.values()), default=0.0)
        if top >= _LEAST_AREA and (best is None or top > best[0]):
            best = top, one.name
    return [Outputs(model="", score=best[1])] if best else []


def _picked(written: Sequence[Outputs], models: Sequence[ModelFile], known: Known) -> tuple[Outputs, str]:
    named = {name for name in (known.score, known.prediction) if name is not None}
    if named:
        return next(one for one in written if named <= set(one.columns)), "given"
    if len(written) == 1:
        return written[0], "the only one"
    fits = [one for one in written if len(models) == 1 and joined(one.model) == joined(models[0].path.stem)]
    if fits and fits[0].model:
        return fits[0], f"the model file is called {show(models[0].path.name)}"
    # A complete one first: a lone column may be left of something else.
    full = [one for one in written if one.prediction and (one.score or one.scores)]
    first = (full or list(written))[0]
    return first, f"the first of {len(written)} models in the table; --score or --prediction names another"


def _said(label: Labelled, why: str, others: Sequence[Outputs]) -> Guess:
    mine = label.outputs
    sure: Sure = "given" if why == "given" else "sure" if not others else "guess"
    value = mine.scores or mine.score or mine.prediction
    what = "scores" if mine.scores else "score" if mine.score else "prediction"
    return Guess(what=what, value=value, sure=sure, why=why)


def _model_of(models: Sequence[ModelFile], picked: Outputs) -> ModelFile | None:
    fits = [one for one in models if joined(one.path.stem) == joined(picked.model)] if picked.model else []
    if not fits and len({joined(one.path.stem) for one in models}) == 1:
        fits = list(models)
    return max(fits, key=lambda one: one.features is not None, default=None)


def _protected(
    seen: Mapping[str, Facts], label: Labelled, written: Sequence[Outputs], known: Known
) -> list[Protected]:
    taken = {label.label, *(name for one in written for name in one.columns)}
    found = [one for one in protected_of(seen) if one.name not in taken and one.name not in known.protected]
    for name in known.protected:
        if name in taken:
            raise EvidenceError(
                f"--protected {show(name)}", "is the label or a model's output", "name another"
            )
    given = [
        Protected(name=name, kind="given", sure="given", why="given with --protected", usable=True)
        for name in known.protected
    ]
    return [*given, *found]


def _with_a_whole_weight(parts: Roles, seen: Mapping[str, Facts]) -> Roles:
    """Take back a weight that some row lacks: nothing could be measured with it."""
    if parts.weight is None or seen[parts.weight].held == seen[parts.weight].rows:
        return parts
    return replace(parts, weight=None, maybe={**parts.maybe, "weight": parts.weight})


def _edges(table: Table, column: Facts) -> tuple[float, ...]:
    """Return where ages are cut, so that enough rows lie in every part; empty when nowhere."""
    edges = [one for one in AGES if column.low < one <= column.high]
    while edges:
        counts = relations.counts_between(table, column.name, edges)
        small = min(range(len(counts)), key=lambda i: counts[i])
        if counts[small] >= _LEAST_GROUP:
            return tuple(edges)
        edges.pop(min(max(small - 1, 0) if small == len(edges) else small, len(edges) - 1))
    return ()


def _lacks(train: Table, label: Labelled, parts: Roles, people: Sequence[Protected]) -> tuple[str, ...]:
    there = set(train.columns.names)
    out = label.outputs
    wanted: dict[str, tuple[str, ...]] = {
        "label": (label.label,),
        "score": tuple(out.scores.values()) or ((out.score,) if out.score else ()),
        "prediction": (out.prediction,) if out.prediction else (),
        "interval": out.interval or (),
        "quantiles": tuple(out.quantiles.values()),
        "features": parts.features,
        "categorical": parts.categorical,
        "protected": tuple(one.name for one in people if one.usable),
        "key": (parts.key,) if parts.key else (),
        "time": (parts.time,) if parts.time else (),
        "weight": (parts.weight,) if parts.weight else (),
        "cluster": (parts.cluster,) if parts.cluster else (),
    }
    return tuple(role for role, names in wanted.items() if names and not set(names) <= there)


def _notes(
    seen: Mapping[str, Facts],
    label: Labelled,
    parts: Roles,
    people: Sequence[Protected],
    dialects: Mapping[str, Dialect],
) -> Iterator[str]:
    yield from _about_label(seen[label.label], label)
    for one in people:
        if not one.usable and not one.binned:
            yield f"{show(one.name)} may be protected ({one.kind}): {one.why}"
    if not people:
        yield "no column looks protected; name what must not matter under `protected:`, if there is any"
    for name, column in parts.maybe.items():
        yield f"{show(column)} may be a {name}; it is not used as one"
    for name, why in parts.left_out.items():
        if why.startswith("tells the label"):
            yield f"{show(name)} {why}; a model that reads it has seen the answer"
    if any(one.encoding for one in dialects.values()):
        yield "the text is not UTF-8; look whether its letters come out right, or save it as UTF-8"


def _about_label(column: Facts, label: Labelled) -> Iterator[str]:
    for one in label.guesses:
        if one.what == "positive" and one.sure == "guess":
            yield f"is {show(one.value)} the positive value of {show(label.label)}? {one.why}"
    if label.task == "binary" and label.favourable is None:
        which = show(label.label)
        yield f"which outcome of {which} do people want? `favourable:` says so if it is the negative one"
    missing = column.rows - column.held
    if missing:
        yield f"{missing} rows have no label; nothing is measured with them until they are filtered out"
