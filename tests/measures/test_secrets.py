"""Secrets are put together here from parts, so that no scanner takes these lines for one."""

from __future__ import annotations

import gzip
import io
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import joblib
import pytest

from mlgate.cells import (
    Answers,
    Artifact,
    ArtifactFile,
    ArtifactFound,
    Columns,
    Document,
    DocumentText,
    Stated,
    Statement,
)
from mlgate.estimates import Estimate
from mlgate.measures.artifact_secrets import SecretsInArtifacts
from mlgate.measures.scanning.secrets import search

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
RANDOM = random.Random(0)


def chance(size: int, of: str = LETTERS) -> str:
    """Return a random text."""
    return "".join(RANDOM.choices(of, k=size))


SECRETS = {
    "AWS access key id": "AK" + "IA" + chance(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "GitHub token": "gh" + "p_" + chance(36),
    "GitHub fine-grained token": "github" + "_pat_" + chance(22) + "_" + chance(59),
    "GitLab token": "gl" + "pat-" + chance(20),
    "Slack token": "xo" + "xb-" + chance(12, "0123456789") + "-" + chance(24),
    "Slack webhook": "https://hooks.slack.com/services/TA1B2C3D4E/BA1B2C3D4E/" + chance(24),
    "Google API key": "AI" + "za" + chance(35),
    "Stripe key": "sk" + "_live_" + chance(24),
    "OpenAI key": "sk-" + "proj-" + chance(60),
    "Hugging Face token": "h" + "f_" + chance(34, LETTERS[:52]),
    "npm token": "np" + "m_" + chance(36),
    "PyPI token": "py" + "pi-AgE" + chance(60),
    "Azure storage key": "Account" + "Key=" + chance(86) + "==",
    "private key": "-----BEGIN RSA PRI" + "VATE KEY-----\nMIIE",
    "JSON web token": "ey" + "J" + chance(20) + ".ey" + "J" + chance(20) + "." + chance(43),
    "password in a URL": "postgresql://scorer:" + "tr0ub4dor" + "@db.example.org/loans",
    "value that is named as a secret": "api_key = '" + chance(32) + "'",
}


def looked(tmp_path: Path, data: bytes, *, documents: dict[str, str] | None = None) -> Estimate:
    """Ask the measure of a model of one file, and of documents."""
    path = tmp_path / "model.bin"
    path.write_bytes(data)
    file = ArtifactFile(name="model.bin", path=path, bytes=len(data), sha256="")
    texts = documents or {}
    answers: dict[Any, Any] = {
        Artifact(): ArtifactFound(files=(file,)),
        Stated("documents"): Statement(value={name: f"{name}.md" for name in texts}),
    }
    assert set(SecretsInArtifacts.plan({}, Columns(names=(), types={}))) == set(answers)
    assert SecretsInArtifacts.further(Answers(answers), {}) == tuple(Document(name) for name in sorted(texts))
    for name, text in texts.items():
        answers[Document(name)] = DocumentText(location=f"{name}.md", sha256="", text=text)
    return SecretsInArtifacts.value(Answers(answers), {})


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_found_and_not_repeated(kind: str, tmp_path: Path) -> None:
    """In text, with kind and place; no part of it is in what is told."""
    secret = SECRETS[kind]
    estimate = looked(tmp_path, f"some text before\n{secret}\nand after".encode())
    assert estimate.value == 1
    (line,) = estimate.groups
    assert line.group["kind"] == kind
    assert secret not in str(estimate)
    assert secret[-12:] not in str(estimate)


@pytest.mark.parametrize("kind", [kind for kind in SECRETS if kind != "value that is named as a secret"])
def test_a_secret_of_a_known_form_is_found_in_a_compressed_pickle(kind: str, tmp_path: Path) -> None:
    """It lies in a model as an attribute of some object."""
    out = io.BytesIO()
    joblib.dump({"weights": [0.5] * 100, "connection": SECRETS[kind]}, out, compress=3)
    estimate = looked(tmp_path, out.getvalue())
    assert estimate.value == 1
    assert estimate.groups[0].group["file"] == "model.bin (zlib)"


def test_a_secret_inside_archives_is_found(tmp_path: Path) -> None:
    """As in a skops file, or a zip inside gzip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", '{"dsn": "' + SECRETS["password in a URL"] + '"}')
    estimate = looked(tmp_path, gzip.compress(out.getvalue()))
    assert estimate.value == 1
    assert estimate.groups[0].group["file"] == "model.bin (gzip): schema.json"


def test_a_secret_across_two_blocks_is_found_once(tmp_path: Path) -> None:
    """Blocks overlap."""
    for place in (2**20 - 20, 2**20, 2**21 - 4096 - 10):
        secret = SECRETS["GitHub token"].encode()
        estimate = looked(tmp_path, b"\0" * place + secret + b"\0" * 2**20)
        assert estimate.value == 1
        assert estimate.groups[0].group["byte"] == str(place)


def test_a_secret_in_a_document_is_found(tmp_path: Path) -> None:
    """Model cards quote configurations."""
    estimate = looked(tmp_path, b"weights", documents={"model_card": "token: " + SECRETS["GitHub token"]})
    assert estimate.value is not None
    assert estimate.value >= 1
    assert estimate.groups[0].group["file"] == "model_card.md"


@pytest.mark.parametrize(
    "text",
    [
        "password: ${DB_PASSWORD}",
        "postgresql://user:${PASSWORD}@host/db",
        "postgresql://user:<password>@host/db",
        "connection: env:LOANS_DB",
        "token = os.environ['TOKEN']",
        "secret: changeme-changeme-1",
        "api_key: YOUR_API_KEY_1234567",
        "https://example.org:8080/path@2x",
        "the token count of a document is tokens=1000000000000",
        "password_hash_algorithm: pbkdf2",
        "hf_model_name",
        "sk-learn-1.5.2-cp311-manylinux_2_17_x86_64",
        "eyJ is how JSON begins in base64",
        "sha256: " + "0123456789abcdef" * 4,
    ],
)
def test_what_only_looks_a_little_like_one_is_none(text: str) -> None:
    """Placeholders and references to the environment are how it should be."""
    assert not list(search(text.encode(), text=True))


def test_random_bytes_are_no_secrets(tmp_path: Path) -> None:
    """Weights are random bytes."""
    assert looked(tmp_path, b"\0" + random.Random(1).randbytes(3_000_000)).value == 0


def test_a_model_without_any_is_clean(tmp_path: Path) -> None:
    """Zero is a number."""
    estimate = looked(tmp_path, pickle.dumps({"weights": [1.5, 2.5]}))
    assert estimate.value == 0
    assert estimate.n == 1


def test_what_cannot_be_read_is_no_pass(tmp_path: Path) -> None:
    """A secret may lie in it."""
    estimate = looked(tmp_path, gzip.compress(b"x" * 10_000)[:-9])
    assert estimate.value is None
    assert "could not be looked into" in str(estimate.reason)


def test_nothing_to_look_into_is_not_measured() -> None:
    """An endpoint without documents."""
    answers = {Artifact(): ArtifactFound(reason="an endpoint"), Stated("documents"): Statement(value=None)}
    assert SecretsInArtifacts.value(Answers(answers), {}).reason == "an endpoint"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("kind", ["AWS access key id", "GitHub token", "Google API key"])
def test_texts_of_wide_letters_are_read_too(kind: str, encoding: str) -> None:
    """As NumPy keeps them in an array of texts."""
    block = b"\x07\x01\x00\x00" + f"the key: {SECRETS[kind]} ".encode(encoding) + bytes(8)
    (found,) = search(block, text=False)
    assert found.kind == kind
    width = 2 if "16" in encoding else 4
    place = 4 + 9 * width + (width - 1 if encoding.endswith("be") else 0)
    assert found.offset == place
