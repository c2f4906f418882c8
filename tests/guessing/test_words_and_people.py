"""Names in several languages, and names that only look as if."""

from __future__ import annotations

import pytest

from mlgate.guessing.columns import Facts
from mlgate.guessing.protected import protected_of
from mlgate.guessing.words import joined, words


def column(name: str, values: tuple[str, ...] = ("a", "b"), **more: object) -> Facts:
    """Return the facts of a column with some values."""
    known = {"type": "string", "place": 0, "rows": 100, "held": 100, "distinct": len(values)}
    return Facts(name=name, values=tuple((one, 10) for one in values), **(known | more))  # type: ignore[arg-type]  # of the test


def test_words_of_names() -> None:
    """Case, dashes, accents."""
    assert (
        words("MaritalStatus") == words("marital-status") == words("MARITAL_STATUS") == ("marital", "status")
    )
    assert words("HTTPCode") == ("http", "code")
    assert joined("Âge group") == "agegroup"
    assert words("\x00\u202e") == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sex", "sex"),
        ("Geschlecht", "sex"),
        ("gender_code", "sex"),
        ("is_female", "sex"),
        ("sexo", "sex"),
        ("race", "race"),
        ("ethnic_group", "race"),
        ("age_group", "age"),
        ("Altersgruppe", "age"),
        ("AgeCat", "age"),
        ("customer_age", "age"),
        ("native-country", "nationality"),
        ("foreign_worker", "nationality"),
        ("Staatsangehörigkeit", "nationality"),
        ("religion", "religion"),
        ("Behinderung", "disability"),
        ("maritl", "marital status"),
        ("estado_civil", "marital status"),
    ],
)
def test_protected_names(name: str, kind: str) -> None:
    """By the name alone."""
    (found,) = protected_of({name: column(name)})
    assert found.kind == kind
    assert found.usable


@pytest.mark.parametrize(
    "name",
    ["wage", "mileage", "account_age", "package", "trace", "essex", "storage", "percentage", "interface"],
)
def test_names_that_only_look_as_if(name: str) -> None:
    """A word within a word tells nothing."""
    assert protected_of({name: column(name)}) == []


def test_values_tell_what_names_do_not() -> None:
    """`attr_3` with male and female; F and M alone may be felony and misdemeanour."""
    assert protected_of({"attr_3": column("attr_3", ("male", "female"))})[0].kind == "sex"
    assert protected_of({"q7": column("q7", ("1. White", "2. Black", "3. Asian"))})[0].kind == "race"
    assert protected_of({"charge": column("charge", ("F", "M"))}) == []


def test_an_age_in_years_is_binned_unless_there_are_groups() -> None:
    """Of both, the groups are judged."""
    years = column("age", (), type="integer", distinct=60, low=18, high=90)
    (alone,) = protected_of({"age": years})
    assert alone.binned
    assert not alone.usable
    both = protected_of({"age": years, "age_group": column("age_group")})
    assert [one.name for one in both] == ["age_group"]


def test_too_many_groups_are_named_and_not_judged() -> None:
    """Forty countries make groups of nobody."""
    (found,) = protected_of({"nationality": column("nationality", (), distinct=40)})
    assert (found.usable, found.sure) == (False, "guess")
