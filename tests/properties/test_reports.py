"""What holds for the report of any run: it is valid, complete, and every renderer can show it."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mlgate.render import record
from mlgate.render.html import to_html
from tests.properties.conftest import TASKS, Shape, drawn, examples, judge, shapes
from tests.properties.oracles import models

SCHEMA = Draft202012Validator(record.schema())
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Nesting(HTMLParser):
    """Follows the tags of a page; every one that opens has to close, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a tag; nothing in a report runs or loads anything."""
        self.tags.add(tag)
        assert not any(name.startswith("on") or name in ("src", "srcset") for name, _ in attrs), attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close a tag."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text.append(data)


SETTINGS = st.fixed_dictionaries(
    {
        "limit": st.sampled_from([0.05, 0.3, 0.7, 0.95]),
        "decision": st.sampled_from(["point", "guard", "bound"]),
        "on_inconclusive": st.sampled_from(["block", "lean", "warn"]),
        "severity": st.sampled_from(["block", "warn", "info"]),
        "because": st.sampled_from(["{{ 7 * 7 }}", "<b onclick=x>why</b>", "é & co"]),
        "judge_unknown": st.booleans(),
    }
)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@given(
    shape=shapes(),
    seed=st.integers(0, 999),
    settings=SETTINGS,
    sliced=st.booleans(),
    product=st.booleans(),
    parquet=st.booleans(),
)
@examples(5)
def test_any_report_is_valid_and_can_be_shown(  # noqa: PLR0917  Hypothesis passes by name
    task: str,
    shape: Shape,
    seed: int,
    settings: dict[str, Any],
    sliced: bool,
    product: bool,
    parquet: bool,
) -> None:
    """It keeps to its schema, reads back as itself, and its page is well formed and runs nothing.

    What each finding has to hold is asserted of every report that these properties judge: see `sound`.
    """
    table = drawn(replace(shape, task=task))
    first, second = table.protected
    uses = models(table, seed, few=5, **settings)
    for one in uses:
        if one["check"].startswith("performance/") and sliced:
            one["slices"] = [first, [first, {second: [0, 1]}] if shape.numbers != "booleans" else second]
        elif one["check"].startswith("fairness/") and "strata" not in one.get("params", {}) and product:
            one["groups"] = [[first, second]]
    report = judge(table, uses, parquet=parquet, min_group=10)
    written = record.to_json(report)
    SCHEMA.validate(json.loads(written))
    assert record.to_json(record.from_json(written)) == written
    _well_formed(to_html(report, digest=record.digest(written)), {one["because"] for one in uses})


def _well_formed(page: str, said: set[str]) -> None:
    found = Nesting()
    found.feed(page)
    found.close()
    assert not found.open
    assert not {"script", "iframe", "object", "embed", "form"} & found.tags
    text = "".join(found.text)
    assert all(one in text for one in said if one.isascii())
