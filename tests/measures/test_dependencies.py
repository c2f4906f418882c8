from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgate.cells import Answers, Columns, Document, DocumentText, Installed, Lock, LockFound, Pin
from mlgate.estimates import Estimate
from mlgate.measures.dependencies import DependencyAudit, PackageLicences
from mlgate.measures.licence_words import Terms, spdx_of

NOWHERE = Columns(names=(), types={})


def lock(*pins: tuple[str, str | None], **more: Any) -> LockFound:
    """Return a lock file with these packages."""
    found = tuple(Pin(name=name, version=version) for name, version in pins)
    return LockFound(**{"location": "requirements.lock", "format": "requirements", "pins": found, **more})


def audit(found: LockFound, document: Any = None, **params: Any) -> Estimate:
    """Ask security.dependency_audit."""
    every = {name: one.default for name, one in DependencyAudit.params.items()} | params
    text = document if isinstance(document, str) or document is None else json.dumps(document)
    told = None if text is None else DocumentText(location="audit.json", sha256="", text=text)
    answers: dict[Any, Any] = {Lock(): found, Document("dependency_audit"): told}
    assert set(DependencyAudit.plan(every, NOWHERE)) == set(answers)
    return DependencyAudit.value(Answers(answers), every)


def written(**vulns: list[str]) -> dict[str, Any]:
    """Return what pip-audit writes, from `name__version` to vulnerabilities."""
    return {
        "dependencies": [
            {
                "name": name.partition("__")[0],
                "version": name.partition("__")[2].replace("_", "."),
                "vulns": [{"id": one, "fix_versions": ["9"], "aliases": [f"CVE-{one}"]} for one in found],
            }
            for name, found in vulns.items()
        ]
    }


class Osv(BaseHTTPRequestHandler):
    """A database that speaks the API of osv.dev and knows of one vulnerability."""

    asked: ClassVar[list[tuple[str, str]]] = []
    headers_seen: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Answer one query."""
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name, version = question["package"]["name"], question["version"]
        self.asked.append((name, version))
        self.headers_seen.append(str(self.headers))
        vulns = []
        if (name, version) == ("jinja2", "3.1.2"):
            events = [{"introduced": "0"}, {"fixed": "3.1.3"}]
            affected = {
                "package": {"name": name, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
                "versions": [version],
            }
            vulns = [
                {"id": "GHSA-h5c8", "aliases": ["CVE-2024-22195"], "summary": "xss", "details": "xss",
                 "published": "2024-01-01T00:00:00Z", "affected": [affected]}
            ]  # fmt: skip
        body = json.dumps({"vulns": vulns}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def osv() -> Iterator[str]:
    """Serve the database on loopback."""
    Osv.asked.clear()
    Osv.headers_seen.clear()
    server = HTTPServer(("127.0.0.1", 0), Osv)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()
    thread.join()


def test_pip_audit_asks_a_real_database(osv: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every package is looked up, and what is known is named; nothing of the environment goes along."""
    pytest.importorskip("pip_audit")
    monkeypatch.setenv("GITHUB_TOKEN", "token-of-the-job")
    found = lock(("jinja2", "3.1.2"), ("numpy", "2.0.0"), ("numpy", "1.26.4"))
    estimate = audit(found, service="osv", url=osv)
    assert estimate.value == 1
    (line,) = estimate.groups
    assert line.group["package"] == "jinja2 3.1.2"
    assert line.reason == "fixed in 3.1.3"
    assert sorted(set(Osv.asked)) == [("jinja2", "3.1.2"), ("numpy", "1.26.4"), ("numpy", "2.0.0")]
    assert not any("token-of-the-job" in one for one in Osv.headers_seen)
    clean = audit(lock(("numpy", "2.0.0")), service="osv", url=osv)
    assert clean.value == 0
    assert clean.n == 1


def test_a_database_out_of_reach_is_no_pass() -> None:
    """Nobody listens on port 1."""
    pytest.importorskip("pip_audit")
    estimate = audit(lock(("numpy", "2.0.0")), service="osv", url="http://127.0.0.1:1/v1/query")
    assert estimate.value is None
    assert "the database osv could not be asked" in str(estimate.reason)
    assert "0x" not in str(estimate.reason)


def test_a_document_stands_for_the_database() -> None:
    """It has to know every package."""
    found = lock(("jinja2", "3.1.2"), ("numpy", "2.0.0"))
    assert audit(found, written(jinja2__3_1_2=[], numpy__2_0_0=[])).value == 0
    assert audit(found, written(jinja2__3_1_2=["A", "B"], numpy__2_0_0=[])).value == 2
    assert audit(found, written(jinja2__3_1_2=["A"])).value == 1
    for lacking in (written(jinja2__3_1_2=[]), written(jinja2__3_1_2=[], numpy__1_0=[]), written()):
        assert audit(found, lacking).value is None


def test_what_the_policy_accepts_and_what_is_the_author_s_own() -> None:
    """An alias is as good as the id."""
    found = lock(("jinja2", "3.1.2"), ("my-models", "1.0"))
    document = written(jinja2__3_1_2=["A", "B"])
    assert audit(found, document, own=("My_Models",)).value == 2
    assert audit(found, document, own=("my-models",), accept=("A", "CVE-B")).value == 0
    assert audit(found, written(jinja2__3_1_2=[])).value is None


