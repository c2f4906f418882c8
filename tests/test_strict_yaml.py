"""Strict YAML: what is written is what is read, or an error with file and line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from mlgate import strict_yaml
from mlgate.errors import ContentError
from mlgate.strict_yaml import Document, Model, Wrong, text


class Band(Model):
    """A second band."""

    at_most: float


class Use(Model):
    """One use."""

    called: ClassVar[str] = "a check use"

    check: str
    """Which check."""
    at_most: Annotated[float, Field(ge=0)] | None = None
    from_: str | None = Field(default=None, alias="from")
    groups: tuple[str, ...] = ()
    score: str | Mapping[str, str] | None = None
    positive: str | int | float | bool | None = None
    severity: Literal["block", "warn"] = "block"
    warn: Literal["none"] | Band | None = None


class Policy(Model):
    """A policy of two keys."""

    version: str
    checks: tuple[Use, ...]
    strict: bool = False

    @model_validator(mode="after")
    def _no_copies(self) -> Self:
        """Refuse two uses of one check."""
        for place, use in enumerate(self.checks):
            if use.check == "twice":
                raise Wrong.of([Wrong("is here twice", "keep one", at=("checks", place, "check"))])
        return self


SCALAR = "text, a number or true/false"


def data(source: str) -> Any:
    """Return the data of a piece of YAML."""
    return strict_yaml.parse(source.encode(), "f.yaml").data


def read(raw: bytes) -> Document | None:
    """Return what is read from bytes; None when they are refused in the way that they must be."""
    try:
        return strict_yaml.parse(raw, "f.yaml")
    except ContentError:
        return None


def fault(source: str | bytes) -> str:
    """Return what is said about a file that cannot be read."""
    raw = source if isinstance(source, bytes) else source.encode()
    with pytest.raises(ContentError) as caught:
        strict_yaml.parse(raw, "f.yaml")
    return str(caught.value)


def faults(source: str, model: type[Model] = Policy) -> list[str]:
    """Return every problem of a file that does not fit its model."""
    with pytest.raises(ContentError) as caught:
        strict_yaml.build(strict_yaml.parse(source.encode(), "f.yaml"), model)
    return [str(problem) for problem in caught.value.problems]


def use(line: str) -> str:
    """Return a policy whose one use is the flow mapping `line`, in line 2."""
    return f'version: "1"\nchecks: [{line}]\n'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("on: yes", {"on": "yes"}),
        ("off: no", {"off": "no"}),
        ("x: 1e-3", {"x": 0.001}),
        ("x: 1.5E+3", {"x": 1500.0}),
        ("x: .5", {"x": 0.5}),
        ("x: -7", {"x": -7}),
        ("x: +7", {"x": 7}),
        ("x: 0", {"x": 0}),
        ("x: 0x1F", {"x": 31}),
        ("x: 0o17", {"x": 15}),
        ("x: 1_000", {"x": "1_000"}),
        ("x: 1:30", {"x": "1:30"}),
        ("x: 2026-01-31", {"x": "2026-01-31"}),
        ("x: 1.2.3", {"x": "1.2.3"}),
        ('x: "1"', {"x": "1"}),
        ("x: '1'", {"x": "1"}),
        ("x: |\n  1\n", {"x": "1\n"}),
        ("x: true", {"x": True}),
        ("x: FALSE", {"x": False}),
        ("x: y", {"x": "y"}),
        ("x: ~", {"x": None}),
        ("x:", {"x": None}),
        ("x: ''", {"x": ""}),
        ("{0.1: a, 2: b, null: c, true: d}", {"0.1": "a", "2": "b", "null": "c", "true": "d"}),
        ("%YAML 1.2\n---\nx: 1\n...\n", {"x": 1}),
        ('"<<": 1', {"<<": 1}),
        ("x: '<script>{{ 7*7 }}</script>'", {"x": "<script>{{ 7*7 }}</script>"}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(source: str, expected: object) -> None:
    """Types follow the core schema of YAML 1.2; keys are always their text."""
    found = data(source)
    assert found == expected
    assert {key: type(value) for key, value in found.items()} == {
        key: type(value)
        for key, value in dict(expected).items()  # type: ignore[call-overload]  # all are dicts
    }


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("a: 0.1\nb: 2\na: 0.9", 3, "'a' is here twice (first in line 1)"),
        ('1: a\n"1": b', 2, "'1' is here twice"),
        ("x: {a: 1,\n  a: 2}", 2, "'a' is here twice (first in line 1)"),
        ("a: !x 1", 1, "tags"),
        ("a: ! 1", 1, "tags"),
        ("a: !!str 1", 1, "tags"),
        ("a: 1\nb: !!python/object/apply:os.system [id]", 2, "tags"),
        ("!!map {a: 1}", 1, "tags"),
        ("!x a: 1", 1, "tags"),
        ("a: &x 1", 1, "anchors (&x)"),
        ("a: &x [1]", 1, "anchors (&x)"),
        ("a: *x", 1, "aliases (*x)"),
        ("a: 1\n<<: {b: 2}", 2, "merge keys"),
        ("{[1]: 2}", 1, "is no key"),
        ("? {a: b}\n: 1", 1, "is no key"),
        ("a: .nan", 1, "no number that a limit"),
        ("limit:\n  at_least: .NaN", 2, "no number that a limit"),
        ("a: -.inf", 1, "no number that a limit"),
        ("a: 1e999", 1, "too large"),
        ("a: " + "1" * 5000, 1, "too long"),
        ("a: 0x" + "f" * 5000, 1, "too long"),
        ("zip: 07030", 1, "starts with a zero"),
        ("a: 1\n---\nb: 1", 2, "second document"),
        ("%YAML 1.1\n---\na: 1", 1, "directive"),
        ("%TAG ! tag:x,2000:\n---\na: 1", 1, "directive"),
        ("a:\n\t- b", 2, "a tab cannot indent"),
        ("a: 1\nb: c: d", 2, "a second ': '"),
        ("a: @b", 1, "cannot start with @"),
        ("a: [1, 2", 1, "is not YAML"),
        ('a: "b', 1, "is not YAML"),
        ("a: 1\n b: 2", 2, "': '"),
        ("text: {a: one, two}", 1, "'two' is a key without a value"),
        ('"": 1\n? \n: 2', 2, "a key is empty"),
        ("a: 1\nb: \x00", 2, "NUL"),
        ('a: "\\0"', 1, "NUL"),
        ('a: "\\e[2J"', 1, "U+001B"),
        ("a: x\u202ey", 1, "U+202E"),
        ("a: x\u2028b: y", 1, "U+2028"),
        (b"a: 1\nb: \xe9", 2, "0xe9 is not UTF-8"),
    ],
)
def test_what_could_be_misread_is_refused_with_its_line(source: str | bytes, line: int, words: str) -> None:
    """Duplicate keys, tags, aliases, merges, NaN, control characters and bad syntax name file and line."""
    said = fault(source)
    assert words in said
    assert said.startswith(f"f.yaml:{line}: ")
    assert "; " in said


@pytest.mark.parametrize("source", ["", "# only a comment\n", "---\n", "null", "~", "\n\n", "\ufeff"])
def test_an_empty_file_is_an_error(source: str) -> None:
    """A file that says nothing is never read as one that allows everything."""
    assert "is empty" in fault(source)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named(encoding: str) -> None:
    """The usual wrong encoding of Windows editors is called by its name."""
    assert "is UTF-16" in fault("mlgate: 1\n".encode(encoding))


def test_a_byte_order_mark_is_read_over() -> None:
    """UTF-8 with a byte order mark is common and harmless."""
    assert strict_yaml.parse(b"\xef\xbb\xbfa: 1", "f.yaml").data == {"a": 1}


def test_a_yaml_bomb_does_not_go_off() -> None:
    """Nested aliases, which would grow to a thousand million values, are refused at once."""
    bomb = 'a: &a ["x"]\n' + "".join(
        f"{key}: &{key} [{','.join([f'*{before}'] * 9)}]\n"
        for before, key in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "anchors (&a)" in fault(bomb)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("[" * 200_000, "deeper than 50"),
        ("- " * 200_000, "deeper than 50"),
        ("a: [" + "x, " * 200_000 + "x]", "more than 100000 values"),
        ("a: " + "x" * strict_yaml.MAX_BYTES, "larger than 1024 KiB"),
        ("a: [" * 100, "deeper than 50"),
        ('"' + "\\x41" * 100_000, "is not YAML"),
    ],
)
def test_size_and_depth_are_bounded(source: str, words: str) -> None:
    """What is too large or too deep is refused in a moment, whatever it holds."""
    assert words in fault(source)


def test_fifty_levels_are_enough_and_allowed() -> None:
    """The limit of depth is inclusive."""
    assert data("[" * 50 + "1" + "]" * 50)


SOME_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Zl", "Zp"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | SOME_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SOME_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_is_read_as_json_has_it(value: Any) -> None:
    """What json.dumps writes comes back equal, numbers with their exact value and type."""
    raw = json.dumps(value, ensure_ascii=False).encode()
    if value is None:
        assert "is empty" in fault(raw)
        return
    assert json.dumps(strict_yaml.parse(raw, "f.yaml").data) == json.dumps(value)


@given(st.text() | st.text(st.sampled_from("ab:-[]{},&*!|>'\"%@`#?~<.0 1\n\t\\"), max_size=40))
def test_any_text_is_read_or_refused(source: str) -> None:
    """No text makes anything but a ContentError, and every value that is read has a line."""
    document = read(source.encode("utf-8", "surrogatepass"))
    if document is not None:
        assert document.data is not None
        last = source.count("\n") + source.count("\r") + 1
        assert all(1 <= line <= last for line in document.lines.values())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Nor do any bytes."""
    read(raw)


