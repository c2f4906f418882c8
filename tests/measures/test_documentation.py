from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate import catalogue
from mlgate.cells import Answers, Columns, Document, DocumentText, Stated, Statement
from mlgate.errors import PolicyError
from mlgate.estimates import Estimate
from mlgate.measures import Measure, documentation
from mlgate.measures.markdown import count_words, sections, sentences

NOWHERE = Columns(names=(), types={})
CARD = """\
---
license: mit
limitations: this is metadata, and no section
---
# Loan ranker

A model that ranks loans.

## Intended use ##

Ranks loan applications for review by a person.

Limitations
-----------

### Known gaps

Never tried on applicants under 21 or on loans to companies.

```markdown
# Training data
a heading in a block of code is text and no heading
```

<!--
## Evaluation
a comment that nobody reads
-->
"""


def read(measure: Measure, text: str | None, **params: Any) -> Estimate:
    """Ask a measure of a model card with this text; None when none is declared."""
    every = {name: one.default for name, one in measure.params.items()} | params
    assert measure.plan(every, NOWHERE) == (Document("model_card"),)
    found = None if text is None else DocumentText(location="CARD.md", sha256="0", text=text)
    return measure.value(Answers({Document("model_card"): found}), every)


def state(measure: Measure, value: object, **params: Any) -> Estimate:
    """Ask a measure of a statement with this value; None when it is left out."""
    every = {name: one.default for name, one in measure.params.items()} | params
    (planned,) = measure.plan(every, NOWHERE)
    assert isinstance(planned, Stated)
    return measure.value(Answers({planned: Statement(value=value)}), every)


def test_headings_of_markdown() -> None:
    """Both kinds of heading count; metadata, code and comments do not."""
    assert [(one.level, one.title) for one in sections(CARD)] == [
        (0, ""),
        (1, "Loan ranker"),
        (2, "Intended use"),
        (2, "Limitations"),
        (3, "Known gaps"),
    ]


def test_a_section_holds_what_is_below_it() -> None:
    """A heading whose text stands under its own subheadings is not empty."""
    limitations = next(one for one in sections(CARD) if one.title == "Limitations")
    assert "under 21" in limitations.text
    assert limitations.words > 10


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("#No heading", [""]),
        ("####### seven", [""]),
        ("    # indented code", [""]),
        ("# A #b# ##", ["", "A #b#"]),
        ("text\n\n---\n\nmore", [""]),
        ("- item\n---\nmore", [""]),
        ("Title\n===", ["", "Title"]),
        ("#", ["", ""]),
        ("~~~\n# code\n```\n# still code\n~~~\n# A", ["", "A"]),
        ("```\n# never closed", [""]),
        ("<!-- # gone\n# B", [""]),
        ("---\nname: x\n# no end of metadata", ["", "no end of metadata"]),
        ("", [""]),
    ],
)
def test_corners_of_markdown(text: str, titles: list[str]) -> None:
    """What looks like a heading and is none, and the reverse."""
    assert [one.title for one in sections(text)] == titles


def test_sentences_end_where_people_end_them() -> None:
    """Full stops, blank lines and items of a list end a sentence; numbers do not."""
    assert sentences("One is 0.5 wide. Two\ngoes on\n\nThree\n- four\n- five!") == (
        "One is 0.5 wide",
        "Two\ngoes on",
        "Three",
        "- four",
        "- five!",
    )


def test_placeholders_are_no_words() -> None:
    """What a template says before anybody wrote in it does not count."""
    assert count_words("[More Information Needed] TODO: tbd") == 0
    assert count_words("well-known, isn't it? 42 _x_") == 5


