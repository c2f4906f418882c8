"""Lock files: what fixes a package and what does not, in every format that is read."""

from __future__ import annotations

import json
import sys
import venv
from pathlib import Path

import pytest

from mlgate.cells import Pin
from mlgate.evidence.provenance import installed, lockfiles

HASH = "a" * 64
COMMIT = "b" * 40


def read(name: str, text: str) -> dict[str, tuple[str | None, str | None, bool]]:
    """Return version, looseness and hash of each package."""
    _, pins = lockfiles.read(name, text.encode())
    return {pin.name: (pin.version, pin.loose, pin.hashed) for pin in pins}


@pytest.mark.parametrize(
    ("line", "pin"),
    [
        ("numpy==2.1.0", Pin(name="numpy", version="2.1.0")),
        ("Scikit_Learn === 1.5.2", Pin(name="scikit-learn", version="1.5.2")),
        ("uvicorn[standard]==0.30.1", Pin(name="uvicorn", version="0.30.1")),
        ("torch==2.4.0+cpu", Pin(name="torch", version="2.4.0+cpu")),
        ("x==1!2.0rc1", Pin(name="x", version="1!2.0rc1")),
        (f"numpy==2.1.0 \\\n    --hash=sha256:{HASH}", Pin(name="numpy", version="2.1.0", hashed=True)),
        ("numpy==2.1.0 # via x", Pin(name="numpy", version="2.1.0")),
        ("a==1 ; sys_platform == 'win32'", Pin(name="a", version="1", conditional=True)),
        ("numpy", Pin(name="numpy", version=None, loose="no version")),
        ("numpy>=2.1", Pin(name="numpy", version=None, loose=">=2.1")),
        ("numpy==2.*", Pin(name="numpy", version=None, loose="==2.*")),
        ("numpy==2.1,!=2.2", Pin(name="numpy", version=None, loose="==2.1,!=2.2")),
        ("numpy~=2.1", Pin(name="numpy", version=None, loose="~=2.1")),
        (
            f"x @ https://example.org/x-1.2-py3-none-any.whl#sha256={HASH}",
            Pin(name="x", version="1.2", hashed=True),
        ),
        (f"x @ git+https://example.org/x@{COMMIT}", Pin(name="x", version=None, hashed=True)),
        (
            "x @ git+https://example.org/x@main",
            Pin(name="x", version=None, loose="an address without a hash or a commit"),
        ),
        ("-r more.txt", Pin(name="more.txt", version=None, loose="-r")),
    ],
)
def test_one_line_of_requirements(line: str, pin: Pin) -> None:
    """Exactly one version, one file or one commit fixes a package."""
    assert lockfiles.read("requirements.txt", line.encode()) == ("requirements", (pin,))


def test_options_and_comments_name_no_package() -> None:
    """What only tells pip where to look is nothing to fix."""
    text = "--index-url https://example.org/simple\n# numpy>=1\n\n--no-binary :all:\nnumpy==2.1.0\n"
    assert read("requirements.lock", text) == {"numpy": ("2.1.0", None, False)}


def test_tables_of_packages() -> None:
    """uv, poetry and pdm; the project itself is none of its packages."""
    uv = (
        'version = 1\n[[package]]\nname = "own"\nversion = "0"\nsource = { editable = "." }\n'
        '[[package]]\nname = "NumPy"\nversion = "2.1.0"\nwheels = [{ url = "x", hash = "sha256:a" }]\n'
    )
    assert read("uv.lock", uv) == {"numpy": ("2.1.0", None, True)}
    poetry = (
        '[[package]]\nname = "numpy"\nversion = "2.1.0"\noptional = false\n'
        'files = [{file = "n.whl", hash = "sha256:a"}]\n[metadata]\ncontent-hash = "x"\n'
    )
    assert read("poetry.lock", poetry) == {"numpy": ("2.1.0", None, True)}
    assert lockfiles.read("sub/pdm.lock", poetry.encode())[0] == "pdm"
    pylock = (
        'lock-version = "1.0"\n[[packages]]\nname = "numpy"\nversion = "2.1.0"\n'
        'wheels = [{ url = "x", hashes = {sha256 = "a"} }]\n[[packages]]\nname = "x"\n'
        f'vcs = {{ type = "git", url = "u", commit-id = "{COMMIT}" }}\n[[packages]]\nname = "y"\n'
    )
    assert read("pylock.toml", pylock) == {
        "numpy": ("2.1.0", None, True),
        "x": (None, None, False),
        "y": (None, "no version", False),
    }


