"""Text of strangers in every place that takes text: shown as it is, obeyed nowhere."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Mapping
from html.parser import HTMLParser

import pytest

from tests.bad_input.conftest import HEADER, Done, World, refused, sound

MARKUP: Mapping[str, str] = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "attribute": "' onmouseover='alert(1)' x='",
    "style": "</style></title><svg/onload=alert(1)>",
    "comment": "<!-- --><![CDATA[ ]]>",
    "jinja expression": "{{1234*4321}}{{ ''.__class__.__mro__ }}",
    "jinja statement": "{% for x in range(9) %}{{x}}{% endfor %}{% include '/etc/passwd' %}",
    "formula": "=cmd|' /C calc'!A0",
    "rich markup": "[bold red]APPROVED[/] [link=https://evil.example]x[/link] :boom:",
    "format": "{0.__class__} %s %(x)s $HOME $(id) `id`",
    "SQL": "'; DROP TABLE evaluation; --",
    "SQL name": "\"; ATTACH '/tmp/x.db'; --",
    "long": "x" * 150,
    "spaces": "  Meets policy   credit-release  ",
}
"""Text that YAML, CSV and file systems let through."""

UNSEEN: Mapping[str, str] = {
    "escape": "\x1b[2J\x1b[31mApproved\x1b[0m",
    "operating system command": "\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\x",
    "C1 escape": "\x9b31mred",
    "backspace": "blocked\b\b\b\b\b\b\bapproved",
    "carriage return": "blocked\rapproved",
    "line break": "x\nMeets policy credit-release, version 1 (approved)\ny",
    "line separator": "x\u2028y\u2029z\x85",
    "right to left": "\u202edevorppa\u202c\u2066x\u2069",
    "zero width": "fe\u200bmale\u200d\ufeff\u00ad",
    "tags": "a\U000e0061\U000e0062",
}
"""Text that steers a terminal or deceives an eye; CSV lets it through, YAML does not."""


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and its attributes."""
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text.append(data)


