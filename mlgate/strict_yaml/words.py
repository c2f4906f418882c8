"""How values and complaints are worded for a person."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

MAX_SHOWN = 60

_CREDENTIALS = re.compile(r"(://)[^/@\s]*@")

_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
"""A number with a decimal comma."""

_DUE: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true/false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "null",
    "date_type": "a date (2026-01-31)",
    "datetime_type": "a time (2026-01-31T12:00:00Z)",
}
"""What pydantic's errors about a wrong type say is due."""

_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("is not more than", "gt"),
    "greater_than_equal": ("is less than", "ge"),
    "less_than": ("is not less than", "lt"),
    "less_than_equal": ("is more than", "le"),
}


def show(value: Any) -> str:
    """Return a value as YAML would have it, on one line of at most 60 characters, without credentials."""
    if isinstance(value, str):
        return f"'{_brief(value, MAX_SHOWN - 2)}'"
    return _brief(json.dumps(value, ensure_ascii=False, default=repr), MAX_SHOWN)


def dotted(loc: Sequence[str | int]) -> str:
    """Return a location as a path, `checks[0].at_most`, on one line whatever the keys hold."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{_brief(step, MAX_SHOWN)}" for step in loc)
    return "".join(parts).removeprefix(".")


def _brief(text: str, room: int) -> str:
    text = _CREDENTIALS.sub(r"\1***@", " ".join(text.split()))
    text = text if len(text) <= room else text[: room - 1] + "…"
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def did_you_mean(word: str, known: Collection[str], otherwise: str | None = None) -> str:
    """Return what to do about an unknown word: the nearest of `known`, else the list of them."""
    folded = {name.casefold().replace("-", "_"): name for name in known}
    close = difflib.get_close_matches(word.casefold().replace("-", "_"), folded, n=1)
    if close:
        return f"did you mean {show(folded[close[0]])}?"
    if otherwise is not None:
        return otherwise
    if not known:
        return "remove it"
    return f"use one of: {', '.join(sorted(known))}"


def given(value: Any, text: str | None = None) -> str:
    """Return what a value is: `'0.5' is text`. `text` is how a number is written in the file."""
    shown = show(value) if text is None else text
    match value:
        case None:
            return "is empty"
        case bool():
            return f"{shown} is true/false"
        case str():
            return f"{shown} is text" if value else "is empty text"
        case int() | float():
            return f"{shown} is a number"
        case list():
            return f"{shown} is a list"
        case _:
            return f"{shown} is a mapping"


def due(error: Mapping[str, Any]) -> str | None:
    """Return what is due where pydantic found a wrong type; None for errors of other kinds."""
    if error["type"] in ("literal_error", "enum"):
        return str(error["ctx"]["expected"])
    return _DUE.get(error["type"])


def either(dues: Collection[str]) -> str:
    """Return `text, a number or a list`."""
    left = [one for one in dict.fromkeys(dues) if one != "a whole number" or "a number" not in dues]
    return " or ".join(filter(None, (", ".join(left[:-1]), left[-1])))


def mend(value: Any, dues: Collection[str], text: str | None = None) -> str:
    """Return what to do about `value` where one of `dues` is due."""
    written = show(value) if text is None else text
    choices = [choice for one in dues for choice in re.findall(r"'([^']*)'", one)]
    todo = f"write {either(dues)}"
    if value is None:
        todo = "give it, or leave the key out"
    elif isinstance(value, str) and choices:
        todo = did_you_mean(value, choices)
    elif isinstance(value, str) and _needless_quotes(value, dues):
        todo = "take away the quotes"
    elif isinstance(value, str) and _COMMA.fullmatch(value.strip()) and "a number" in dues:
        todo = f"write {value.strip().replace(',', '.')}"
    elif "text" in dues and not isinstance(value, str | list | dict):
        todo = f'write it in quotes: "{written}"'
    elif "a list" in dues and not isinstance(value, list | dict):
        todo = f"write it as a list: [{written}]"
    return todo


def add(name: str) -> str:
    """Return what to do about a key that is missing."""
    return "add `mlgate: 1`" if name == "mlgate" else "add it"


def _needless_quotes(text: str, dues: Collection[str]) -> bool:
    if "true/false" in dues and text.casefold() in ("true", "false"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return not {"a number", "a whole number"}.isdisjoint(dues)


def complaint(error: Mapping[str, Any]) -> tuple[str, str]:
    """Return what is wrong and what to do, for a pydantic error that is not about type or keys."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    shown, todo = show(value), "correct it"
    match kind:
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            words, bound = _BOUNDS[kind]
            what, todo = f"{shown} {words} {context[bound]}", "use a number in range"
        case "string_pattern_mismatch":
            what, todo = f"{shown} does not have the form {context['pattern']}", "write it in that form"
        case "too_short" | "string_too_short":
            what = f"{shown} is too short" if value else "is empty"
            todo = f"give at least {context['min_length']}" if value else "give it, or leave the key out"
        case "too_long" | "string_too_long":
            what, todo = f"{shown} is too long", f"give at most {context['max_length']}"
        case "union_tag_not_found" | "union_tag_invalid":
            what, todo = f"{given(value)}, which is none of its forms", "write it in one of its forms"
        case "value_error" | "assertion_error":
            what = str(context.get("error", error["msg"]))
        case _:
            message = str(error["msg"])
            what = f"{shown}: {message[:1].lower()}{message[1:]}"
    return what, todo
