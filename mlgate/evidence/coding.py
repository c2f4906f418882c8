"""What the values of the label and of the prediction mean: which is positive, which negative.

Being wrong here turns a good model into a bad one or, worse, the other way round. So nothing is guessed:
values that do not plainly match what the release says end the run with an EvidenceError.

Two values match when they are the same number or truth value however written (1, 1.0, "1" and true are
one value, 0, 0.0, "0" and false another); texts match exactly, spaces and case included.

A column with one distinct value that is not the positive one may hold one class, or the positive value may
be misspelt. It is refused when it plainly belongs to another coding: a number where the positive value is a
text (or the reverse), or a text that differs from it by spaces or case alone. Else, unless all is 0 and 1, it
is a fault (`unproven`): nothing is measured on what nothing shows to be the negative class.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mlgate.errors import EvidenceError
from mlgate.evidence import canonical, queries
from mlgate.strict_yaml import did_you_mean

if TYPE_CHECKING:
    import ibis.expr.types as ir

CLASSES = 2
"""Distinct values of a binary label."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_TRUTH = {"true": "1", "false": "0"}
_BINARY = {"0", "1"}
_SHOWN = 40
"""Characters of a value that a message shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The values that a column of classes holds, as one query found them."""

    where: str
    """The table and column, as messages name them."""
    column: str
    distinct: int
    values: tuple[object, ...]
    """The smallest and the largest value; all there is when `distinct` is at most two. Missing left out."""

    def __str__(self) -> str:
        """List the values for a message."""
        return ", ".join(shown(one) for one in self.values) or "no values"


@dataclass(frozen=True, kw_only=True, slots=True)
class Coding:
    """Which values of a column are positive and negative, as the column holds them."""

    positive: object | None
    """None when the table has no positive row."""
    negative: object | None
    """None when the table has no negative row."""

    def expression(self, column: ir.Column) -> ir.IntegerColumn:
        """Return 1 where `column` is positive, 0 where it has another value, null where it is missing."""
        import ibis

        there = (column.notnull(), ibis.literal(0, "int8"))
        if self.positive is None:
            return ibis.cases(there)
        return ibis.cases((matches(column, self.positive), ibis.literal(1, "int8")), there)


def matches(column: ir.Column, value: object) -> ir.BooleanColumn:
    """Whether a column holds a value that came from it, to the last bit."""
    import ibis

    kind = column.type()
    if kind.is_floating():
        return column.cast("float64") == queries.real(float(str(value)))
    return column == ibis.literal(value, kind)


