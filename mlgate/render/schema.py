"""The JSON Schema of `report.json`, generated from the classes of `findings`, and what it calls volatile.

`reports/report.schema.json` is this schema, written down; a test holds the two equal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, ConfigDict

from mlgate import content
from mlgate.findings import SCHEMA, Report

ID = "urn:mlgate:schema:report:1"

VOLATILE: Mapping[str, tuple[str, ...]] = {
    "Report": ("as_of", "started_at", "finished_at"),
    "SourceRecord": ("run_url", "actor"),
    "Finding": ("seconds",),
}
"""Fields that may differ between two runs of the same input: clocks, and who pressed which button."""

MEASURED = (
    "outcome",
    "leans",
    "value",
    "value_all",
    "interval",
    "n",
    "judged_share",
    "warned",
    "decides",
    "groups",
    "reason",
    "needed_n",
    "charts",
)
"""What of a finding is volatile when its kind is `timing`: everything that was measured."""

Node = Mapping[str, Any]


class Written(BaseModel):
    """What a report has to be when it is read: every type exact, no unknown key, no infinite number.

    The strictness reaches the plain dataclasses inside, because they have no settings of their own.
    """

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, defer_build=True)
    """Built when the first report is read: a run only writes one, and need not wait for this."""

    report: Report


class _Described(Written):
    """The same for the schema: fields carry their docstrings, and mlgate writes every one of them."""

    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_serialization_defaults_required=True)


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `report.json`.

    Volatile fields carry `"x-volatile": true`, or the condition under which they are volatile:
    `"x-volatile": {"kind": "timing"}`.
    """
    definitions = _Described.model_json_schema(mode="serialization")["$defs"]
    for name, definition in definitions.items():
        definition.pop("title", None)
        for field, node in definition.get("properties", {}).items():
            node.pop("title", None)
            node.pop("default", None)
            if field in VOLATILE.get(name, ()):
                node["x-volatile"] = True
            elif name == "Finding" and field in MEASURED:
                node["x-volatile"] = {"kind": "timing"}
    top = definitions.pop("Report")
    top["properties"]["schema"]["const"] = SCHEMA
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, "title": "mlgate report"}
    return {**head, **top, "$defs": definitions}


def stable(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report, as read from its JSON, without what the schema calls volatile.

    Two runs on the same input give the same, byte for byte once dumped with sorted keys.
    """
    return cast("dict[str, Any]", _stable(report, _written()))


def _stable(value: Any, node: Node) -> Any:
    node = _resolved(node)
    if isinstance(value, Mapping) and "properties" in node:
        described = node["properties"]
        return {
            name: _stable(one, described.get(name, {}))
            for name, one in value.items()
            if not _volatile(described.get(name, {}), value)
        }
    if isinstance(value, list):
        return [_stable(one, node.get("items", {})) for one in value]
    return value


def _volatile(node: Node, owner: Mapping[str, Any]) -> bool:
    mark = node.get("x-volatile", False)
    if isinstance(mark, Mapping):
        return all(owner.get(name) == wanted for name, wanted in mark.items())
    return bool(mark)


def _resolved(node: Node) -> Node:
    """Follow a reference, and of a choice between null and something take the something."""
    for choice in node.get("anyOf", ()):
        if "$ref" in choice or "items" in choice:
            return _resolved(choice)
    if "$ref" in node:
        found: Node = _written()["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    return node


@cache
def _written() -> Node:
    """Return the schema as `reports/` has it, which every run needs and is read far sooner than made."""
    found: Node = json.loads((content.folder("reports") / "report.schema.json").read_bytes())
    return found
