"""Slices in which a model does worse than elsewhere: found on one half of some rows, confirmed on the other.

For triage: where to look, not whether to ship. Slices that a policy names are judged by
`performance.worst_slice`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import CLASS, Answers, Cells, Columns, Counts, Sample, SampledRows, Statistic
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate, GroupEstimate
from mlgate.intervals import mean_of
from mlgate.measures import measure
from mlgate.measures.named import EMPTY, chosen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ALPHA = 0.05
"""Of the slices that are called weak, no more than this share is expected to be so by chance."""

LEAST_P = 1e-12
"""Smaller p-values rest on tails that no table of ours shows."""

DEPTH = 3
"""Conditions that a slice has at most."""

LEAST_SHARE = 0.02
LEAST_ROWS = 30
"""What a slice has of the rows of a half at least."""

NEEDED = 200
"""Rows without which nothing can be found and confirmed."""

MOST_ROWS = 1_000_000

CATEGORIES = 15
"""Values of a column of texts that a slice can be made of, the most frequent ones."""

EPSILON = 2.0**-52
"""Probabilities are cut to [EPSILON, 1 - EPSILON], as in log loss."""


ROUNDING = 1e-12
"""Losses that differ by no more than this share of them are equal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Split:
    """Something that rows are split by: a number, or whether a text is a certain one."""

    column: str
    values: Floats
    category: str | None = None
    """None for numbers; the values are 1.0 where the text is this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Slice:
    """A slice that was found on the first half, and what the second half says of it."""

    words: str
    inside: Floats
    """Losses of the second half's rows in it."""
    elsewhere: Floats
    p: float


@measure(
    id="performance.weak_slices",
    kind="fact",
    unit="slices",
    better="lower",
    tasks=("binary", "multiclass", "regression"),
    needs=("label", "prediction"),
    source="sklearn.tree.DecisionTreeRegressor on the loss; scipy.stats.ttest_ind, false_discovery_control",
)
class WeakSlices:
    """Number of slices in which the loss is higher than elsewhere: found by a tree, confirmed on other rows.

    Up to `rows` rows are drawn and cut in two halves. On one, a tree of depth 3 splits the rows by the
    features (or `columns`, without those to `ignore`) so that losses are alike in each leaf: log loss where
    there are scores, else whether the decision is wrong; of a regression the absolute error. Each leaf that
    looks worse there is tested on the other half, which had no part in choosing it: Welch's one-sided test
    against all other rows. Of those tests, Benjamini and Hochberg's procedure confirms what it does at a
    false discovery rate of 5 %. Of 1,000 simulated tables without a weak slice 4.6 % had one called so, with
    very skewed errors 0.5 %.

    The number is a fact about these rows and the seed and not an estimate of anything: other rows give other
    trees. It says nothing of how much worse a slice is; the table does. Rows are taken as they are, without
    weights. Where rows belong together nothing is measured.
    """

    def __init__(
        self,
        *,
        columns: list[str] | None = None,
        ignore: list[str] | None = None,
        rows: int = 20_000,
        seed: int = 0,
    ) -> None:
        """Declare the parameters: columns to make slices of, rows to draw; the gate gives the seed."""

    def plan(self, params: Mapping[str, Any], columns: Columns) -> list[Statistic]:
        """Ask for rows, and for what the values of label and decision mean."""
        if columns.cluster is not None:
            return []
        if not NEEDED <= params["rows"] <= MOST_ROWS:
            todo = f"give a number from {NEEDED} to {MOST_ROWS}"
            raise PolicyError("params of performance.weak_slices", f"rows is {params['rows']}", todo)
        label, said = str(columns.label), _said(columns)
        wanted = columns.features if params["columns"] is None else params["columns"]
        ignored = [name for name in (label, *said) if name in wanted]
        names = chosen(
            "performance.weak_slices", wanted, columns, ignore=(*(params["ignore"] or ()), *ignored)
        )
        asked: list[Statistic] = [Sample((*names, label, *said), params["rows"], params["seed"])]
        if columns.task == "regression":
            return asked
        if columns.scores and columns.task == "multiclass":
            views = (f"{CLASS}{name}" for name in columns.scores)
            return [*asked, *(Counts(("label",), (label,), view=view) for view in views)]
        asked.append(Counts(("label",), (label,)))
        return asked if columns.score else [*asked, Counts(("prediction",), said)]

    def value(self, cells: Answers, params: Mapping[str, Any]) -> Estimate:
        """Find slices and confirm them."""
        import numpy as np

        if not cells.of:
            return Estimate.missing("rows belong together, and only independent ones can confirm a slice")
        asked = next(one for one in cells.of if isinstance(one, Sample))
        drawn = cells.get(asked, SampledRows)
        counted = [(one, cells.cells(one)) for one in cells.of if isinstance(one, Counts)]
        names, loss = _losses(asked, drawn, counted)
        if not isinstance(loss, str) and drawn.rows < NEEDED:
            loss = f"{drawn.rows} rows are too few to find slices: it takes {NEEDED}"
        if not isinstance(loss, str) and float(np.ptp(loss)) == 0.0:
            loss = "the loss is the same in every row"
        if isinstance(loss, str):
            return Estimate.missing(loss if drawn.of else EMPTY, n=drawn.rows)
        splits = [one for name in names for one in _splits(name, drawn.columns[name])]
        if not splits:
            return Estimate.missing("no column varies, so there is nothing to slice by", n=drawn.rows)
        return _answer(list(_slices(splits, loss, params["seed"])), drawn.rows)


