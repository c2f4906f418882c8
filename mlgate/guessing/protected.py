"""Which columns say what must not matter: by their names, in several languages, and by their values.

A guess about law and people, so it errs towards asking: what is written down can be struck out, what is
not found is found by nobody. What counts as protected depends on the use and the place.
"""

from __future__ import annotations  # noqa: I001

from collections.abc import Mapping
from dataclasses import dataclass

from mlgate.guessing.columns import Facts
from mlgate.guessing.guesses import Sure
from mlgate.guessing.words import joined, words
import itertools

KINDS: Mapping[str, frozenset[str]] = {
    "sex": frozenset(
        [
            "sex",
            "gender",
            "geschlecht",
            "sexo",
            "sexe",
            "sesso",
            "genero",
            "geslacht",
            "kjonn",
            "plec",
            "genre",
            "female",
            "male",
            "isfemale",
            "ismale",
            "womanman",
            "mf",
            "seks",
            "cinsiyet",
        ]
    ),
    "race": frozenset(
        [
            "race",
            "racial",
            "ethnicity",
            "ethnic",
            "ethnie",
            "etnia",
            "etnicidad",
            "ethnicgroup",
            "raza",
            "rasse",
            "raca",
            "hispanic",
            "latino",
            "ethnizitat",
            "herkunft",
            "skincolor",
            "skintone",
            "caste",
            "tribe",
        ]
    ),
    "age": frozenset(
        [
            "age",
            "agegroup",
            "agecat",
            "agecategory",
            "agerange",
            "ageband",
            "agebin",
            "ageclass",
            "alter",
            "altersgruppe",
            "edad",
            "grupoedad",
            "idade",
            "eta",
            "leeftijd",
            "anni",
            "alder",
            "wiek",
            "over18",
            "over40",
            "over65",
            "isold",
            "isyoung",
        ]
    ),
    "nationality": frozenset(
        [
            "nationality",
            "nationalities",
            "citizenship",
            "citizen",
            "nativecountry",
            "countryofbirth",
            "birthcountry",
            "birthplace",
            "placeofbirth",
            "foreignworker",
            "foreigner",
            "foreignborn",
            "migrant",
            "immigrant",
            "immigration",
            "nationalorigin",
            "staatsangehorigkeit",
            "nationalite",
            "nacionalidad",
            "nazionalita",
            "nationaliteit",
            "mothertongue",
            "nativelanguage",
        ]
    ),
    "religion": frozenset(
        [
            "religion",
            "religious",
            "faith",
            "konfession",
            "glaube",
            "religione",
            "religiao",
            "creed",
            "denomination",
        ]
    ),
    "disability": frozenset(
        [
            "disability",
            "disabilities",
            "disabled",
            "handicap",
            "handicapped",
            "behinderung",
            "discapacidad",
            "impairment",
            "invalidity",
        ]
    ),
    "marital status": frozenset(
        [
            "marital",
            "maritl",
            "maritalstatus",
            "married",
            "civilstatus",
            "familienstand",
            "estadocivil",
            "etatcivil",
            "statocivile",
            "familystatus",
            "ismarried",
        ]
    ),
    "sexual orientation": frozenset(["orientation", "sexualorientation", "lgbt", "lgbtq", "transgender"]),
    "pregnancy": frozenset(["pregnant", "pregnancy", "schwanger", "maternity", "parental"]),
    "veteran status": frozenset(["veteran", "veteranstatus"]),
}
"""From the kind to the words of names that tell of it, accents taken off."""

PARTLY = {"orientation", "alter", "eta", "mf", "male", "married", "citizen", "immigration", "age"}
"""Words that tell of it only when they are the whole name, or nearly."""

