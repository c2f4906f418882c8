"""Strict YAML: what a person wrote is what is read, or an error that names the line.

YAML 1.2 core scalars (`on` is text, `1e-3` is a number), and none of the parts of YAML that let a file say
something else than it shows: no tags, anchors, aliases, merges or duplicate keys. Then pydantic models give
the data their shape, and each of their complaints becomes `file:line: what; what to do`.
"""

from mlgate.strict_yaml.shape import MAX_TOLD, Model, Wrong, build, check, docstrings, json_schema
from mlgate.strict_yaml.text import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    Document,
    Loc,
    canonical,
    digest,
    parse,
    read,
)
from mlgate.strict_yaml.words import did_you_mean, dotted, show

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_TOLD",
    "MAX_VALUES",
    "Document",
    "Loc",
    "Model",
    "Wrong",
    "build",
    "canonical",
    "check",
    "did_you_mean",
    "digest",
    "docstrings",
    "dotted",
    "json_schema",
    "parse",
    "read",
    "show",
]