def _said(columns: Columns) -> tuple[str, ...]:
    """Return the columns that hold what the model says, as the loss needs it."""
    if columns.task == "multiclass" and columns.scores:
        return tuple(columns.scores.values())
    if columns.task == "binary" and columns.score:
        return (columns.score,)
    return (str(columns.prediction),)


def _losses(
    asked: Sample, drawn: SampledRows, counted: Sequence[tuple[Counts, Cells]]
) -> tuple[tuple[str, ...], Floats | str]:
    """Return the columns to slice by and the loss of each row, or why there is none."""
    import numpy as np

    if not counted:  # a regression
        label, prediction = asked.columns[-2:]
        loss = np.abs(drawn.columns[prediction] - drawn.columns[label])
        return asked.columns[:-2], _sound(loss, "errors")
    first = counted[0][0]
    place = asked.columns.index(str(first.by[0]))
    names, said = asked.columns[:place], asked.columns[place + 1 :]
    codes = [_codes(drawn, one, of) for one, of in counted]
    if first.view is None and len(counted) > 1:
        wrong = np.where(np.isnan(codes[0] + codes[1]), np.nan, codes[0] != codes[1])
        return names, _sound(wrong, "labels or decisions")
    scores = [drawn.columns[name] for name in said]
    if first.view is None:
        given = np.where(codes[0] == 1.0, scores[0], 1.0 - scores[0])
    else:
        given = np.sum(
            [np.where(code == 1.0, score, 0.0) for code, score in zip(codes, scores, strict=True)], axis=0
        )
    given = np.where(np.isnan(codes[0]), np.nan, given)
    return names, _sound(-np.log(np.clip(given, EPSILON, 1.0 - EPSILON)), "labels or scores")


def _sound(loss: Floats, what: str) -> Floats | str:
    import numpy as np

    lacking = int((~np.isfinite(loss)).sum())
    return f"{lacking} of {len(loss)} {what} are missing or infinite" if lacking else loss


def _codes(drawn: SampledRows, asked: Counts, of: Cells) -> Floats:
    """Return what the values of a column mean for a role, row by row; NaN where that is not known."""
    import numpy as np

    by = asked.by[0]
    values = drawn.columns[str(by)]
    numeric = values.dtype != object
    means = {
        _read(text) if numeric else text: code
        for text, code in zip(of.groups[by].tolist(), of.roles[asked.roles[0]].tolist(), strict=True)
        if text is not None
    }
    return np.array([means.get(value, np.nan) for value in values.tolist()], dtype=float)


def _read(text: str) -> float:
    """Return the number that a value is drawn as; truth values are 1 and 0."""
    return float(text == "true") if text in ("true", "false") else float(text)


def _splits(name: str, values: NDArray[Any]) -> Iterator[_Split]:
    """Yield what rows can be split by in one column: numbers as they are, texts by their frequent values."""
    import numpy as np

    if values.dtype != object:
        finite = np.where(np.isinf(values), np.nan, values)
        if len(np.unique(finite)) > 1:  # NaN counts once
            yield _Split(column=name, values=finite)
        return
    counts = Counter("missing" if value is None else value for value in values.tolist())
    frequent = sorted(counts, key=lambda value: (-counts[value], value))[:CATEGORIES]
    for category in frequent if len(counts) > 1 else ():
        same = [("missing" if value is None else value) == category for value in values.tolist()]
        yield _Split(column=name, values=np.array(same, dtype=float), category=category)