@pytest.mark.parametrize(
    "text",
    [
        "<!--" * 60_000,
        "# a\n" * 60_000,
        "###### a\n# b\n" * 25_000,
        "\n" * 250_000,
        " " * 250_000,
        "a" * 250_000,
        "- \n" * 80_000,
        "#" * 250_000,
        "[" * 250_000,
        "threshold " * 25_000,
        "`" * 250_000,
        "'-" * 125_000,
        "@." * 125_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_hostile_document_is_read_in_good_time(text: str) -> None:
    """A quarter of a megabyte of anything takes a moment, not a morning: a quadratic reader would hang here."""
    read(documentation.Limitations, text)
    read(documentation.ThresholdRationale, text)
    state(documentation.Owners, [text])
    state(documentation.IntendedUse, text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="#-=`~<!> \n\tab.", max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    """No text raises, levels are 0 to 6, and only the first section has no rank."""
    levels = [one.level for one in sections(text)]
    assert levels[0] == 0
    assert all(1 <= level <= 6 for level in levels[1:])
    sentences(text)


def test_model_card_names_what_is_lacking() -> None:
    """Each section is a line that says why it does not hold."""
    wanted = {"use": ["intended use"], "limits": ["limitations", "caveats"], "data": ["training data"]}
    found = read(documentation.ModelCard, CARD, sections=wanted)
    assert found.value == 0
    assert [(one.group["section"], one.value, one.reason) for one in found.groups] == [
        ("use", 1, None),
        ("limits", 1, None),
        ("data", 0, "no heading says 'training data'"),
    ]
    del wanted["data"]
    assert read(documentation.ModelCard, CARD, sections=wanted).value == 1


def test_a_heading_matches_by_whole_words_in_any_case() -> None:
    """`Uses` is no `misuses`, and hyphens and capitals make no difference."""
    wanted = {"use": ["in-scope uses"]}
    text = "## IN scope: Uses\n\none two three four five"
    assert read(documentation.ModelCard, text, sections=wanted).value == 1
    assert read(documentation.ModelCard, text, sections={"use": ["scope use"]}).value == 0


def test_a_section_needs_words() -> None:
    """Four words are fewer than the five of the check; the longest section of several counts."""
    text = "# Limitations\none two three four\n# Other limitations\none two three four five"
    assert read(documentation.Limitations, text, min_words=5).value == 1
    found = read(documentation.Limitations, text, min_words=6)
    assert (found.value, found.groups[0].reason) == (0, "5 words, fewer than 6")
    empty = read(documentation.Limitations, "# Limitations", min_words=0)
    assert (empty.value, empty.groups[0].reason) == (0, "0 words, fewer than 1")


@pytest.mark.parametrize("wanted", [None, {}, {"limits": []}])
def test_a_model_card_without_wanted_sections_is_refused(wanted: object) -> None:
    """To look for nothing would always hold."""
    with pytest.raises(PolicyError, match="name the headings"):
        read(documentation.ModelCard, CARD, sections=wanted)


def test_the_shipped_headings_fit_the_usual_templates() -> None:
    """A card after Hugging Face's template, filled in, has every section of the shipped check."""
    headings = (
        "Model Details",
        "Uses",
        "Bias, Risks, and Limitations",
        "Training Details",
        "Evaluation",
    )
    text = "\n".join(f"## {heading}\n\nwords that say something of use" for heading in headings)
    check = catalogue.load()["documentation/model-card"]
    assert read(documentation.ModelCard, text, **check.params).value == 1
    assert read(documentation.ModelCard, text.replace("Uses", "Misuses"), **check.params).value == 0


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("## Decision threshold\n\nChosen by the risk team on the tuning set of May.", True),
        ("A cut-off of 0.4 was set since misses cost five times as much.", True),
        ("The cutoff was taken from the literature on this very disease.", True),
        ("Threshold: 0.5", False),
        ("## Threshold\n\nTODO", False),
        ("Thresholding is a word that names no threshold.", True),
        ("The model is a tree.", False),
    ],
)
def test_threshold_rationale(text: str, holds: bool) -> None:
    """A section, or a sentence of some length that names it."""
    assert read(documentation.ThresholdRationale, text).value == holds


@pytest.mark.parametrize(
    "measure",
    [documentation.Limitations, documentation.ThresholdRationale, documentation.ModelCard],
    ids=lambda one: one.id,
)
def test_a_document_that_is_not_declared_is_not_measured(measure: Measure) -> None:
    """Nothing is known of a card that the release does not name."""
    params = {"sections": {"use": ["use"]}} if measure is documentation.ModelCard else {}
    found = read(measure, None, **params)
    assert found.value is None
    assert found.reason == "the release has no document 'model_card'; add it under `documents:`"


@pytest.mark.parametrize(
    ("stated", "holds", "reason"),
    [
        ("Rank loan applications for manual review", True, None),
        ("Loan ranking", False, "2 words, fewer than 5"),
        ("TODO TBD FIXME TODO TBD", False, "0 words, fewer than 5"),
        (None, False, "is not stated"),
        ("", False, "0 words, fewer than 5"),
        (12345, False, "0 words, fewer than 5"),
    ],
)
def test_intended_use(stated: object, holds: bool, reason: str | None) -> None:
    """A statement that is left out is measured, and absent."""
    found = state(documentation.IntendedUse, stated)
    assert (found.value, found.groups[0].reason) == (holds, reason)


@pytest.mark.parametrize(
    ("owners", "holds"),
    [
        (["risk-ml@example.org"], True),
        (["Risk <risk-ml@example.org>"], True),
        (["mailto:risk-ml@example.org"], True),
        (["@acme/risk-ml"], True),
        (["#risk-ml"], True),
        (["Risk ML team"], True),
        (("Alex", "Model Risk Committee"), True),
        (["Alex"], False),
        (["alex@"], False),
        (["alex@localhost"], False),
        (["steamed"], False),
        ([], False),
        (None, False),
        ("risk-ml@example.org", False),
    ],
)
def test_owners(owners: object, holds: bool) -> None:
    """Somebody who can be reached: an address, a handle or a team."""
    assert state(documentation.Owners, owners).value == holds
