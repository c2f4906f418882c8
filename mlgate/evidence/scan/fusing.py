"""How few queries can answer all counts of a table.

Counts without numbers, and values of columns, are fused: as many keys as give less than about 200,000
cells go into one query, of which each statistic is a marginal. Numbers (scores, labels of a regression)
cross one set of groups at a time; a statistic whose groups are part of another's is a marginal of that one.
Counts within clusters are kept apart from all others, which would else be marginals of many more cells, and
so are scores of two models together; and scores in bins, which are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mlgate.cells import Bins, By, Counts, ScoreSum, Values
from mlgate.evidence import queries
from mlgate.evidence.scan.reading import CHAMPION, in_order, viewed

if TYPE_CHECKING:
    from mlgate.evidence.scan.survey import Survey

FUSED_CELLS = 200_000
"""Estimated cells up to which statistics share a query."""

MAX_CELLS = 1_000_000
"""More combinations of groups than this are not fetched: nobody can judge them."""

MAX_NUMBER_CELLS = 20_000_000
"""More combinations with distinct numbers, or clusters, are not fetched: they would take gigabytes."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What a query groups by."""

    roles: frozenset[str] = frozenset()
    view: str | None = None
    """Which score is counted; None when none is, or the one without a view."""
    by: frozenset[By] = frozenset()
    """The column of the clusters among them, where these are counted apart."""
    cluster: str | None = None
    binned: frozenset[ScoreSum] | None = None
    """The sums over each bin, where scores are counted in bins."""

    @classmethod
    def of(cls, statistic: Counts | Values, survey: Survey, cluster: str | None) -> Keys:
        """Return what a statistic needs to be grouped by; `cluster` is the table's column of clusters."""
        if isinstance(statistic, Values):
            return cls(by=frozenset([statistic.column]))
        within = cluster if statistic.clustered else None
        return cls(
            roles=survey.reading.roles(statistic),
            view=viewed(statistic),
            by=frozenset(statistic.by if within is None else (*statistic.by, within)),
            cluster=within,
            binned=frozenset(statistic.binned or ()) if survey.bins(statistic) else None,
        )

    def __or__(self, other: Keys) -> Keys:
        """Return the keys of either, which have the same view and clusters, and both bins or neither."""
        sums = None if self.binned is None or other.binned is None else self.binned | other.binned
        return replace(self, roles=self.roles | other.roles, by=self.by | other.by, binned=sums)

    def covers(self, other: Keys) -> bool:
        """Whether `other` is a marginal of these keys."""
        return self.roles >= other.roles and self.by >= other.by

    def cells(self, survey: Survey) -> int:
        """Estimate the number of cells, numbers left out: all combinations, seen or not.

        Clusters rarely cross all groups, and there are no more cells than rows.
        """
        product = 1
        for role in self.roles:
            product *= survey.reading.part(role, self.view).size or 1
        for one in self.by:
            product *= survey.sizes[one]
        return product if self.cluster is None else min(product, survey.rows)

    def has_numbers(self, survey: Survey) -> bool:
        """Whether any role is of numbers."""
        return any(survey.reading.part(role, self.view).size is None for role in self.roles)

    def most(self, survey: Survey) -> int:
        """Return how many cells are fetched."""
        many = self.cluster is not None or self.has_numbers(survey)
        return MAX_NUMBER_CELLS if many else MAX_CELLS

    def __str__(self) -> str:
        """Name the keys for a person: `label, prediction by age in bins, sex`."""
        view = "" if self.view is None else f" of {queries.listed([self.view])}"
        score = view if self.binned is None else " in bins"
        numbers = {"score", f"{CHAMPION}score"}
        roles = [f"{role}{score}" if role in numbers else role for role in in_order(self.roles)]
        named = ", ".join(roles) or "rows"
        by = [f"{one.column} in bins" if isinstance(one, Bins) else one for one in self.sorted_by()]
        within = "" if self.cluster is None else f", in clusters of {queries.listed([self.cluster])}"
        by = [one for one in by if one != self.cluster]
        return (f"{named} by {queries.listed(by)}" if by else named) + within

    def sorted_by(self) -> list[By]:
        """Return the groupings in an order that is the same on every run."""
        return sorted(self.by, key=repr)


@dataclass
class Share:
    """A query under construction."""

    keys: Keys
    serves: list[Counts | Values] = field(default_factory=list)


def shares(statistics: Sequence[Counts | Values], survey: Survey, cluster: str | None) -> list[Share]:
    """Divide counts, and values to be listed, among queries."""
    keyed = {one: Keys.of(one, survey, cluster) for one in statistics}
    numbered = [one for one in statistics if keyed[one].has_numbers(survey)]
    within = [one for one in statistics if keyed[one].cluster is not None and one not in numbered]
    plain = [one for one in statistics if one not in numbered and one not in within]
    packed = [*_pack(plain, keyed, survey), *_pack(within, keyed, survey)]
    kinds = sorted({_kind(keyed[one]) for one in numbered})
    alike = [[one for one in numbered if _kind(keyed[one]) == kind] for kind in kinds]
    return packed + [share for some in alike for share in _cover(some, keyed, survey)]


def _kind(keys: Keys) -> tuple[str, str, bool, bool]:
    """Return what counts of numbers must have in common to share a query.

    Two models' scores have many more combinations than one model's.
    """
    compared = any(role.startswith(CHAMPION) for role in keys.roles)
    return keys.view or "", keys.cluster or "", keys.binned is not None, compared


Keyed = dict[Counts | Values, Keys]


def _pack(statistics: Iterable[Counts | Values], keyed: Keyed, survey: Survey) -> list[Share]:
    """Fuse greedily: the largest first, each into the first query that it does not make too large."""
    largest_first = sorted(statistics, key=lambda one: (-keyed[one].cells(survey), repr(one)))
    return _dealt(largest_first, keyed, lambda share, keys: _fits(share, keys, survey))


def _fits(share: Share, keys: Keys, survey: Survey) -> bool:
    """Whether a query can serve these keys too: as it is, or grown by no more than is worth fusing."""
    if share.keys.covers(keys):
        return _is_safe(share.keys, survey)
    return (share.keys | keys).cells(survey) <= FUSED_CELLS


def _is_safe(keys: Keys, survey: Survey) -> bool:
    """Whether a query is sure to stay under the limit, so that small counts cannot fail with large ones."""
    return keys.cells(survey) <= MAX_CELLS // 2


def _cover(numbered: Iterable[Counts | Values], keyed: Keyed, survey: Survey) -> list[Share]:
    """Share queries with numbers: one for each set of groups that no other set contains."""

    def fits(share: Share, keys: Keys) -> bool:
        by = share.keys.by
        return by == keys.by or (by > keys.by and _is_safe(share.keys, survey))

    widest_first = sorted(numbered, key=lambda one: (-len(keyed[one].by), repr(one)))
    return _dealt(widest_first, keyed, fits)


def _dealt(
    statistics: Iterable[Counts | Values], keyed: Keyed, fits: Callable[[Share, Keys], bool]
) -> list[Share]:
    """Give each statistic, in this order, to the first query that it fits, or else a query of its own."""
    found: list[Share] = []
    for one in statistics:
        keys = keyed[one]
        share = next((share for share in found if fits(share, keys)), None)
        if share is None:
            share = Share(keys=keys)
            found.append(share)
        share.keys |= keys
        share.serves.append(one)
    return found