def _slices(splits: Sequence[_Split], loss: Floats, seed: int) -> Iterator[_Slice]:
    """Yield the leaves that look worse on the first half of the rows, as the second half has them."""
    import numpy as np
    from sklearn.tree import DecisionTreeRegressor

    rows = np.column_stack([one.values for one in splits])
    first = np.arange(len(loss)) % 2 == 0  # the rows come in an order by chance
    least = max(LEAST_ROWS, int(LEAST_SHARE * first.sum()))
    tree = DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=least, random_state=seed)
    tree.fit(rows[first], loss[first])
    leaves = tree.apply(rows)
    words = dict(_leaves(tree.tree_, splits))
    for leaf in np.unique(leaves[first]).tolist():
        mine = leaves == leaf
        inside, elsewhere = loss[mine & ~first], loss[~mine & ~first]
        looked = loss[mine & first].mean() > loss[first].mean()
        if looked and min(len(inside), len(elsewhere)) > 1:
            yield _Slice(words=words[leaf], inside=inside, elsewhere=elsewhere, p=_p(inside, elsewhere))


def _p(inside: Floats, elsewhere: Floats) -> float:
    """Return Welch's one-sided p-value of a higher mean inside.

    Where neither side varies, it is the chance that the rows with the higher loss are by luck those inside.
    """
    from scipy.stats import ttest_ind_from_stats

    sides = [(float(side.mean()), float(side.std(ddof=1)), len(side)) for side in (inside, elsewhere)]
    largest = max(abs(mean) for mean, *_ in sides)
    if all(spread <= ROUNDING * largest for _, spread, _ in sides):
        higher = sides[0][0] - sides[1][0] > ROUNDING * largest
        return 1 / math.comb(len(inside) + len(elsewhere), len(inside)) if higher else 1.0
    found = ttest_ind_from_stats(*sides[0], *sides[1], equal_var=False, alternative="greater").pvalue
    return float(found) if math.isfinite(found) else 1.0


def _leaves(tree: Any, splits: Sequence[_Split]) -> Iterator[tuple[int, str]]:
    """Yield each leaf with the conditions on the way to it, in words."""
    waiting: list[tuple[int, tuple[tuple[int, bool, float, bool], ...]]] = [(0, ())]
    while waiting:
        node, path = waiting.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left == right:
            yield node, _words(path, splits) or "every row"
            continue
        by, at, missing = (
            int(tree.feature[node]),
            float(tree.threshold[node]),
            bool(tree.missing_go_to_left[node]),
        )
        waiting.append((left, (*path, (by, True, at, missing))))
        waiting.append((right, (*path, (by, False, at, not missing))))


def _words(path: Sequence[tuple[int, bool, float, bool]], splits: Sequence[_Split]) -> str:
    """Say the conditions of a path, those on one number as one."""
    import numpy as np

    said = []
    for by in dict.fromkeys(step[0] for step in path):
        split, steps = splits[by], [step for step in path if step[0] == by]
        if split.category is not None:
            said.append(f"{split.column} is {'not ' if steps[-1][1] else ''}{split.category}")
            continue
        low = max((at for _, below, at, _ in steps if not below), default=None)
        high = min((at for _, below, at, _ in steps if below), default=None)
        over = "" if low is None else f"{low:.6g} < "
        under = "" if high is None else f" <= {high:.6g}"
        text = f"{split.column} > {low:.6g}" if high is None else f"{over}{split.column}{under}"
        lacking = np.isnan(split.values).any() and all(missing for *_, missing in steps)
        said.append(f"{text} or missing" if lacking else text)
    return " and ".join(said)


def _answer(found: Sequence[_Slice], rows: int) -> Estimate:
    """Count the slices that are confirmed, and list all that were tested, the surest first."""
    from scipy.stats import false_discovery_control

    adjusted = false_discovery_control([one.p for one in found]).tolist() if found else []
    tested = sorted(zip(adjusted, found, strict=True), key=lambda one: (one[0], one[1].words))
    lines = tuple(_line(one, p) for p, one in tested)
    return Estimate(value=float(sum(p <= ALPHA for p in adjusted)), n=rows, groups=lines)


def _line(one: _Slice, p: float) -> GroupEstimate:
    import numpy as np

    weights = np.ones(len(one.inside))
    told = f"mean loss elsewhere {one.elsewhere.mean():.4g}; adjusted p {_p_value(p)}"
    return GroupEstimate(
        group={"slice": one.words},
        n=len(one.inside),
        value=float(one.inside.mean()),
        rate="mean_loss",
        interval=mean_of(one.inside, weights, weights),
        judged=p <= ALPHA,
        reason=told if p <= ALPHA else f"not confirmed: {told}",
    )


def _p_value(p: float) -> str:
    """Write a p-value; of those below any that a test can tell, that they are."""
    return f"{p:.2g}" if p >= LEAST_P else f"below {LEAST_P:g}"
