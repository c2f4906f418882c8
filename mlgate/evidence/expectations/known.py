"""What Great Expectations 1.x ships: its expectations and their arguments, as data.

A suite is read against this table, so that a misspelt argument is found without importing Great Expectations,
which takes seconds, and whether or not it is installed. A test holds the table against the installed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Sort: TypeAlias = Literal[
    "any",
    "bound",
    "column",
    "columns",
    "count",
    "flag",
    "format",
    "match_on",
    "number",
    "object",
    "pattern",
    "patterns",
    "quantiles",
    "schema",
    "set",
    "share",
    "texts",
]
"""What an argument may be; `reading` says what each of them means."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arguments:
    """The arguments of one expectation."""

    required: Mapping[str, Sort]
    optional: Mapping[str, Sort]
    bounded: bool = False
    """Whether it needs at least one of `min_value` and `max_value` to say anything."""


IGNORED = ("batch_id", "result_format", "catch_exceptions", "include_config")
"""Arguments that say how a result is shown, or of which batch; they change no result."""

REFUSED_ARGUMENTS: Mapping[str, tuple[str, str]] = {
    "row_condition": (
        "is a row_condition, which Great Expectations runs as a query of its author's",
        "name those rows as a table of their own: `where:` under `data:` in release.yaml",
    ),
    "condition_parser": (
        "belongs to a row_condition, which is not run",
        "name those rows as a table of their own: `where:` under `data:` in release.yaml",
    ),
    "windows": (
        "are windows over earlier runs, which a gate does not have",
        "give the bounds themselves",
    ),
}
"""Arguments that are refused wherever they say something: why, and what to do."""

_QUERIES = (
    "runs a query of its author's, and a suite of a release may run nothing",
    "say it with other expectations",
)
_ORDER = (
    "depends on the order of rows, and a table has none",
    "leave it out",
)
REFUSED: Mapping[str, tuple[str, str]] = {
    "unexpected_rows_expectation": _QUERIES,
    "expect_query_results_to_match_comparison": _QUERIES,
    "expect_table_row_count_to_equal_other_table": (
        "looks at a table that the release does not name",
        "use the check drift/new-categories, or a count that is written down",
    ),
    "expect_column_values_to_be_increasing": _ORDER,
    "expect_column_values_to_be_decreasing": _ORDER,
}
"""Expectations that are never run: why, and what to do."""

NOT_IN_MEMORY = frozenset(
    {
        "expect_column_values_to_match_like_pattern",
        "expect_column_values_to_match_like_pattern_list",
        "expect_column_values_to_not_match_like_pattern",
        "expect_column_values_to_not_match_like_pattern_list",
        "expect_multicolumn_values_to_be_equal",
    }
)
"""What Great Expectations has for databases alone."""

_COLUMN: Mapping[str, Sort] = {"column": "column"}
_PAIR: Mapping[str, Sort] = {"column_A": "column", "column_B": "column"}
_LIST: Mapping[str, Sort] = {"column_list": "columns"}
_MOSTLY: Mapping[str, Sort] = {"mostly": "share"}
_IGNORE: Mapping[str, Sort] = {"mostly": "share", "ignore_row_if": "any"}
_ENDS: Mapping[str, Sort] = {
    "min_value": "bound",
    "max_value": "bound",
    "strict_min": "flag",
    "strict_max": "flag",
}
_COUNTS: Mapping[str, Sort] = {**_ENDS, "min_value": "count", "max_value": "count"}


def _of(
    required: Mapping[str, Sort], optional: Mapping[str, Sort] | None = None, *, bounded: bool = False
) -> Arguments:
    return Arguments(required=required, optional=optional or {}, bounded=bounded)


def _each(**further: Sort) -> Arguments:
    """Return the arguments of an expectation about each value of a column."""
    return _of({**_COLUMN, **further}, _MOSTLY)


_BETWEEN = _of(_COLUMN, _ENDS, bounded=True)
_IN_SET = _of({**_COLUMN, "value_set": "set"})

