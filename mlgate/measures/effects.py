"""What a model says when one feature is changed: curves of rows, partial dependence, permutation importance.

The rows are asked about as they are, but for one feature that is set to each of several observed values in
turn (individual conditional expectation, Goldstein et al. 2015; their mean is the partial dependence of
Friedman 2001), or is dealt out anew among the rows (permutation importance, Breiman 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgate.cells import Columns, ColumnType, Scorer
from mlgate.errors import EvidenceError, PolicyError
from mlgate.estimates import Chart
from mlgate.measures.attribution import numbers_of
from mlgate.measures.named import present
from mlgate.measures.perturbing import constant, replaced

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ORDERED: frozenset[ColumnType] = frozenset({"boolean", "integer", "number", "date", "timestamp"})
"""Types in which one value is more than another."""

BAND = (0.1, 0.9)
"""Of the rows' own curves, in a picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curves:
    """What a model says of n rows at each of g values of one feature."""

    feature: str
    values: tuple[Any, ...]
    """Shape (g,), rising: as the column holds them."""
    numbers: Floats
    """Shape (n, g)."""

    @property
    def at(self) -> Floats:
        """The values as numbers; moments by their place."""
        import numpy as np

        if all(isinstance(one, int | float) for one in self.values):
            return np.asarray(self.values, dtype=np.float64)
        return np.arange(len(self.values), dtype=np.float64)

    @property
    def slopes(self) -> Floats:
        """Shape (n,): the least-squares slope of each row's curve, per standard deviation of the values."""
        import numpy as np

        away = self.at - self.at.mean()
        found: Floats = self.numbers @ away / len(away) / float(np.sqrt(np.mean(away**2)))
        return found

    def chart(self) -> Chart:
        """Return the partial dependence, with a band that holds most rows' own curves."""
        import numpy as np

        low, high = np.quantile(self.numbers, BAND, axis=0)
        series = {"value": self.at, "mean": self.numbers.mean(axis=0), "low": low, "high": high}
        title = f"What the model says by {self.feature}"
        data = {name: tuple(float(one) for one in numbers) for name, numbers in series.items()}
        return Chart(kind="curve", title=title, data=data)


def directions(
    measure: str, increasing: Sequence[str] | None, decreasing: Sequence[str] | None, columns: Columns
) -> dict[str, int]:
    """Return +1 or -1 for each feature with a declared direction.

    Raises PolicyError when there is none, or one is declared both ways; EvidenceError when the table lacks a
    column, or its values have no order.
    """
    where = f"params of {measure}"
    if not increasing and not decreasing:
        todo = "name features under `increasing` or `decreasing`"
        raise PolicyError(where, "no feature has a direction", todo)
    both = sorted(set(increasing or ()) & set(decreasing or ()))
    if both:
        raise PolicyError(where, f"{both[0]!r} is to be both increasing and decreasing", "take one away")
    found = dict.fromkeys(present(increasing or (), columns), 1)
    found |= dict.fromkeys(present(decreasing or (), columns), -1)
    for name in found:
        if columns.types[name] not in ORDERED:
            what = f"holds values of type {columns.types[name]}, which have no order"
            raise EvidenceError(f"column {name!r}", what, "name features that are numbers, or truth values")
    return found


def declared(increasing: Sequence[str] | None, decreasing: Sequence[str] | None) -> dict[str, int]:
    """Return what `directions` does, of parameters that it has accepted."""
    return dict.fromkeys(increasing or (), 1) | dict.fromkeys(decreasing or (), -1)


def observed(column: pa.ChunkedArray, points: int) -> tuple[Any, ...]:
    """Return at most `points` values that occur, rising, the least and the greatest among them.

    Of more, those at evenly spaced ranks of the rows; missing and infinite values are left out.
    """
    import numpy as np
    import pyarrow.compute as pc

    known = column.drop_null()
    numbers = numbers_of(known)
    if numbers is not None:
        known = known.filter(np.isfinite(numbers))
    distinct = pc.unique(known)
    distinct = distinct.take(pc.sort_indices(distinct))
    if len(distinct) > points:
        ranked = known.take(pc.sort_indices(known))
        places = np.round(np.linspace(0, len(ranked) - 1, points)).astype(np.int64)
        distinct = pc.unique(ranked.combine_chunks().take(places))
    return tuple(distinct.to_pylist())


def curves(scorer: Scorer, rows: pa.Table, feature: str, values: Sequence[Any]) -> Curves:
    """Ask the model about every row with the feature set to each value; n x g rows in all."""
    import numpy as np

    column = rows.column(feature)
    found = [
        scorer.score(replaced(rows, {feature: constant(column, value)})).numbers[:, 0] for value in values
    ]
    return Curves(feature=feature, values=tuple(values), numbers=np.stack(found, axis=1))


def permutation_importance(scorer: Scorer, rows: pa.Table, *, repeats: int, seed: int) -> Floats:
    """Return by how much what the model says of a row changes when one feature is dealt out anew.

    `sklearn.inspection.permutation_importance` with the model's own numbers as the truth and the mean
    absolute difference as the loss; of several classes, summed over them. Shape (features, repeats), features
    in the order of the rows; 0 exactly where no number changes.
    """
    import numpy as np
    from sklearn.inspection import permutation_importance as permuted

    own = scorer.score(rows).numbers
    places = np.repeat(np.arange(rows.num_rows)[:, None], rows.num_columns, axis=1)

    def loss(asked: _Asked, x: NDArray[np.int64], _: object) -> float:
        return -float(np.abs(asked.predict(x) - own).sum(axis=1).mean())

    found = permuted(
        _Asked(scorer, rows),
        places,
        np.zeros(rows.num_rows),
        scoring=loss,
        n_repeats=repeats,
        random_state=seed,
    )
    return np.asarray(found.importances, dtype=np.float64)


class _Asked:
    """A scorer as scikit-learn asks it: each value is the number of the row that it is taken from."""

    def __init__(self, scorer: Scorer, rows: pa.Table) -> None:
        self._scorer, self._rows = scorer, rows

    def fit(self, *_: object) -> _Asked:
        """Do nothing: the model is fitted."""
        return self

    def predict(self, places: NDArray[np.int64]) -> Floats:
        """Return shape (n, k)."""
        import pyarrow as pa

        columns = [self._rows.column(one).take(pa.array(places[:, one])) for one in range(places.shape[1])]
        return self._scorer.score(pa.Table.from_arrays(columns, schema=self._rows.schema)).numbers
