"""Which values of a label or prediction are positive, and which are refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.errors import EvidenceError
from mlgate.evidence.coding import Found, check_favourable, code_label, code_prediction, token, unproven


def found(*values: object, distinct: int | None = None) -> Found:
    """Return what a column with these distinct values looks like after the first look."""
    return Found(
        where="test.csv: column 'y'",
        column="y",
        distinct=len(values) if distinct is None else distinct,
        values=values,
    )


@pytest.mark.parametrize("one", [1, 1.0, "1", True, Decimal("1.00"), "true", "1.0"])
@pytest.mark.parametrize("other", [1, 1.0, "1", True])
def test_ways_to_write_one_match(one: object, other: object) -> None:
    """One is one, as an integer, a float, a text or a truth value."""
    assert token(one) == token(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(" 1", 1), ("1 ", "1"), ("yes", "Yes"), ("yes", True), ("01", 1), ("1e0", 1), (">50K", ">50k"), ("", 0)],
)
def test_texts_match_exactly(one: object, other: object) -> None:
    """Spaces, case and other notations make another value."""
    assert token(one) != token(other)


@pytest.mark.parametrize(
    ("values", "positive", "is_positive", "is_negative"),
    [
        ((0, 1), None, 1, 0),
        ((False, True), None, True, False),
        (("0", "1"), None, "1", "0"),
        ((0.0, 1.0), 0, 0.0, 1.0),
        ((1, 2), 1, 1, 2),
        ((1, 2), "2", 2, 1),
        (("1", "2"), 1.0, "1", "2"),
        ((False, True), "true", True, False),
        (("<=50K", ">50K"), ">50K", ">50K", "<=50K"),
        ((-1, 1), 1, 1, -1),
    ],
)
def test_label_is_split_by_the_positive_value(
    values: tuple[object, ...], positive: object, is_positive: object, is_negative: object
) -> None:
    """Of two values, the one that matches is positive, however it is written."""
    coding = code_label(found(*values), positive)
    assert coding.positive is is_positive
    assert coding.negative is is_negative


@pytest.mark.parametrize(
    ("values", "positive", "is_positive"),
    [
        ((), None, None),
        ((), "x", None),
        ((0,), None, None),
        ((1,), None, 1),
        ((2,), 1, None),
        (("no",), "yes", None),
    ],
)
def test_one_class_or_none_is_not_an_error(
    values: tuple[object, ...], positive: object, is_positive: object
) -> None:
    """A table of one class is coded; the measures say what cannot be measured on it."""
    assert code_label(found(*values), positive).positive == is_positive


@pytest.mark.parametrize(
    ("values", "positive", "says"),
    [
        (("<=50K", ">50K"), None, "`positive: '>50K'`"),
        ((1, 2), None, "nothing says which is positive"),
        (("yes",), None, "nothing says which is positive"),
        (("<=50K", ">50K"), ">50k", "differs from it by spaces or case alone"),
        (("<=50K", ">50K"), 1, "do not match the positive value 1"),
        ((0, 1), "yes", "`positive: 1`"),
        ((" 1", "0"), 1, "`positive: ' 1'`"),
        (("Yes", "yes"), "yes", "by spaces or case"),
        (("YES",), "yes", "by spaces or case"),
        ((0,), "yes", "do not match"),
        (("no",), 1, "do not match"),
        (("1", "1.0"), 1, "writes one class in two ways"),
    ],
)
def test_label_that_does_not_match_is_refused(
    values: tuple[object, ...], positive: object, says: str
) -> None:
    """The error names the column, the values and what to write."""
    with pytest.raises(EvidenceError) as caught:
        code_label(found(*values), positive)
    assert str(caught.value).startswith("test.csv: column 'y': ")
    assert says in str(caught.value)


def test_three_label_values_are_refused() -> None:
    """More than two classes are not binary."""
    with pytest.raises(EvidenceError, match="3 distinct values, among them 'High', 'Medium'"):
        code_label(found("High", "Medium", distinct=3), "High")


@pytest.mark.parametrize(
    ("values", "positive", "prediction_positive", "label", "is_positive"),
    [
        ((0, 1), None, None, (0, 1), 1),
        ((0, 1), 1, None, (False, True), 1),
        (("0", "1"), 1, None, (0, 1), "1"),
        ((0, 1), ">50K", 1, ("<=50K", ">50K"), 1),
        ((0, 1), 1, 1, (1, 2), 1),
        ((1, 2), 1, None, (1, 2), 1),
        ((0,), ">50K", 1, ("<=50K", ">50K"), None),
        (("<=50K",), ">50K", None, ("<=50K", ">50K"), None),
        (("approve", "deny"), "good", "approve", ("bad", "good"), "approve"),
        ((1, 2), 1, None, None, 1),
        ((0, 1), 1, None, (1,), 1),
        ((), ">50K", None, ("<=50K", ">50K"), None),
    ],
)
def test_prediction_is_split(
    values: tuple[object, ...],
    positive: object,
    prediction_positive: object,
    label: tuple[object, ...] | None,
    is_positive: object,
) -> None:
    """A prediction is coded as the release says, else as the label is."""
    coding = code_prediction(
        found(*values),
        positive=positive,
        prediction_positive=prediction_positive,
        label=None if label is None else found(*label),
    )
    assert coding.positive == is_positive


@pytest.mark.parametrize(
    ("values", "positive", "prediction_positive", "label"),
    [
        ((0, 1), ">50K", None, ("<=50K", ">50K")),
        ((1,), ">50K", None, ("<=50K", ">50K")),
        ((0,), ">50K", None, None),
        ((0, 1), 1, None, (1, 2)),
        ((0, 1), 2, None, (1, 2)),
        ((0,), 1, None, (1, 2)),
        ((0, 1), 2, None, None),
        ((0, 1), ">50K", ">50K", ("<=50K", ">50K")),
    ],
)
def test_prediction_in_another_coding_is_refused(
    values: tuple[object, ...],
    positive: object,
    prediction_positive: object,
    label: tuple[object, ...] | None,
) -> None:
    """Zeros and ones beside other labels need `prediction_positive`, and the error proposes it."""
    with pytest.raises(EvidenceError, match="`prediction_positive: 1`"):
        code_prediction(
            found(*values),
            positive=positive,
            prediction_positive=prediction_positive,
            label=None if label is None else found(*label),
        )


def test_scores_given_as_predictions_are_refused() -> None:
    """A prediction column of many values is no decision."""
    with pytest.raises(EvidenceError, match=r"812 distinct values, among them 0\.01, 0\.99; "):
        code_prediction(found(0.01, 0.99, distinct=812), positive=1, prediction_positive=None)


def test_values_are_escaped_and_cut_in_messages() -> None:
    """A value of the data cannot drive the terminal or flood the log."""
    with pytest.raises(EvidenceError) as caught:
        code_label(found("\x1b[31m" + "x" * 5000, "y"), "z")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400


SCALARS = st.one_of(
    st.integers(-5, 5), st.booleans(), st.sampled_from([0.5, 1.0, -0.0]), st.text(max_size=3), st.just(None)
)


@given(first=SCALARS, second=SCALARS, positive=SCALARS)
def test_two_classes_are_never_confused(first: object, second: object, positive: object) -> None:
    """Whatever the values, each class gets one of them, the positive one matching, or it is refused."""
    values = [one for one in (first, second) if one is not None]
    if len(values) < 2 or first == second:
        return
    try:
        coding = code_label(found(*values), positive)
    except EvidenceError:
        return
    assert token(coding.positive) == token(1 if positive is None else positive)
    assert token(coding.negative) != token(coding.positive)
    assert {token(coding.positive), token(coding.negative)} == {token(one) for one in values}


@pytest.mark.parametrize(
    ("values", "positive", "says"),
    [
        (("approve",), "aprove", "no row of prediction 'y' has the value 'aprove'; it holds only 'approve'"),
        ((0,), 2, "has the value 2; it holds only 0"),
        (("approve", "deny"), "approve", None),
        ((0,), 1, None),
        (("1",), 0, None),
        ((), "x", None),
    ],
)
def test_a_positive_value_that_never_occurs_is_unproven(
    values: tuple[object, ...], positive: object, says: str | None
) -> None:
    """It may be misspelt; only 0 and 1 vouch for each other."""
    found_fault = unproven(found(*values), "prediction", positive, "prediction_positive")
    assert found_fault is None if says is None else says in (found_fault or "")


@pytest.mark.parametrize(
    ("favourable", "positive", "values"),
    [
        ("approved", "approved", ("approved", "denied")),
        ("denied", "approved", ("approved", "denied")),
        ("denied", "approved", ("denied",)),
        ("approved", "approved", ("approved",)),
        ("approved", "approved", ()),
        (0, None, (0, 1)),
        (0, 1, (1,)),
        (0, 1, ()),
        ("false", True, ()),
        (1, 2, (1, 2)),
    ],
)
def test_a_favourable_value_of_the_label_is_plain(
    favourable: object, positive: object, values: tuple[object, ...]
) -> None:
    """The positive value, the other one of the label, or the other of 0 and 1."""
    classes = [found(*values)]
    assert check_favourable(favourable, positive=positive, where="t", classes=classes) is None


@pytest.mark.parametrize(
    ("favourable", "positive", "values", "says"),
    [
        ("aproved", "approved", ("approved", "denied"), "has 'approved', 'denied'; did you mean 'approved'?"),
        ("maybe", "approved", ("denied",), "`favourable: 'maybe'` under `columns:` is no value of the label"),
        (2, None, (0, 1), "is no value of the label"),
        (0, 1, (1, 2), "is no value of the label"),
    ],
)
def test_a_favourable_value_that_is_none_is_refused(
    favourable: object, positive: object, values: tuple[object, ...], says: str
) -> None:
    """A misspelt one would turn the impact ratio round."""
    with pytest.raises(EvidenceError) as caught:
        check_favourable(favourable, positive=positive, where="t", classes=[found(*values)])
    assert str(caught.value).startswith("test.csv: column 'y': ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("favourable", "positive", "values"),
    [("aproved", "approved", ("approved",)), ("denied", "approved", ()), (2, 1, (1,)), (0, 2, ())],
)
def test_a_favourable_value_that_no_row_shows_is_a_fault(
    favourable: object, positive: object, values: tuple[object, ...]
) -> None:
    """Whether it is misspelt cannot be told from one class."""
    fault = check_favourable(favourable, positive=positive, where="t", classes=[found(*values)])
    assert fault is not None
    assert "no row shows which class `favourable:" in fault