KNOWN: Mapping[str, Arguments] = {
    "expect_column_distinct_values_to_be_in_set": _IN_SET,
    "expect_column_distinct_values_to_contain_set": _IN_SET,
    "expect_column_distinct_values_to_equal_set": _IN_SET,
    "expect_column_kl_divergence_to_be_less_than": _of(
        {**_COLUMN, "partition_object": "object", "threshold": "number"},
        {
            "internal_weight_holdout": "number",
            "tail_weight_holdout": "number",
            "bucketize_data": "flag",
            "min_value": "bound",
            "max_value": "bound",
        },
    ),
    "expect_column_max_to_be_between": _BETWEEN,
    "expect_column_mean_to_be_between": _BETWEEN,
    "expect_column_median_to_be_between": _BETWEEN,
    "expect_column_min_to_be_between": _BETWEEN,
    "expect_column_most_common_value_to_be_in_set": _of(
        {**_COLUMN, "value_set": "set"}, {"ties_okay": "flag"}
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": _of(_PAIR, {**_IGNORE, "or_equal": "flag"}),
    "expect_column_pair_values_to_be_equal": _of(_PAIR, _IGNORE),
    "expect_column_pair_values_to_be_in_set": _of({**_PAIR, "value_pairs_set": "any"}, _IGNORE),
    "expect_column_proportion_of_non_null_values_to_be_between": _BETWEEN,
    "expect_column_proportion_of_unique_values_to_be_between": _BETWEEN,
    "expect_column_quantile_values_to_be_between": _of(
        {**_COLUMN, "quantile_ranges": "quantiles"}, {"allow_relative_error": "any"}
    ),
    "expect_column_stdev_to_be_between": _BETWEEN,
    "expect_column_sum_to_be_between": _BETWEEN,
    "expect_column_to_exist": _of(_COLUMN, {"column_index": "count"}),
    "expect_column_type_to_be": _of({**_COLUMN, "type_": "format"}),
    "expect_column_unique_value_count_to_be_between": _of(_COLUMN, _COUNTS, bounded=True),
    "expect_column_value_lengths_to_be_between": _of(_COLUMN, {**_COUNTS, **_MOSTLY}, bounded=True),
    "expect_column_value_lengths_to_equal": _each(value="count"),
    "expect_column_value_z_scores_to_be_less_than": _each(threshold="number", double_sided="flag"),
    "expect_column_values_to_be_between": _of(_COLUMN, {**_ENDS, **_MOSTLY}, bounded=True),
    "expect_column_values_to_be_dateutil_parseable": _each(),
    "expect_column_values_to_be_in_set": _each(value_set="set"),
    "expect_column_values_to_be_in_type_list": _each(type_list="texts"),
    "expect_column_values_to_be_json_parseable": _each(),
    "expect_column_values_to_be_null": _each(),
    "expect_column_values_to_be_of_type": _each(type_="format"),
    "expect_column_values_to_be_unique": _each(),
    "expect_column_values_to_match_json_schema": _each(json_schema="schema"),
    "expect_column_values_to_match_like_pattern": _of(
        {**_COLUMN, "like_pattern": "format"}, {**_MOSTLY, "escape": "any"}
    ),
    "expect_column_values_to_match_like_pattern_list": _of(
        {**_COLUMN, "like_pattern_list": "texts"}, {**_MOSTLY, "escape": "any", "match_on": "match_on"}
    ),
    "expect_column_values_to_match_regex": _each(regex="pattern"),
    "expect_column_values_to_match_regex_list": _of(
        {**_COLUMN, "regex_list": "patterns"}, {**_MOSTLY, "match_on": "match_on"}
    ),
    "expect_column_values_to_match_strftime_format": _each(strftime_format="format"),
    "expect_column_values_to_not_be_in_set": _each(value_set="set"),
    "expect_column_values_to_not_be_null": _each(),
    "expect_column_values_to_not_be_outliers": _of(
        _COLUMN, {**_MOSTLY, "method": "any", "multiplier": "number"}
    ),
    "expect_column_values_to_not_match_like_pattern": _of(
        {**_COLUMN, "like_pattern": "format"}, {**_MOSTLY, "escape": "any"}
    ),
    "expect_column_values_to_not_match_like_pattern_list": _of(
        {**_COLUMN, "like_pattern_list": "texts"}, {**_MOSTLY, "escape": "any"}
    ),
    "expect_column_values_to_not_match_regex": _each(regex="pattern"),
    "expect_column_values_to_not_match_regex_list": _each(regex_list="patterns"),
    "expect_compound_columns_to_be_unique": _of(_LIST, _IGNORE),
    "expect_multicolumn_sum_to_equal": _of({**_LIST, "sum_total": "number"}, _IGNORE),
    "expect_multicolumn_values_to_be_equal": _of(_LIST, _IGNORE),
    "expect_select_column_values_to_be_unique_within_record": _of(_LIST, _IGNORE),
    "expect_table_column_count_to_be_between": _of(
        {}, {"min_value": "count", "max_value": "count"}, bounded=True
    ),
    "expect_table_column_count_to_equal": _of({"value": "count"}),
    "expect_table_columns_to_match_ordered_list": _of({"column_list": "columns"}),
    "expect_table_columns_to_match_set": _of({"column_set": "columns"}, {"exact_match": "flag"}),
    "expect_table_row_count_to_be_between": _of({}, _COUNTS, bounded=True),
    "expect_table_row_count_to_equal": _of({"value": "count"}),
}
"""From the type of an expectation to its arguments."""

ABOUT_TABLE = frozenset(name for name in KNOWN if name.startswith("expect_table_")) | {
    "expect_column_to_exist"
}
"""Expectations that do not need a column that they name, or need all."""
