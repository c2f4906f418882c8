"""Rates of one class against the rest: recall, precision, F1, specificity, negative predictive value.

A class whose rate has no denominator has no rate; scikit-learn counts it as 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgate.intervals import Mapped, Part, Proportion, clustered_share
from mlgate.measures.multiclass import Decided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class OneVersusRest:
    """A rate of one class: of which rows it is taken, and which of them count."""

    name: str
    """`recall`"""
    words: str
    """As a sentence has it: `negative predictive value`."""
    among: Callable[[Bools, Bools], Bools]
    """From whether a row is labelled and whether it is predicted the class, to the denominator."""
    hits: Callable[[Bools, Bools], Bools]
    empty: str
    """What is wrong where the denominator is empty, of what the rate is about: `no row is labelled {}`."""
    outside: bool = False
    """Whether it is about the rows of the other classes."""
    harmonic: bool = False
    """Whether the rate is 2 J / (1 + J) of the share J, which F1 is."""

    def lacking(self, name: str) -> str:
        """Say that the denominator of a class is empty."""
        return self.empty.format(f"other than {name}" if self.outside else name)

    @property
    def lacking_positive(self) -> str:
        """The same of the positive class of a binary table, whose other class has a name."""
        return self.empty.format("negative" if self.outside else "positive")


def _both(label: Bools, prediction: Bools) -> Bools:
    return label & prediction


def _neither(label: Bools, prediction: Bools) -> Bools:
    return ~label & ~prediction


RECALL = OneVersusRest(
    name="recall",
    words="recall",
    among=lambda label, _: label,
    hits=_both,
    empty="no row is labelled {}",
)
PRECISION = OneVersusRest(
    name="precision",
    words="precision",
    among=lambda _, prediction: prediction,
    hits=_both,
    empty="no row is predicted {}",
)
F1 = OneVersusRest(
    name="f1",
    words="F1",
    among=lambda label, prediction: label | prediction,
    hits=_both,
    empty="no row is {} by label or by prediction",
    harmonic=True,
)
SPECIFICITY = OneVersusRest(
    name="specificity",
    words="specificity",
    among=lambda label, _: ~label,
    hits=_neither,
    empty="no row is labelled {}",
    outside=True,
)
NPV = OneVersusRest(
    name="npv",
    words="negative predictive value",
    among=lambda _, prediction: ~prediction,
    hits=_neither,
    empty="no row is predicted {}",
    outside=True,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassRate:
    """The rate of one class."""

    name: str
    inside: Bools
    """Which cells it is taken of."""
    hit: Bools
    rows: int
    """In the denominator."""
    share: Proportion
    value: float | None
    """As scikit-learn has it; None without a denominator."""
    part: Part | None
    """Wilson's interval of it, of which averages are built; None without value, and with one cluster."""
    interval: Part | None
    """Of the rate by itself."""
    slope: float
    """Derivative of the rate in the share: 1 but for F1."""

    def influence(self, decided: Decided) -> Floats:
        """Return the derivative of the rate in the weight of each row of its denominator."""
        whole = float(decided.w[self.inside].sum())
        apart = self.hit[self.inside].astype(float) - float(self.share.value or 0.0)
        scaled: Floats = apart * (self.slope / whole)
        return scaled


def share_of(decided: Decided, hits: Bools, among: Bools) -> Proportion:
    """Return `hits` as a share of `among`, allowing for clusters where there are any."""
    return clustered_share(hits, among, decided.weights, decided.squares, decided.clusters)


def rates(decided: Decided, of: OneVersusRest) -> list[ClassRate]:
    """Return the rate of every class, in their order."""
    return [_rate(decided, of, place) for place in range(len(decided.classes))]


def _rate(decided: Decided, of: OneVersusRest, place: int) -> ClassRate:
    """Count one class against the rest.

    A quotient of counts, held to scikit-learn's by property tests: importing it takes longer than all else.
    """
    label, prediction = decided.label == place, decided.prediction == place
    found = rate_of(decided, decided.classes[place], of.among(label, prediction), of.hits(label, prediction))
    if found.value is None or not of.harmonic:
        return found
    return replace(
        found,
        value=f1_of_jaccard(found.value),
        part=None if found.part is None else Mapped(found.part, f1_of_jaccard),
        interval=None if found.interval is None else Mapped(found.interval, f1_of_jaccard),
        slope=2.0 / (1.0 + found.value) ** 2,
    )


def rate_of(decided: Decided, name: str, inside: Bools, hit: Bools) -> ClassRate:
    """Return the share of the cells `hit` among the cells `inside`, as the rate of a class of this name."""
    share = share_of(decided, hit, inside)
    return ClassRate(
        name=name,
        inside=inside,
        hit=hit,
        rows=decided.counted(inside),
        share=share,
        value=share.value,
        part=share.wilson,
        interval=share.interval,
        slope=1.0,
    )


def f1_of_jaccard(j: float) -> float:
    """Return F1 = 2 J / (1 + J) of J = TP / (TP + FP + FN)."""
    return 2.0 * j / (1.0 + j)