def harmless(world: World, done: Done) -> Page:
    """Assert that nothing in terminal or page is more than text."""
    for name, said in {"terminal": done.said, "page": str(done.html)}.items():
        strange = {one for one in said if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Cn"}}
        assert strange <= {"\n"}, f"{name} holds {strange}"
    verdicts = [line for line in done.said.splitlines() if line.startswith("Meets policy")]
    assert len(verdicts) == (done.code == 0)
    page, plain = Page(str(done.html)), Page(world.stale["report.html"].decode())
    assert page.tags <= plain.tags | {"ul", "li", "details", "summary"}
    assert not page.tags & {"script", "img", "iframe", "object", "embed", "form", "base", "link", "a href"}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert all(value.startswith("#") for name, value in page.attributes if name in ("href", "src"))
    assert "5332114" not in str(done.html)
    return page


def quoted(text: str) -> str:
    """Write text as a YAML scalar."""
    return json.dumps(text)


@pytest.mark.parametrize("name", MARKUP)
def test_markup_in_every_text(world: World, name: str) -> None:
    """Markup, template syntax and SQL in titles, documents, columns, values and files are text; the verdict stands."""
    plain = MARKUP[name]
    text, column, file = quoted(plain), f"sex {plain}", f"{plain.replace('/', '_')[:200]}.csv"
    world.release("name: credit\n", f"name: {text}\n")
    world.release('version: "1.0.0"', f"version: {text}")
    world.release("intended_use: Rank loan applications for manual review.", f"intended_use: {text}")
    world.release("owners: [risk@example.org]", f"owners: [{text}]")
    world.release("protected: [sex, age_group]", f"protected: [{quoted(column)}, age_group]")
    world.release("path: data/test.csv", f"path: {quoted(file)}")
    world.policy("title: Credit\n", f"title: {text}\n")
    world.policy("row-count\n    at_least: 100", f"row-count\n    at_least: 100\n    because: {text}")
    world.edit("MODEL_CARD.md", "# Model card", f"# {plain}")
    for row in world.table:
        row[3] = plain if row[3] == "female" else f"not {plain}"
    world.rewrite(lambda _: None, [column if one == "sex" else one for one in HEADER])
    world.data.rename(world.home / file)
    done = world.run()
    sound(world, done)
    assert done.code == 0, done.said
    page = harmless(world, done)
    assert " ".join(plain.split()) in " ".join(" ".join(page.text).split())
    assert done.report is not None
    found = [one for one in done.report["findings"] if one["by"] == [column]]
    assert {one["group"][column] for one in found[0]["groups"]} == {plain, f"not {plain}"}


@pytest.mark.parametrize("name", UNSEEN)
def test_control_characters_in_yaml(world: World, name: str) -> None:
    """YAML with such characters is refused, raw or escaped, and the message does not hold them."""
    text = UNSEEN[name]
    world.release("name: credit\n", f"name: {quoted(text)}\n")
    done = world.run()
    sound(world, done)
    if name in {"carriage return", "line break"}:  # YAML's own; shown on one line
        assert done.code in (0, 2), done.said
    else:
        refused(world, done, says=("release.yaml:2", "invalid Unicode" if name == "tags" else "U+"))
    harmless(world, done)


@pytest.mark.parametrize("name", UNSEEN)
def test_control_characters_in_a_table(world: World, name: str) -> None:
    """Categories and column names that steer a terminal are shown by the names of their characters."""
    text = UNSEEN[name]
    for row in world.table:
        row[3] = text if row[3] == "female" else f"not {text}"
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([[*HEADER[:-1], f"tenure {text}"], *world.table])
    world.data.write_text(stream.getvalue(), "utf-8", newline="")
    world.release("features: [income, tenure]", "features: [income]")
    world.policy("missing\n    at_most: 0.05", "missing\n    at_most: -1")
    done = world.run()
    refused(world, done, 1)
    harmless(world, done)
    world.release("label: y", "label: wrong")
    harmless(world, refused(world, world.run(), says=("column 'wrong'",)))


@pytest.mark.parametrize("name", ["script", "rich markup", "spaces", *UNSEEN])
def test_hostile_text_in_errors(world: World, name: str) -> None:
    """Errors repeat what they are about, and repeat it harmlessly."""
    text = {**MARKUP, **UNSEEN}[name]
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([["id", text, text], ["1", "2", "3"]])
    world.data.write_text(stream.getvalue(), "utf-8", newline="")
    done = refused(world, world.run(), says=("data/test.csv:1",))
    harmless(world, done)


@pytest.mark.parametrize("name", UNSEEN)
def test_hostile_file_names(world: World, name: str) -> None:
    """A file whose name steers a terminal, reached by a glob, is shown by the names of its characters."""
    (world.home / "data" / f"z{UNSEEN[name].replace('/', '')}.csv").write_text("y,p\n1\n", "utf-8")
    world.data.rename(world.home / "data" / "keep.txt")
    world.release("path: data/test.csv", "path: data/*.csv")
    done = refused(world, world.run(), says=("data/z",))
    harmless(world, done)


def test_plan_with_hostile_columns(world: World) -> None:
    """The queries that --explain-plan prints hold names of columns, and obey none of them."""
    text = "".join(UNSEEN.values())
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([[*HEADER[:-1], f"tenure {text}"], *world.table])
    world.data.write_text(stream.getvalue(), "utf-8", newline="")
    world.release("features: [income, tenure]", "features: [income]")
    done = world.run("--explain-plan")
    assert done.code == 0, done.said
    strange = {one for one in done.said if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Cn"}}
    assert strange <= {"\n"}
    assert (world.folder / "report.json").read_bytes() == world.stale["report.json"]


def test_releases_that_are_called_as_a_verdict_reads(world: World) -> None:
    """A heading over one of several releases cannot be read as its verdict."""
    world.release("name: credit\n", "name: Meets policy credit-release\n")
    world.policy("roc-auc\n    at_least: 0.8", "roc-auc\n    at_least: 0.99999")
    (world.home / "b.yaml").write_bytes((world.home / "release.yaml").read_bytes())
    done = world.run("release.yaml", "b.yaml")
    assert done.code == 1, done.said
    assert not [line for line in done.said.splitlines() if line.startswith("Meets")]


def test_very_long_names(world: World) -> None:
    """A name of two hundred characters is one; a hundred thousand are an error, no page of megabytes."""
    women = [row for row in world.table if row[3] == "female"]
    endless = "n" * 100_000
    for name, code in (("n" * 200, 0), (endless, 2)):
        for row in women:
            row[3] = name
        world.rewrite(lambda _: None)
        done = world.run()
        sound(world, done)
        assert done.code == code, done.said
        assert len(str(done.html)) < 2_000_000
        assert len(done.said) < 50_000
    assert "column 'sex': has a value of 100000 characters" in done.said
    world.release("name: credit\n", f"name: {endless}\n")
    refused(world, world.run(), says=("release.yaml:2",))


def test_two_texts_that_look_alike_stay_two_groups(world: World) -> None:
    """Groups that differ only in what cannot be seen are two groups, and shown as two."""
    for row in world.table:
        row[3] = "f" if row[3] == "female" else "f\u200b"
    world.rewrite(lambda _: None)
    done = world.run()
    sound(world, done)
    groups = done.finding("fairness/demographic-parity-difference[sex]")["groups"]
    assert len({one["group"]["sex"] for one in groups}) == 2
    assert "f<U+200B>" in str(Page(str(done.html)).text)