@given(JSON.filter(lambda value: value is not None))
def test_both_scanners_read_alike(value: Any) -> None:
    """Where PyYAML was built without its C scanner, the result is the same."""
    raw = json.dumps(value, ensure_ascii=False).encode()
    fast = strict_yaml.parse(raw, "f.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_LOADER", yaml.SafeLoader)
        assert strict_yaml.parse(raw, "f.yaml") == fast


@pytest.mark.parametrize(
    "source", ["a: ! 1", "a: *x", "a: &x 1", "a: !x 1", "<<: {a: 1}", "a: {b, c}", 'a: "\\ud83d"', "a: .nan"]
)
def test_the_slow_scanner_refuses_the_same(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing gets past the scanner of pure Python that the C scanner stops."""
    assert fault(source)
    monkeypatch.setattr(text, "_LOADER", yaml.SafeLoader)
    assert fault(source)


def test_lines_are_those_of_keys_and_items() -> None:
    """`where` names the line of the key, or of the nearest value around what does not exist."""
    document = strict_yaml.parse(b"# a\na: 1\nb:\n  c:\n    - x\n    - y\n", "f.yaml")
    assert document.where(("a",)) == "f.yaml:2"
    assert document.where(("b", "c", 1)) == "f.yaml:6"
    assert document.where(("b", "c", 7, "z")) == "f.yaml:4"
    assert document.where() == "f.yaml:2"


def test_the_digest_is_about_data_not_layout() -> None:
    """Comments and the order of keys do not change the digest of data, they do that of the file."""
    one = strict_yaml.parse(b"{a: 1, b: [x]}", "f.yaml")
    other = strict_yaml.parse(b"# note\nb:\n- x\na: 1\n", "f.yaml")
    assert strict_yaml.digest(one.data) == strict_yaml.digest(other.data)
    assert one.sha256 != other.sha256
    assert strict_yaml.digest({"a": 1}) != strict_yaml.digest({"a": "1"})


def test_read_takes_regular_files(tmp_path: Path) -> None:
    """A file is read under the name that the caller gives it."""
    path = tmp_path / "policy.yaml"
    path.write_text("a: 1\n", encoding="utf-8")
    document = strict_yaml.read(path, "policy.yaml")
    assert (document.data, document.display, document.path) == ({"a": 1}, "policy.yaml", path)


def test_read_refuses_what_is_no_file(tmp_path: Path) -> None:
    """A pipe would hang and a device never end; both are told apart before they are opened."""
    os.mkfifo(tmp_path / "pipe")
    for path, words in [
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path, "is a folder"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path / "none.yaml", "does not exist"),
        (tmp_path / "pipe" / "x", "cannot be read"),
        (tmp_path / ("x" * 300), "cannot be read"),
        (Path("a\0b"), "cannot be read"),
    ]:
        with pytest.raises(ContentError, match=words):
            strict_yaml.read(path)


def test_read_names_the_file_that_was_meant(tmp_path: Path) -> None:
    """A misspelt file name is met with its neighbour."""
    (tmp_path / "policy.yaml").write_text("a: 1", encoding="utf-8")
    with pytest.raises(ContentError, match=r"did you mean '.*policy\.yaml'"):
        strict_yaml.read(tmp_path / "polcy.yml")


def test_build_makes_the_model() -> None:
    """Lists become tuples, whole numbers stand for numbers, and text stays what it is."""
    document = strict_yaml.parse(use("{check: a, at_most: 1, groups: [x], from: b}").encode(), "f.yaml")
    made = strict_yaml.build(document, Policy)
    assert made == Policy(version="1", checks=(Use(check="a", at_most=1.0, groups=("x",), **{"from": "b"}),))


@pytest.mark.parametrize("value", ["1", "1.0", '"1"', "true"])
def test_a_union_of_scalars_keeps_the_type(value: str) -> None:
    """A label of 1, 1.0, "1" and true stay four different things."""
    document = strict_yaml.parse(use(f"{{check: a, positive: {value}}}").encode(), "f.yaml")
    found = strict_yaml.build(document, Policy).checks[0].positive
    assert (found, type(found)) == (json.loads(value), type(json.loads(value)))


def test_build_takes_a_part_of_a_document() -> None:
    """`at` builds from within, and errors still name the whole path and the line."""
    document = strict_yaml.parse(b"a:\n  - {check: x}\n  - {check: x,\n     at_most: y}\n", "f.yaml")
    assert strict_yaml.build(document, Use, at=("a", 0)).check == "x"
    with pytest.raises(ContentError, match=r"^f\.yaml:4: a\[1\]\.at_most: 'y' is text"):
        strict_yaml.build(document, Use, at=("a", 1))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "{check: a, at_mots: 0.5}",
            "f.yaml:2: checks[0]: 'at_mots' is not a key of a check use; did you mean 'at_most'?",
        ),
        (
            "{check: a, form: x}",
            "f.yaml:2: checks[0]: 'form' is not a key of a check use; did you mean 'from'?",
        ),
        (
            '{check: a, at_most: "0.5"}',
            "f.yaml:2: checks[0].at_most: '0.5' is text, a number is due; take away the quotes",
        ),
        (
            "{check: a, at_most: -1}",
            "f.yaml:2: checks[0].at_most: -1 is less than 0.0; use a number in range",
        ),
        (
            "{check: 1.10}",
            'f.yaml:2: checks[0].check: 1.10 is a number, text is due; write it in quotes: "1.10"',
        ),
        ("{check: }", "f.yaml:2: checks[0].check: is empty, text is due; give it, or leave the key out"),
        (
            "{check: a, groups: sex}",
            "f.yaml:2: checks[0].groups: 'sex' is text, a list is due; write it as a list: ['sex']",
        ),
        (
            "{check: a, positive: [1]}",
            f"f.yaml:2: checks[0].positive: [1] is a list, {SCALAR} is due; write {SCALAR}",
        ),
        (
            "{check: a, severity: blok}",
            "f.yaml:2: checks[0].severity: 'blok' is not one of 'block' or 'warn'; did you mean 'block'?",
        ),
        (
            "{check: a, warn: {at_mots: 1, at_most: 2}}",
            "f.yaml:2: checks[0].warn: 'at_mots' is not a key of a band; did you mean 'at_most'?",
        ),
        (
            "{check: a, warn: non}",
            "f.yaml:2: checks[0].warn: 'non' is text, 'none' or a mapping is due; did you mean 'none'?",
        ),
        (
            "{check: a, score: {x: 1}}",
            'f.yaml:2: checks[0].score.x: 1 is a number, text is due; write it in quotes: "1"',
        ),
        ("{at_most: 1}", "f.yaml:2: checks[0]: 'check' is missing from a check use; add it"),
        ("a", "f.yaml:2: checks[0]: 'a' is text, a mapping is due; write a mapping"),
        ("{check: twice}", "f.yaml:2: checks[0].check: is here twice; keep one"),
    ],
)
def test_each_problem_is_said_once_and_well(line: str, expected: str) -> None:
    """Where, what and what to do: one sentence for one mistake, unions included."""
    assert faults(use(line)) == [expected]


def test_all_problems_are_told_at_once() -> None:
    """A person mends a file in one go: every problem is there, in the order of the file."""
    found = faults('strict: "true"\nversion: 2\nchecks:\n- {check: a, x: 1}\n- {check: 3}\nchek: []\n')
    assert [problem.split(":")[1] for problem in found] == ["1", "2", "4", "5", "6"]


def test_values_are_shown_short_and_without_passwords() -> None:
    """An error is one line, and repeats no secret and no terminal code."""
    long = faults(use(f"{{check: a, at_most: {'x' * 500}}}"))[0]
    assert len(long) < 200
    (secret,) = faults(use("{check: a, at_most: 'postgres://u:hunter2@h/db'}"))
    assert "hunter2" not in secret
    assert strict_yaml.show("a\x1b[2J\nb") == "'a\\u001b[2J b'"


@given(JSON.filter(lambda value: value is not None))
def test_any_other_data_is_refused(value: Any) -> None:
    """Data that is not a policy, whatever it is, is refused with a ContentError."""
    document = strict_yaml.parse(json.dumps(value, ensure_ascii=False).encode(), "f.yaml")
    with pytest.raises(ContentError):
        strict_yaml.build(document, Policy)


def test_the_json_schema_agrees_with_the_model() -> None:
    """Editors accept and refuse what `build` does, and show the docstrings."""
    schema = strict_yaml.json_schema(Policy, id="urn:x")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"version": "1", "checks": [{"check": "a", "from": "b", "groups": ["c"]}]})
    assert not validator.is_valid({"version": "1", "checks": [{"check": "a", "from_": "b"}]})
    assert not validator.is_valid({"version": "1", "checks": [{"chek": "a"}]})
    assert schema["$defs"]["Use"]["properties"]["check"]["description"] == "Which check."
    assert schema["$id"] == "urn:x"


def test_check_types_one_value() -> None:
    """A single value is held against an annotation by the same rules."""
    assert strict_yaml.check(tuple[str, ...], ["a"], "f.yaml:3") == ("a",)
    with pytest.raises(ContentError, match=r"^f\.yaml:3: params\.k\[1\]: 2 is a number, text is due"):
        strict_yaml.check(tuple[str, ...], ["a", 2], "f.yaml:3", at=("params", "k"))
    with pytest.raises(ContentError, match="NaN"):
        strict_yaml.check(float, float("nan"), "f.yaml:3", at=("params", "k"))


def test_a_plain_validator_error_is_a_sentence_too() -> None:
    """Models may raise a simple ValueError; it still ends up with file and line."""

    class Even(Model):
        n: int

        @model_validator(mode="after")
        def _even(self) -> Self:
            if self.n % 2:
                raise ValueError("n is odd")
            return self

    assert faults("n: 3", Even) == ["f.yaml:1: n is odd; correct it"]


def test_very_many_problems_are_not_all_told() -> None:
    """A hostile file cannot fill the terminal, nor take minutes to complain about."""
    found = faults(use(f"{{check: a, groups: [{'1, ' * 50_000}]}}"))
    assert len(found) == strict_yaml.MAX_TOLD + 1
    assert "there may be more" in found[-1]


def test_a_key_cannot_forge_a_line_of_the_message() -> None:
    """Line breaks in keys do not reach the terminal or the log."""
    (said,) = faults(use('{check: a, score: {"a\\nb: ok": 1}}'))
    assert "\n" not in said
    assert "score.a b: ok" in said
