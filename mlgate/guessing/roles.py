"""What the other columns are for: keys, times, weights, clusters, leaks, and what is left for the model."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mlgate.evidence.tables import Table
from mlgate.guessing import relations
from mlgate.guessing.columns import Facts
from mlgate.guessing.guesses import Guess, Sure
from mlgate.guessing.words import has, joined, words

KEY = frozenset(
    [
        "id",
        "ids",
        "key",
        "uuid",
        "guid",
        "index",
        "idx",
        "instant",
        "rowid",
        "rownum",
        "rownumber",
        "row",
        "number",
        "nr",
        "no",
        "pk",
        "code",
        "ref",
        "reference",
        "identifier",
        "case",
        "caseid",
        "loanid",
        "orderid",
        "unnamed",
        "record",
        "recordid",
        "kennung",
        "schlussel",
    ]
)
WHO = frozenset(
    [
        "customer",
        "client",
        "patient",
        "user",
        "person",
        "household",
        "applicant",
        "subject",
        "member",
        "account",
        "employee",
        "student",
        "driver",
        "borrower",
        "kunde",
        "patiente",
        "cliente",
    ]
)
"""Words of those of whom a table may hold several rows."""

TIME = frozenset(
    [
        "date",
        "time",
        "datetime",
        "timestamp",
        "day",
        "dteday",
        "month",
        "created",
        "updated",
        "applied",
        "observed",
        "issued",
        "at",
        "on",
        "datum",
        "zeit",
        "fecha",
        "data",
        "jour",
        "period",
        "asof",
        "ts",
    ]
)
WEIGHT = frozenset(
    [
        "weight",
        "weights",
        "wgt",
        "wt",
        "fnlwgt",
        "sampleweight",
        "samplingweight",
        "surveyweight",
        "caseweight",
        "instanceweight",
        "exposure",
        "gewicht",
    ]
)
SURELY_WEIGHT = frozenset(
    ["sampleweight", "sampleweights", "samplingweight", "surveyweight", "caseweight", "instanceweight"]
)
CODES = frozenset(
    [
        "code",
        "zip",
        "zipcode",
        "postcode",
        "plz",
        "type",
        "class",
        "cat",
        "category",
        "region",
        "district",
        "branch",
        "store",
    ]
)
"""Words of columns whose numbers are names."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
_MOST_NUMBERS = 25
"""Columns of which sums are looked for: 300 pairs."""

_MOST_ALIKE = 60
"""Columns that are held against the label one by one."""

_LEAST_VALUES = 20
"""A label of fewer values is matched by chance."""

_TEXT_SHARE = 0.5
"""Texts that are different in more of the rows than this are free text, or names of rows."""