def shown(value: object) -> str:
    """Return a value as a message shows it: escaped, and cut when it is long."""
    text = repr(value) if isinstance(value, str) else yaml(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def token(value: object) -> str:
    """Return a text that two values share exactly when they match."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float, Decimal)):
        return canonical.number(value)
    text = str(value)
    if _NUMBER.fullmatch(text):
        return canonical.number(Decimal(text))
    return _TRUTH.get(text, text)


def code_label(found: Found, positive: object | None) -> Coding:
    """Match the values of the label with the value that the release calls positive.

    Raises EvidenceError when there are more than two values, when none of two is the positive one, when
    the one value belongs to another coding, or when no positive value is given and the labels are not 0
    and 1 or false and true.
    """
    _at_most_two(found, "label", "a binary task has two classes: name a column with two values")
    if positive is None:
        if not {token(one) for one in found.values} <= _BINARY:
            raise EvidenceError(
                found.where,
                f"the label has the values {found}, and nothing says which is positive",
                f"add `positive:` under `columns:`, for example `positive: {yaml(found.values[-1])}`",
            )
        positive = 1
    return _split(found, "label", positive, "positive")


def code_prediction(
    found: Found,
    *,
    positive: object | None,
    prediction_positive: object | None,
    label: Found | None = None,
    role: str = "prediction",
) -> Coding:
    """Match the values of the prediction column with the value that means positive there.

    That is `prediction_positive` when the release gives one; the other value is then negative. Else the
    prediction has to be coded as the label is: `positive`, and the label's other value where the table's
    `label` shows one. Messages call it by its `role`.

    Raises EvidenceError when there are more than two values or they do not match.
    """
    _at_most_two(
        found,
        role,
        "a prediction is one of two classes: name a column with two values, or leave `prediction:` out "
        "and let `score:` and `threshold:` decide",
    )
    if prediction_positive is not None:
        return _split(found, role, prediction_positive, "prediction_positive")
    negative = "0" if positive is None else _negative(label, positive)
    positive = 1 if positive is None else positive
    strange = [one for one in found.values if token(one) not in {token(positive), negative}]
    if strange and negative is not None:
        raise _no_match(found, role, positive, "prediction_positive")
    return _split(found, role, positive, "prediction_positive")


def _negative(label: Found | None, positive: object) -> str | None:
    """Return the name of the negative class, None where the label shows none."""
    values = label.values if label else ()
    return next((token(one) for one in values if token(one) != token(positive)), None)


def unproven(found: Found, role: str, positive: object | None, key: str) -> str | None:
    """Say that the positive value occurs in no row, so that nothing shows that it is written right.

    A misspelt positive value would make a column of nothing but positives one of nothing but negatives.
    None when it occurs, when there are no values, and when all is 0 and 1, where the other value is known.
    """
    wanted = token(1 if positive is None else positive)
    there = {token(one) for one in found.values}
    if not there or wanted in there or there | {wanted} <= _BINARY:
        return None
    meant = shown(1 if positive is None else positive)
    return (
        f"no row of {role} {shown(found.column)} has the value {meant}; it holds only {found}; "
        f"correct `{key}:`, or judge rows of both classes"
    )


def check_favourable(
    favourable: object, *, positive: object | None, where: str, classes: Sequence[Found]
) -> str | None:
    """Return why it is unknown which class the favourable value is; None when that is plain.

    It is plain for the positive value, and for the other value of the columns that are written as the label
    is. Where they hold no other value, 0 and 1 are still each other's counterparts.

    Args:
        favourable: As the release states it.
        positive: As the release states it; None: 1.
        where: For the error, where no column shows any value.
        classes: The label, and the prediction when it is written as the label is, as far as they are there.

    Raises:
        EvidenceError: The columns hold both classes, or the negative one, and it is neither.
    """
    positive = 1 if positive is None else positive
    wanted, known = token(favourable), token(positive)
    values = {token(one): one for column in classes for one in column.values}
    others = values.keys() - {known}
    if wanted == known or wanted in others or (not others and {wanted, known} == _BINARY):
        return None
    if others:
        spelt = [one if isinstance(one, str) else yaml(one) for one in ({known: positive} | values).values()]
        raise EvidenceError(
            next((column.where for column in classes if column.values), where),
            f"`favourable: {yaml(favourable)}` under `columns:` is no value of the label, which has "
            + ", ".join(map(shown, ({known: positive} | values).values())),
            did_you_mean(
                str(favourable), spelt, "set `favourable:` to the value of the outcome that people want"
            ),
        )
    return (
        f"no row shows which class `favourable: {yaml(favourable)}` is: the positive value is "
        f"{shown(positive)}, and no other occurs; correct `favourable:`, or judge rows of both classes"
    )


def _at_most_two(found: Found, role: str, todo: str) -> None:
    if found.distinct > CLASSES:
        raise EvidenceError(
            found.where, f"the {role} has {found.distinct} distinct values, among them {found}", todo
        )


def _split(found: Found, role: str, positive: object, key: str) -> Coding:
    """Divide at most two values into the positive one and the other."""
    matching = [one for one in found.values if token(one) == token(positive)]
    others = [one for one in found.values if token(one) != token(positive)]
    if len(matching) == CLASSES:
        raise EvidenceError(
            found.where,
            f"the {role} writes one class in two ways, {found}",
            "write each class in one way",
        )
    alike = [one for one in others if _lookalike(one, positive)]
    other_kind = [one for one in others if _is_number(one) != _is_number(positive)]
    if len(others) == CLASSES or alike or (others and other_kind and not matching):
        raise _no_match(found, role, positive, key)
    return Coding(
        positive=matching[0] if matching else None,
        negative=others[0] if others else None,
    )


def _no_match(found: Found, role: str, positive: object, key: str) -> EvidenceError:
    others = [one for one in found.values if token(one) != token(positive)]
    alike = next((one for one in others if _lookalike(one, positive)), None)
    what = f"the {role} has the values {found}, which do not match the positive value {shown(positive)}"
    if alike is not None:
        return EvidenceError(
            found.where,
            f"{what} ({shown(alike)} differs from it by spaces or case alone)",
            f"set `{key}: {yaml(alike)}`, or write the values of the column alike",
        )
    guess = 1 if {token(one) for one in found.values} <= _BINARY else found.values[-1]
    return EvidenceError(
        found.where,
        what,
        f"set `{key}:` to the value that means positive, for example `{key}: {yaml(guess)}`",
    )


def _lookalike(value: object, positive: object) -> bool:
    """Whether two values that do not match would, but for spaces and case."""
    return token(value) != token(positive) and token(folded(value)) == token(folded(positive))


def folded(value: object) -> object:
    """Return a text without the spaces around it and without case; other values as they are."""
    if isinstance(value, str):
        return unicodedata.normalize("NFKC", value).strip().casefold()
    return value


def _is_number(value: object) -> bool:
    return _NUMBER.fullmatch(token(value)) is not None


def yaml(value: Any) -> str:
    """Return a value as one writes it in release.yaml."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool):
        return "true" if value else "false"
    return token(value)