_SEX_TELLING = frozenset(
    [
        "male",
        "female",
        "woman",
        "women",
        "man",
        "men",
        "mannlich",
        "weiblich",
        "homme",
        "femme",
        "hombre",
        "mujer",
        "masculino",
        "femenino",
    ]
)
_SEX = _SEX_TELLING | frozenset(
    [
        "m",
        "f",
        "w",
        "h",
        "d",
        "x",
        "masculine",
        "feminine",
        "maschio",
        "femmina",
        "feminino",
        "nonbinary",
        "other",
        "unknown",
        "diverse",
        "divers",
        "boy",
        "girl",
    ]
)
_RACE = frozenset(
    [
        "white",
        "black",
        "asian",
        "hispanic",
        "latino",
        "caucasian",
        "africanamerican",
        "nativeamerican",
        "pacificislander",
        "indigenous",
        "asianpacislander",
        "amerindianeskimo",
        "mixedrace",
        "biracial",
    ]
)

MOST_GROUPS = 12
"""Columns with more values give groups too small to judge; they are named, and left for a person to bin."""

_TELLING = 2
"""So many values that only one kind of column has."""

_NEARLY = 2
"""Words of a name beside the one that tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Protected:
    """A column that may say what must not matter."""

    name: str
    kind: str
    sure: Sure
    why: str
    usable: bool
    """Whether its values make groups as they are."""
    binned: bool = False
    """Whether it is a number that makes groups once it is cut."""


def protected_of(facts: Mapping[str, Facts]) -> list[Protected]:
    """Return the columns that may be protected, in the order of the table."""
    found = [one for each in facts.values() if (one := _seen(each)) is not None]
    grouped = {one.kind for one in found if one.usable}
    # Of age as a number and age in groups, the groups are what can be judged as it is.
    return [one for one in found if not (one.binned and one.kind in grouped)]


def _seen(column: Facts) -> Protected | None:
    kind, by_name = _named(column.name), True
    if kind is None:
        kind, by_name = _valued(column), False
    if kind is None or column.distinct < 2:  # noqa: PLR2004
        return None
    many = column.distinct > MOST_GROUPS
    age_number = kind == "age" and column.numeric and many
    agrees = _valued(column) == kind or (kind == "sex" and bool(column.values) and _bare(column) <= _SEX)
    sure: Sure = "sure" if by_name and (agrees or joined(column.name) in KINDS[kind]) else "likely"
    why = f"its name says {kind}" if by_name else f"its values look like {kind}"
    if by_name and agrees:
        why = f"its name and its values say {kind}"
    if age_number:
        why += "; a number, to be judged in bins"
    elif many:
        sure, why = "guess", f"{why}; {column.distinct} values are too many groups to judge as they are"
    return Protected(
        name=column.name,
        kind=kind,
        sure=sure,
        why=why,
        usable=not many,
        binned=age_number,
    )


def _named(name: str) -> str | None:
    parts, whole = words(name), joined(name)
    for kind, known in KINDS.items():
        if whole in known:
            return kind
        # `native-country` is two words that tell together; `wage` is one that does not hold `age`.
        couples = {a + b for a, b in itertools.pairwise(parts)}
        telling = (set(parts) | couples) & known
        if telling - PARTLY or (telling and len(parts) <= _NEARLY and _aged(parts, telling)):
            return kind
    return None


def _aged(parts: tuple[str, ...], telling: set[str]) -> bool:
    """Whether a short name with a word of two meanings still tells: `customer_age`, not `account_age`."""
    people = {"customer", "patient", "person", "applicant", "client", "user", "years", "group", "cat", "band",
              "range", "bin", "class", "bucket", "at", "in", "is", "status", "sex"}  # fmt: skip
    return set(parts) - telling <= people


def _bare(column: Facts) -> set[str]:
    """Return the values that are no numbers, as words, without a number in front: `2. Black`."""
    values = {joined(text) for text in column.texts if not text.lstrip("-").replace(".", "").isdigit()}
    return {value.lstrip("0123456789") for value in values}


def _valued(column: Facts) -> str | None:
    """Return what the values tell; F and M alone tell nothing, as they may be felony and misdemeanour."""
    bare = _bare(column)
    if bare <= _SEX and bare & _SEX_TELLING:
        return "sex"
    if len(bare & _RACE) >= _TELLING:
        return "race"
    return None