_MOST_CATEGORIES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Roles:
    """What the columns are for that are neither label nor output."""

    key: str | None = None
    time: str | None = None
    time_type: str | None = None
    """The type to state for a time that is written as text."""
    weight: str | None = None
    cluster: str | None = None
    features: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Column to reason."""
    maybe: Mapping[str, str] = field(default_factory=dict)
    """Role to column that a person should think about."""
    guesses: tuple[Guess, ...] = ()


def roles_of(
    table: Table,
    facts: Mapping[str, Facts],
    *,
    label: str,
    regression: bool,
    outputs: Collection[str],
    protected: Sequence[str],
    features: tuple[str, ...] | None = None,
    categorical: tuple[str, ...] = (),
) -> Roles:
    """Say what each column is for.

    `outputs` are the columns that any model wrote, `features` and `categorical` what a model file says that
    it reads; None when none says it.
    """
    free = {name: one for name, one in facts.items() if name != label and name not in outputs}
    key = next((name for name, one in free.items() if _is_key(table, one, len(facts))), None)
    time, time_type = _time(table, free, key)
    cluster = next((name for name, one in free.items() if name != key and _is_cluster(one)), None)
    weights = [name for name, one in free.items() if has(name, WEIGHT) and one.numeric and one.distinct > 2]  # noqa: PLR2004
    weight = next((name for name in weights if joined(name) in SURELY_WEIGHT and free[name].low >= 0), None)
    leaks = {} if features is not None else _leaks(table, facts, free, label, regression=regression)
    left_out = _left_out(free, key, time, cluster, weight, leaks, weights, protected)
    found: tuple[tuple[str, str | None, Sure, str], ...] = (
        ("key", key, "sure" if key and has(key, {"id", "key", "uuid"}) else "likely",
         "no two rows share a value"),
        ("time", time, "likely", "its name and its values say when"),
        ("weight", weight, "likely", "its name says how much a row counts"),
        ("cluster", cluster, "likely", "its name says whose rows they are, and some have several"),
    )  # fmt: skip
    guesses = [
        Guess(what=what, value=name, sure=sure, why=why)
        for what, name, sure, why in found
        if name is not None
    ]
    if features is not None:
        chosen = tuple(one for one in features if one in free)
        left_out |= {name: "the model file does not name it" for name in free
                     if name not in chosen and name not in left_out and name not in protected}  # fmt: skip
        left_out = {name: why for name, why in left_out.items() if name not in chosen}
        guesses.append(Guess(what="features", value=chosen, sure="sure", why="the model file names them"))
        named = tuple(one for one in categorical if one in chosen)
    else:
        chosen = tuple(name for name in free if name not in left_out and name not in protected)
        why = "what is left; no model file says what it reads"
        guesses.append(Guess(what="features", value=chosen, sure="guess", why=why))
        named = tuple(name for name in chosen if _is_category(free[name]))
    if named:
        why = "the model file encodes them" if features is not None else "texts, and numbers that are names"
        known: Sure = "sure" if features is not None else "likely"
        guesses.append(Guess(what="categorical", value=named, sure=known, why=why))
    doubtful = next((name for name in weights if name != weight and name not in chosen), None)
    maybe = {} if doubtful is None else {"weight": doubtful}
    return Roles(
        key=key,
        time=time,
        time_type=time_type,
        weight=weight,
        cluster=cluster,
        features=chosen,
        categorical=named,
        left_out=left_out,
        maybe=maybe,
        guesses=tuple(guesses),
    )


def _is_key(table: Table, column: Facts, columns: int) -> bool:
    """Whether it tells rows apart: by its name or its place and kind, and in fact."""
    named = set(words(column.name)) & KEY or joined(column.name) in KEY or not column.name.strip()
    plain = column.type == "string" or (column.numeric and column.whole)
    ends = column.place == 0 and columns > 2  # noqa: PLR2004
    running = column.type == "integer" and column.held and column.high - column.low + 1 == column.rows
    likely = named or (column.type == "integer" and running and ends)
    full = (
        column.held == column.rows and column.distinct >= 0.9 * column.rows > 1
    )  # about: counted exactly next
    return bool(likely and plain and full and relations.unique(table, column.name))


def _is_cluster(column: Facts) -> bool:
    parts = set(words(column.name))
    whose = bool(parts & WHO) and bool(parts & {"id", "nr", "no", "number", "key", "code"})
    whose = whose or any(joined(column.name) == f"{one}id" for one in WHO)
    return whose and column.held == column.rows and 2 < column.distinct < 0.98 * column.rows  # noqa: PLR2004


def _time(table: Table, free: Mapping[str, Facts], key: str | None) -> tuple[str | None, str | None]:
    for name, one in free.items():
        if name != key and one.type in ("date", "timestamp"):
            return name, None
    for name, one in free.items():
        if name == key or one.type != "string" or (not set(words(name)) & TIME and joined(name) not in TIME):
            continue
        low, high = str(one.low), str(one.high)
        if _DAY.fullmatch(low) and _DAY.fullmatch(high):
            return name, "date" if relations.all_days(table, name) else None
    return None, None


def _leaks(
    table: Table, facts: Mapping[str, Facts], free: Mapping[str, Facts], label: str, *, regression: bool
) -> dict[str, str]:
    """Return the columns that tell the label: that determine it, or add up to it."""
    rows = facts[label].rows
    alike = [
        name
        for name, one in free.items()
        if 1 < one.distinct <= max(rows // 2, _LEAST_VALUES) and _near(one.distinct, facts[label].distinct)
    ][:_MOST_ALIKE]
    found = dict.fromkeys(
        relations.one_to_one(table, label, alike), "tells the label: each determines the other"
    )
    if regression and facts[label].distinct > _LEAST_VALUES:
        numbers = [
            name
            for name, one in free.items()
            if one.numeric and one.distinct > _LEAST_VALUES and name not in found
        ]
        for pair in relations.sum_pairs(table, label, numbers[:_MOST_NUMBERS]):
            for name, other in (pair, pair[::-1]):
                found[name] = f"tells the label: with {other!r} it adds up to it"
    return found


def _near(one: int, other: int) -> bool:
    """Whether two counts may be the same; they are approximate where they are large."""
    return abs(one - other) <= 0.1 * max(one, other)


def _left_out(  # noqa: PLR0917
    free: Mapping[str, Facts],
    key: str | None,
    time: str | None,
    cluster: str | None,
    weight: str | None,
    leaks: Mapping[str, str],
    weights: Sequence[str],
    protected: Sequence[str],
) -> dict[str, str]:
    found = dict(leaks)
    for name, why in (
        (key, "the key"),
        (time, "the time"),
        (cluster, "says whose rows they are"),
        (weight, "the weight"),
    ):
        if name is not None:
            found[name] = why  # noqa: PERF403
    for name, one in free.items():
        if name in found or name in protected:
            continue
        if one.distinct <= 1:
            found[name] = "has one value" if one.held else "is empty"
        elif name in weights and joined(name) != "weight":
            found[name] = "may be a weight"
        elif one.type in ("date", "timestamp") or (
            one.type == "string" and _DAY.fullmatch(str(one.low)) and _DAY.fullmatch(str(one.high))
        ):
            found[name] = "is a date"
        elif one.type == "string" and one.rows > _LEAST_VALUES and one.distinct > _TEXT_SHARE * one.rows:
            found[name] = "is different in most rows: a name, or free text"
    return found


def _is_category(column: Facts) -> bool:
    if column.type == "string":
        return column.distinct <= _MOST_CATEGORIES
    return (
        column.numeric
        and column.whole
        and bool(set(words(column.name)) & CODES)
        and column.distinct <= _MOST_CATEGORIES
    )