@pytest.mark.parametrize(
    ("found", "document", "reason"),
    [
        (LockFound(reason="release.yaml names no lock file"), "{}", "names no lock file"),
        (lock(("numpy", None)), written(), "not audited: numpy"),
        (lock(("numpy", "1.0\n--index-url http://evil")), written(), "not audited: numpy"),
        (lock(("numpy", "1.0"), format="conda"), written(), "conda"),
        (lock(("numpy", "1.0")), None, "params.service"),
        (lock(("numpy", "1.0")), "no json", "is not what"),
        (lock(("numpy", "1.0")), "[]", "is not what"),
        (lock(("numpy", "1.0")), {"dependencies": [{"name": "numpy"}]}, "is not what"),
        (
            lock(("numpy", "1.0")),
            {"dependencies": [{"name": "numpy", "skip_reason": "not found"}]},
            "not audited",
        ),
        (lock(("numpy", "1.0")), "[" * 100_000, "is not what"),
    ],
)
def test_what_is_not_known_is_not_measured(found: LockFound, document: Any, reason: str) -> None:
    """None of these is an approval."""
    estimate = audit(found, document)
    assert estimate.value is None
    assert reason in str(estimate.reason)


# Licences -------------------------------------------------------------------------------------------------------


def licences(found: LockFound, *allow: str, known: dict[str, str] | None = None) -> Estimate:
    """Ask security.licences."""
    params = {"allow": allow, "known": known}
    (asked,) = PackageLicences.plan(params, NOWHERE)
    return PackageLicences.value(Answers({asked: found}), params)


INSTALLED = {
    "a": Installed(version="1.0", licence="MIT OR Apache-2.0"),
    "b": Installed(version="1.0", licence_words=("License :: OSI Approved :: BSD License",)),
    "c": Installed(version="1.0", licence_words=("GPL",)),
    "d": Installed(version="1.0"),
}


def test_each_package_is_held_against_what_is_allowed() -> None:
    """What is not known is not allowed."""
    found = lock(("a", "1.0"), ("b", "1.0"), ("c", "1.0"), ("d", "1.0"), installed=INSTALLED)
    assert licences(found, "MIT").value == 3
    assert licences(found, "mit", "BSD-2-Clause").value == 3
    assert licences(found, "MIT", "BSD-2-Clause", "BSD-3-Clause").value == 2
    told = {"C": "GPL-3.0-only", "d": "MIT"}
    assert licences(found, "MIT", "BSD-2-Clause", "BSD-3-Clause", known=told).value == 1


def test_without_a_lock_file_all_that_is_installed_counts() -> None:
    """And with one, the version that is installed has to be the one that it has."""
    assert licences(LockFound(installed=INSTALLED), "MIT").n == 4
    assert licences(lock(("a", "2.0"), installed=INSTALLED), "MIT").value == 1
    assert licences(lock(("zzz", "2.0"), installed=INSTALLED), "MIT").value == 1


@pytest.mark.parametrize(
    "found",
    [
        LockFound(installed=None, unknown="no environment"),
        LockFound(location="uv.lock", reason="does not parse", installed=INSTALLED),
        LockFound(installed={}),
    ],
)
def test_where_nothing_is_known_nothing_is_measured(found: LockFound) -> None:
    """Zero packages are not zero faults."""
    assert licences(found, "MIT").value is None


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT AND Apache-2.0", True),
        ("(GPL-3.0-only OR MIT) AND GPL-2.0-only", False),
        ("MIT AND (Apache-2.0 OR GPL-3.0-only)", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("GPL-2.0-only WITH Other-exception", False),
        ("", None),
        ("MIT MIT", None),
        ("MIT AND", None),
        ("(MIT", None),
        ("MIT)", None),
        ("OR MIT", None),
        ("MIT, BSD", None),
        ("MIT / BSD", None),
        ("(" * 200 + "MIT" + ")" * 200, None),
    ],
)
def test_expressions_of_spdx(expression: str, allowed: bool | None) -> None:
    """AND binds closer than OR; what is no expression is neither allowed nor not."""
    terms = Terms.of(["MIT", "Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"])
    assert terms.allow(expression) is allowed


@given(st.text(alphabet="MIT ()ANDORWH-0.\n", max_size=60))
def test_no_text_makes_an_expression_fail(text: str) -> None:
    """Metadata are written by strangers."""
    assert Terms.of(["MIT"]).allow(text) in (True, False, None)


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        (("License :: OSI Approved :: MIT License",), "(MIT)"),
        (("License :: OSI Approved :: MIT License", "whatever they wrote"), "(MIT)"),
        (("License :: OSI Approved", "MIT"), "MIT"),
        (("License :: OSI Approved :: MIT License", "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"),
         "(MIT) AND (GPL-3.0-only)"),
        (("License :: OSI Approved :: MIT License", "License :: Other/Proprietary License"), None),
        (("BSD 3-Clause",), "BSD-3-Clause"),
        (("MPL-2.0 AND MIT",), "MPL-2.0 AND MIT"),
        (("MIT AND something",), None),
        (("Copyright (c) 2020 ...",), None),
        ((), None),
    ],
)  # fmt: skip
def test_older_ways_to_state_a_licence(words: tuple[str, ...], expression: str | None) -> None:
    """Nothing is guessed: several classifiers count together, and one that is not known spoils all."""
    assert spdx_of(None, words) == expression
    assert spdx_of("Zlib", words) == "Zlib"