def test_pipenv() -> None:
    """The packages of `default`; `*` fixes nothing."""
    lock = {
        "_meta": {},
        "default": {
            "numpy": {"version": "==2.1.0", "hashes": ["sha256:a"]},
            "scipy": {"version": "*"},
            "x": {"git": "u", "ref": COMMIT},
        },
        "develop": {"pytest": {"version": "*"}},
    }
    assert read("Pipfile.lock", json.dumps(lock)) == {
        "numpy": ("2.1.0", None, True),
        "scipy": (None, "*", False),
        "x": (None, None, False),
    }


def test_conda() -> None:
    """An environment, what `conda list --explicit` prints, and conda-lock."""
    environment = (
        "name: x\ndependencies:\n  - python=3.11.9\n  - numpy==2.1.0\n  - scipy=1.14\n  - blas=*=openblas\n"
        "  - conda-forge::pandas=2.2.2=py311_0\n  - pip:\n    - skops==0.10\n    - shap>=0.4\n"
    )
    assert read("environment.yml", environment) == {
        "python": ("3.11.9", None, False),
        "numpy": ("2.1.0", None, False),
        "scipy": (None, "=1.14", False),
        "blas": (None, "=*=openblas", False),
        "pandas": ("2.2.2", None, False),
        "skops": ("0.10", None, False),
        "shap": (None, ">=0.4", False),
    }
    explicit = (
        "# platform: linux-64\n@EXPLICIT\nhttps://example.org/linux-64/numpy-2.1.0-py311h1_0.conda#abc\n"
    )
    assert read("conda.txt", explicit) == {"numpy": ("2.1.0", None, True)}
    lock = (
        "version: 1\npackage:\n- name: numpy\n  version: 2.1.0\n  hash: {sha256: a}\n"
        "- name: x\n  version: '1'\n"
    )
    assert read("conda-lock.yml", lock) == {"numpy": ("2.1.0", None, True), "x": ("1", None, False)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "# nothing\n"),
        ("uv.lock", "[[package]]\nversion = 1\n"),
        ("uv.lock", "[[package]\n"),
        ("poetry.lock", "[[package]]\n[[package]]\n"),
        ("Pipfile.lock", "[]"),
        ("Pipfile.lock", "[" * 100_000),
        ("pylock.toml", "packages = 3"),
        ("conda.yml", "dependencies: {a: 1}"),
        ("environment.yml", "a: &a [*a]\n"),
        ("setup.py", "print()\n"),
        ("requirements.txt", "\xff\xfe"),
    ],
)
def test_what_is_no_lock_file_is_refused(name: str, text: str) -> None:
    """With a ValueError and no other error, so that nothing is taken for fixed."""
    with pytest.raises(ValueError, match=r"."):
        lockfiles.read(name, text.encode("latin-1"))


def test_installed_packages_are_told_from_files(tmp_path: Path) -> None:
    """Of the gate's own interpreter and of another one, which is not started."""
    here = installed.here()
    assert "numpy" in here["scikit-learn"].requires
    folder = tmp_path / "env"
    venv.create(folder, with_pip=False)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    facts = folder / "lib" / name / "site-packages" / "Some_Thing-1.2.dist-info"
    facts.mkdir(parents=True)
    text = "Metadata-Version: 2.1\nName: Some.Thing\nVersion: 1.2\nRequires-Dist: numpy>=1\nRequires-Dist: x; extra == 'y'\n"
    (facts / "METADATA").write_text(text, encoding="utf-8")
    python = folder / "bin" / "python"
    python.unlink()
    python.write_text("no program\n", encoding="utf-8")
    found = installed.of(python)
    assert (found["some-thing"].version, found["some-thing"].requires) == ("1.2", ("numpy",))
    with pytest.raises(ValueError, match="virtual environment"):
        installed.of(tmp_path / "elsewhere" / "bin" / "python")
