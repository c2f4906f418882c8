"""Attacks first: every way that a pickle can hide what it imports, then models that must not be suspected."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlgate import catalogue
from mlgate.cells import Answers, Artifact, ArtifactFile, ArtifactFound, Columns, Stated, Statement
from mlgate.estimates import Estimate
from mlgate.measures.artifact_pickles import Allowed, PickleImports, SafeFormat
from mlgate.measures.scanning import streams as streams_of
from mlgate.measures.scanning.pickles import Global

ALLOW = tuple(catalogue.load()["security/pickle-imports"].params["allow"])
NOWHERE = Columns(names=(), types={})
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

EVIL = b"cos\nsystem\n(S'touch owned'\ntR."
"""Protocol 0: os.system('touch owned')."""


def text(value: str) -> bytes:
    """Return the opcode of a short text."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def artifact(
    path: Path, data: bytes, *, format: str | None = "pickle", trust: str = "pickle"
) -> ArtifactFound:
    """Write a model of one file."""
    path.write_bytes(data)
    return found((path,), format=format, trust=trust)


def found(paths: tuple[Path, ...], *, format: str | None = "pickle", trust: Any = "pickle") -> ArtifactFound:
    """Return what the gate answers of some files."""
    files = tuple(
        ArtifactFile(name=one.name, path=one, bytes=one.stat().st_size, sha256="0" * 64) for one in paths
    )
    return ArtifactFound(files=files, location="model", format=format, trust=trust, sha256="0" * 64)


def imports(answer: ArtifactFound, *, also: tuple[str, ...] = ()) -> Estimate:
    """Ask security.pickle_imports with the shipped list."""
    params = {"allow": ALLOW, "also": also}
    (asked,) = PickleImports.plan(params, NOWHERE)
    return PickleImports.value(Answers({asked: answer}), params)


def scan(tmp_path: Path, data: bytes, **how: Any) -> Estimate:
    """Ask it of a file of these bytes."""
    return imports(artifact(tmp_path / "model.pkl", data, **how))


def said(estimate: Estimate) -> str:
    """Return all that the groups say, in one text."""
    return "\n".join(f"{dict(one.group)} {one.reason}" for one in estimate.groups)


def zipped(data: bytes, name: str = "archive/data.pkl", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive with one member."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def tarred(data: bytes) -> bytes:
    """Return a tar archive with one member."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("data.pkl")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def npy(data: bytes, descr: str = "'|O'") -> bytes:
    """Return a .npy file whose header announces objects."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


ATTACKS: dict[str, bytes] = {
    "GLOBAL and REDUCE": EVIL,
    "STACK_GLOBAL": b"\x80\x04" + text("os") + text("system") + b"\x93" + text("id") + b"\x85R.",
    "STACK_GLOBAL out of the memo": (
        b"\x80\x04" + text("system") + b"\x94" + b"0" + text("os") + b"h\x00\x93" + text("id") + b"\x85R."
    ),
    "STACK_GLOBAL of long texts of other opcodes": (
        b"\x80\x04X\x02\x00\x00\x00os\x8d\x06\x00\x00\x00\x00\x00\x00\x00system\x93" + text("id") + b"\x85R."
    ),
    "names as texts of protocol 0": b"Vos\nS'system'\n\x93S'id'\n\x85R.",
    "a number that pickletools refuses": b"I0x10\n0" + EVIL,
    "a text that pickletools refuses": b"F1_0\n0" + EVIL,
    "INST": b"(S'id'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'id'\no.",
    "NEWOBJ": b"\x80\x02csubprocess\nPopen\n" + b"X\x02\x00\x00\x00id\x85\x81.",
    "NEWOBJ_EX": b"\x80\x04csubprocess\nPopen\n" + text("id") + b"\x85}\x92.",
    "getattr": b"cbuiltins\ngetattr\n(cbuiltins\n__import__\nS'__call__'\ntR.",
    "a dotted name through an allowed package": (
        b"\x80\x04" + text("sklearn.tree") + text("_classes.np.f2py.os.system") + b"\x93" + text("id") + b"\x85R."
    ),
    "a capital letter does not help": b"csklearn.tree\nOs.system\n(S'id'\ntR.",
    "a neighbour of an allowed package": b"csklearn.treehouse\nEvil\n)R.",
    "runpy": b"crunpy\nrun_path\n(S'x.py'\ntR.",
    "pip": b"cpip._internal.cli.main\nmain\n(S'install'\ntR.",
    "pydoc": b"cpydoc\npipepager\n(S''\nS'id'\ntR.",
    "timeit": b"ctimeit\ntimeit\n(S''\nS''\ntR.",
    "numpy's own exec": b"cnumpy.testing._private.utils\nrunstring\n(S''\n}tR.",
    "a file reader": b"cnumpy\nload\n(S'other.npy'\nN\x88tR.",
    "joblib inside joblib": b"cjoblib\nload\n(S'other'\ntR.",
    "joblib's old arrays, which load other files": b"cjoblib.numpy_pickle\nNDArrayWrapper\n)R.",
    "a nested pickle": b"cpickle\nloads\n(C\x1f" + EVIL[:31].ljust(31) + b"tR.",
    "a name of Python 2": b"c__builtin__\neval\n(S'1'\ntR.",
    "a name of Python 2 that moved": b"ccommands\ngetoutput\n(S'id'\ntR.",
    "a second pickle behind the first": pickle.dumps({"a": 1}) + EVIL,
    "the third pickle": pickle.dumps(1) + pickle.dumps(2) + EVIL,
    "broken off after the deed": EVIL[:-1],
    "broken off in protocol 4": b"\x80\x04" + text("os") + text("system") + b"\x93" + text("id") + b"\x85R",
    "garbage after the deed": EVIL[:-1] + b"\xff\xff",
    "popped and forgotten": EVIL[:-1] + b"0N.",
    "under a mark": b"((" + EVIL[:-1] + b"1N.",
    "in a frame that lies about its length": b"\x80\x04\x95\xff\xff\x00\x00\x00\x00\x00\x00" + EVIL,
    "with a protocol that does not exist": b"\x80\x7f" + EVIL,
    "extension registry": b"\x80\x02\x82\x01(S'id'\ntR.",
    "alters a class": b"\x80\x02csklearn.tree._classes\nDecisionTreeClassifier\nN}X\x07\x00\x00\x00predictK\x01s\x86b.",
    "calls an object": b"\x80\x02csklearn.tree._classes\nDecisionTreeClassifier\n)\x81)R.",
    "computes a name": (
        b"\x80\x04c_codecs\nencode\n" + text("bf") + text("rot13") + b"\x86R" + text("x") + b"\x93."
    ),
    "zlib": zlib.compress(EVIL),
    "zlib without compression": zlib.compress(EVIL, 0),
    "gzip": gzip.compress(EVIL),
    "gzip of several members": gzip.compress(pickle.dumps(1)) + gzip.compress(EVIL),
    "bz2": bz2.compress(EVIL),
    "xz": lzma.compress(EVIL),
    "lzma": lzma.compress(EVIL, format=lzma.FORMAT_ALONE),
    "gzip in bz2 in xz": lzma.compress(bz2.compress(gzip.compress(EVIL))),
    "zip, as of torch": zipped(EVIL),
    "zip, stored": zipped(EVIL, method=zipfile.ZIP_STORED),
    "zip in gzip": gzip.compress(zipped(EVIL)),
    "zip in zip": zipped(zipped(EVIL), name="inner.bin"),
    "zip behind other bytes": b"no pickle at all" + zipped(EVIL),
    "a member named as data": zipped(EVIL, name="weights/0"),
    "a .npy file of objects": npy(EVIL),
    "a .npy file of records with objects": npy(EVIL, "[('a', '<f8'), ('b', '|O')]"),
    "a .npy file that says twice what it holds": npy(EVIL, "'<f8', 'fortran_order': False, 'descr': '|O'"),
    "a .npz file of objects": zipped(npy(EVIL), name="arr_0.npy"),
    "tar": tarred(EVIL),
    "tar.gz": gzip.compress(tarred(EVIL)),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_passes_as_harmless(name: str, tmp_path: Path) -> None:
    """Each of them is counted at least once, whatever hides it."""
    estimate = scan(tmp_path, ATTACKS[name])
    assert estimate.value is not None
    assert estimate.value >= 1, said(estimate)


@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in (
    "extension registry", "alters a class", "calls an object", "computes a name", "a neighbour of an allowed package",
    "a dotted name through an allowed package", "a capital letter does not help",
)])  # fmt: skip
def test_an_attack_is_named_by_what_it_imports(name: str, tmp_path: Path) -> None:
    """The finding says which name it is, so that a person can judge it."""
    estimate = scan(tmp_path, ATTACKS[name], format=None)
    known = ("os.system", "subprocess.Popen", "getattr", "run_path", "main", "pipepager", "timeit", "runstring",
             "load", "NDArrayWrapper", "builtins.eval", "getoutput")  # fmt: skip
    assert any(one in said(estimate) for one in known), said(estimate)


UNREADABLE: dict[str, bytes] = {
    "cut off": pickle.dumps({"weights": list(range(50))})[:-9],
    "cut off gzip": gzip.compress(pickle.dumps(list(range(1000))))[:-12],
    "cut off zlib": zlib.compress(pickle.dumps(list(range(1000))))[:-12],
    "damaged zip": zipped(pickle.dumps(1))[:-30],
    "zstandard": b"\x28\xb5\x2f\xfd" + b"\0" * 60,
    "7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 60,
    "joblib of before 0.10": b"ZF0x12               " + zlib.compress(EVIL),
    "text": b"I am no pickle",
    "nothing": b"",
    "a .npy file with a header without end": b"\x93NUMPY\x02\x00\xff\xff\xff\x00" + b" " * 20_000 + EVIL,
    "archives in archives": zipped(zipped(zipped(zipped(zipped(zipped(zipped(zipped(EVIL)))))))),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_scanned_fails(name: str, tmp_path: Path) -> None:
    """A file that nobody has looked into is not safe."""
    estimate = scan(tmp_path, UNREADABLE[name])
    assert estimate.value is not None
    assert estimate.value >= 1
    assert "not scanned" in said(estimate)


def test_a_zip_with_a_wrong_checksum_is_not_scanned(tmp_path: Path) -> None:
    """CVE-2025-10156: loaders of models ignore the checksum that archives are refused for."""
    data = bytearray(zipped(EVIL, method=zipfile.ZIP_STORED))
    place = data.index(b"touch")
    data[place : place + 5] = b"chown"
    estimate = scan(tmp_path, bytes(data))
    assert estimate.value is not None
    assert estimate.value >= 1


def test_an_encrypted_member_is_not_scanned(tmp_path: Path) -> None:
    """CVE-2025-1944: a flag in the archive must not make a scanner look away."""
    data = bytearray(zipped(EVIL, method=zipfile.ZIP_STORED))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + at] |= 1
    estimate = scan(tmp_path, bytes(data), format=None)
    assert estimate.value == 1
    assert "is encrypted" in said(estimate)


def test_two_members_of_one_name_are_both_scanned(tmp_path: Path) -> None:
    """Which of the two a loader takes is its own affair."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("data.pkl", EVIL)
        archive.writestr("data.pkl", pickle.dumps(1))
    assert "os.system" in said(scan(tmp_path, out.getvalue()))


def test_a_bomb_ends_as_not_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What expands further than any honest file does is left alone."""
    monkeypatch.setattr(streams_of.Allowance, "__init__", _small)
    bomb = gzip.compress(b"\x80\x04" + b"N0" * 2_000_000 + b"N.")
    estimate = scan(tmp_path, bomb)
    assert estimate.value == 1
    assert "decompression bomb" in said(estimate)


def _small(self: Any, *, size: int) -> None:
    self.size, self.ratio, self.free, self.total, self.passes, self.used = size, 3, 100_000, 10**6, 1, 0


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    """A text opcode may claim a line of any length."""
    assert scan(tmp_path, gzip.compress(b"\x80\x00V" + b"a" * 50_000_000)).value == 1


@pytest.mark.parametrize("tail", [b"", b"\x01\x02\x03\x04", b"\x00" * 400])
def test_bytes_behind_a_pickle_that_are_none_are_no_fault(tail: bytes, tmp_path: Path) -> None:
    """PyTorch's old format has raw weights behind its pickles."""
    assert scan(tmp_path, pickle.dumps([1.5, {"a": (1, 2)}]) + tail).value == 0


# Arrays of joblib -----------------------------------------------------------------------------------------------


def dumped(value: object, **how: Any) -> bytes:
    """Return what joblib writes."""
    out = io.BytesIO()
    joblib.dump(value, out, **how)
    return out.getvalue()


ARRAYS = {
    "floats": np.arange(40, dtype=np.float64).reshape(5, 8),
    "Fortran order": np.asfortranarray(np.arange(40, dtype=np.float32).reshape(5, 8)),
    "texts": np.array(["a", "ccc"]),
    "objects": np.array(["a", None, 3.5], dtype=object),
    "records": np.zeros(7, dtype=[("left", "<i8"), ("value", "<f8"), ("flag", "u1")]),
    "records with objects": np.array([(1, "a"), (2, None)], dtype=[("n", "<i8"), ("o", "O")]),
    "no dimension": np.array(3.5),
    "empty": np.zeros((0, 4)),
    "moments": np.array(["2026-01-01"], dtype="M8[D]"),
    "truths": np.array([True, False]),
    "bytes": np.array([b"ab", b"c"]),
    "opcodes": np.frombuffer(EVIL * 3, dtype=np.uint8),
}


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_arrays_of_joblib_are_passed_over(compress: Any, tmp_path: Path) -> None:
    """Arrays of every kind lie between the opcodes, and what comes behind them is followed."""
    estimate = scan(
        tmp_path, dumped({"arrays": ARRAYS, "last": slice(1, 2)}, compress=compress), format="joblib"
    )
    assert estimate.value == 0, said(estimate)


def test_what_hides_behind_an_array_is_found(tmp_path: Path) -> None:
    """The opcodes behind the bytes of an array are opcodes."""
    data = dumped([np.arange(1000.0), codecs.lookup])
    assert "_codecs.lookup" in said(scan(tmp_path, data, format="joblib"))


def test_an_array_of_objects_is_a_pickle_of_its_own(tmp_path: Path) -> None:
    """Objects are pickled within the file."""
    data = dumped(np.array([codecs.lookup], dtype=object))
    assert "_codecs.lookup" in said(scan(tmp_path, data, format="joblib"))


def _announced(shape: bytes, dtype: bytes, *, more: bytes = b"") -> bytes:
    """Return an array of joblib whose state is written by hand; what follows it is up to the caller."""
    return (
        b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}("
         b"X\x08\x00\x00\x00subclasscnumpy\nndarray\n"
         b"X\x05\x00\x00\x00shape" + shape
        + b"X\x05\x00\x00\x00orderX\x01\x00\x00\x00C"
        + b"X\x05\x00\x00\x00dtypecnumpy\ndtype\n" + dtype
        + b"X\x0a\x00\x00\x00allow_mmap\x88" + more + b"ub"
    )  # fmt: skip


U8 = b"X\x02\x00\x00\x00u1\x89\x88\x87R"


def test_bytes_of_an_array_that_pickle_load_would_execute_are_found(tmp_path: Path) -> None:
    """To `pickle.load` the bytes of an array are opcodes; joblib passes them over."""
    body = EVIL[:-1] + b"0"
    data = _announced(b"K" + bytes([len(body)]) + b"\x85", U8) + body + b"."
    estimate = scan(tmp_path, data, format="joblib")
    assert "os.system" in said(estimate)


FORGED = {
    "a length that is computed": _announced(b"c_codecs\nencode\n)R\x85", U8),
    "a negative length": _announced(b"J\xff\xff\xff\xff\x85", U8),
    "a shape that is no tuple": _announced(b"](K\x28e", U8),
    "an unknown kind of item": _announced(b"K\x28\x85", b"X\x04\x00\x00\x00u1,O\x89\x88\x87R"),
    "an item that its state makes longer": _announced(
        b"K\x28\x85", b"X\x02\x00\x00\x00V1\x89\x88\x87R(K\x03X\x01\x00\x00\x00|NNNK\x40K\x01K\x00tb"
    ),
    "items that are objects by a flag": _announced(
        b"K\x28\x85",
        b"X\x02\x00\x00\x00V8\x89\x88\x87R(K\x03X\x01\x00\x00\x00|N(X\x01\x00\x00\x00at}X\x01\x00\x00\x00a"
        b"cnumpy\ndtype\nX\x02\x00\x00\x00f8\x89\x88\x87RK\x00\x86sK\x08K\x01K\x01tb",
    ),
    "alignment that is computed": _announced(
        b"K\x28\x85", U8, more=b"X\x1b\x00\x00\x00numpy_array_alignment_bytesc_codecs\nencode\n)R"
    ),
    "a state that is built twice": _announced(b"K\x00\x85", U8)[:-1] + b"b}b",
    "a frame around the bytes": b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00" + _announced(b"K\x28\x85", U8)[2:],
    "a wrapper that is called": b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n(cnumpy\nndarray\nK\x28\x85"
    b"X\x01\x00\x00\x00Ccnumpy\ndtype\n" + U8 + b"tR}b",
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_array_is_not_passed_over(name: str, tmp_path: Path) -> None:
    """Where joblib would read another number of bytes than it seems, opcodes could hide among them."""
    body = EVIL[:-1].ljust(40, b"0")
    estimate = scan(tmp_path, FORGED[name] + b"\x01\x01" + body + b"N.", format="joblib")
    assert estimate.value is not None
    assert estimate.value >= 1, said(estimate)


# Models that must not be suspected ------------------------------------------------------------------------------


def test_the_models_of_the_real_cases_are_not_suspected() -> None:
    """Models that were saved by joblib, compressed, from scikit-learn."""
    paths = sorted(DATA.glob("*/models/*.joblib"))
    if not DATA.exists():
        pytest.skip("the shared data are not there")
    assert paths
    for path in paths:
        estimate = imports(found((path,), format="joblib"))
        assert estimate.value == 0, f"{path}: {said(estimate)}"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_scikit_learn_pickle_of_any_protocol_is_not_suspected(protocol: int, tmp_path: Path) -> None:
    """Trees hold records and Cython classes; a pipeline holds texts and objects."""
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.random.default_rng(0).normal(size=(60, 3))
    labels = np.where(rows[:, 0] > 0, "yes", "no")
    for last in (RandomForestClassifier(3, random_state=0), GradientBoostingClassifier(n_estimators=3)):
        model = make_pipeline(StandardScaler(), last).fit(rows, labels)
        estimate = scan(tmp_path, pickle.dumps(model, protocol=protocol))
        assert estimate.value == 0, said(estimate)


def test_a_table_of_pandas_is_not_suspected(tmp_path: Path) -> None:
    """Models sometimes keep the names and categories of their columns."""
    import pandas as pd

    frame = pd.DataFrame({"a": [1.5, 2.0], "b": ["x", "y"], "c": pd.Categorical(["u", "v"])})
    estimate = scan(tmp_path, pickle.dumps([frame, frame.index, frame.columns, frame["a"]]))
    assert estimate.value == 0, said(estimate)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("conda.yaml", b"channels:\n- conda-forge\ndependencies:\n- python=3.11\n"),
        ("requirements.txt", b"catboost\nnumpy\nscikit-learn==1.5\n"),
        ("MLmodel", b"artifact_path: model\nflavors:\n  sklearn:\n    code: null\n"),
        ("model.txt", b"tree\nversion=v4\nnum_class=1\n"),
        ("model.json", b'{"learner":{"attributes":{}}}'),
        ("model.cbm", b"CBM1" + bytes(range(200))),
        ("model.onnx", b"\x08\x08\x12\x07skl2onnx" + bytes(100)),
        ("weights.npy", npy(bytes(80), "'<f8'")),
        ("README.md", "Über ein Modell. (c) 2026\n".encode()),
    ],
)
def test_other_files_of_a_model_are_no_pickles(name: str, data: bytes, tmp_path: Path) -> None:
    """Text that could begin a pickle, and binary formats, are not suspected."""
    (tmp_path / name).write_bytes(data)
    estimate = imports(found((tmp_path / name,), format="mlflow", trust="code"))
    assert estimate.value == 0, said(estimate)


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_make_it_fail(data: bytes, headed: bool) -> None:
    """Whatever the bytes are, there is an answer; a stream that executes is never none at all."""
    from mlgate.measures.scanning import pickles

    raw = b"\x80\x04" + data if headed else data
    stream = streams_of.Stream(name="x", opened=lambda: io.BufferedReader(io.BytesIO(raw)))  # type: ignore[arg-type]
    seen = pickles.follow(stream)
    if headed:
        assert seen is not None


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(slice(1)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner) | st.frozensets(st.text()),
    max_leaves=20,
), st.integers(0, 5))  # fmt: skip
def test_what_python_writes_is_followed_to_its_end(value: Any, protocol: int) -> None:
    """Plain values of every protocol import only what is on the list."""
    from mlgate.measures.scanning import pickles

    raw = pickle.dumps(value, protocol=protocol)
    stream = streams_of.Stream(name="x", opened=lambda: io.BufferedReader(io.BytesIO(raw)))  # type: ignore[arg-type]
    seen = pickles.follow(stream)
    assert seen is not None
    assert seen.problem is None
    assert not seen.odd
    assert all(Allowed.of(ALLOW).holds(one) for one in seen.imports), seen.imports


class Stub:
    """What the watched unpicklers get for every import: it can be called and altered, and notes that it was."""

    used: list[str] = []  # noqa: RUF012  all of them note in one place

    def __init__(self, *_: object) -> None:
        self.used.append("called")

    def __call__(self, *_: object) -> Stub:
        """Note the call."""
        self.used.append("called")
        return Stub()

    def __setstate__(self, state: object) -> None:
        """Note the change."""


PIECES = (
    b"\x80\x02", b"\x80\x04", b"cos\nsystem\n", b"c__builtin__\neval\n", b"ios\nsystem\n", b"Vos\n", b"S'system'\n",
    b"S'os'\n", b"\x8c\x02os", b"X\x06\x00\x00\x00system", b"U\x02os", b"\x93", b"R", b"b", b"o", b"\x81", b"\x92",
    b"(", b")", b"}", b"]", b"t", b"l", b"d", b"0", b"1", b"2", b"a", b"e", b"s", b"u", b"\x85", b"\x86", b"\x87",
    b"\x94", b"q\x00", b"h\x00", b"p1\n", b"g1\n", b"r\x02\x00\x00\x00", b"j\x02\x00\x00\x00", b"N", b"K\x05",
    b"I5\n", b"I01\n", b"I0x1f\n", b"L7L\n", b"F1e3\n", b"F1_0\n", b"\x8a\x01\x05", b"\x8f", b"\x90", b"\x91", b".",
    b"\x95\x05\x00\x00\x00\x00\x00\x00\x00", b"\x88", b"\x89", b"C\x02ab", b"G" + bytes(8), b"Q", b"Pid\n", b"\xff",
)  # fmt: skip
"""Opcodes of every kind, of which random programs are made."""


@settings(max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.sampled_from(["c", "python"]))
def test_whatever_an_unpickler_imports_has_been_seen(pieces: list[bytes], which: str) -> None:
    """Random programs of opcodes, followed beside Python's own unpicklers, the one in C and the one in Python."""
    from mlgate.measures.scanning import pickles

    raw = b"".join(pieces)
    base: Any = pickle.Unpickler if which == "c" else pickle._Unpickler  # type: ignore[attr-defined]
    seen: set[tuple[str, str]] = set()

    class Watched(base):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> type[Stub]:
            seen.add((module, name))
            return Stub

    Stub.used.clear()
    with contextlib.suppress(Exception):
        Watched(io.BytesIO(raw)).load()
    stream = streams_of.Stream(name="x", opened=lambda: io.BufferedReader(io.BytesIO(raw)))  # type: ignore[arg-type]
    told = pickles.follow(stream)
    if told is None:
        assert not Stub.used, raw
    elif not told.odd and not told.problem:
        mapped = {("builtins" if module == "__builtin__" else module, name) for module, name in seen}
        assert mapped <= {(one.module, one.name) for one in told.imports} | {
            (one.module.replace("posix", "os"), one.name) for one in told.imports
        }, raw


def test_the_allow_list_holds_classes_of_a_package_and_nothing_reached_through_it() -> None:
    """`package.*` is for classes, and never for a name with a dot."""
    allowed = Allowed.of(["sklearn.tree.*", "a.b"])
    assert allowed.holds(Global("sklearn.tree._classes", "DecisionTreeClassifier"))
    assert allowed.holds(Global("a", "b"))
    assert not allowed.holds(Global("sklearn.tree._classes", "export_text"))
    assert not allowed.holds(Global("sklearn.tree._classes", "Tree.__init__"))
    assert not allowed.holds(Global("sklearn.trees", "Tree"))
    assert not allowed.holds(Global("a", "c"))


def test_what_a_policy_adds_is_allowed(tmp_path: Path) -> None:
    """A class of one's own is named under `also`."""
    data = b"\x80\x02cmy.models\nScorer\n)\x81."
    one = artifact(tmp_path / "model.pkl", data)
    assert imports(one).value == 1
    assert imports(one, also=("my.models.Scorer",)).value == 0
    assert imports(one, also=("my.*",)).value == 0


def test_an_artifact_without_files_is_not_measured() -> None:
    """An endpoint has no bytes."""
    estimate = imports(ArtifactFound(reason="the model is an endpoint"))
    assert estimate.value is None
    assert estimate.reason == "the model is an endpoint"


# safe-format ----------------------------------------------------------------------------------------------------


def safe(answer: ArtifactFound, *, trust: str | None = None, trusted: str = "none") -> Estimate:
    """Ask security.safe_format."""
    params = {"trusted": trusted}
    answers: dict[Any, Any] = {Artifact(): answer, Stated("model.trust"): Statement(value=trust)}
    assert set(SafeFormat.plan(params, NOWHERE)) == set(answers)
    return SafeFormat.value(Answers(answers), params)


def test_a_pickle_is_safe_only_where_release_and_policy_trust_it(tmp_path: Path) -> None:
    """Either alone is not enough."""
    one = artifact(tmp_path / "model.pkl", pickle.dumps(1))
    assert safe(one).value == 0
    assert safe(one, trust="pickle").value == 0
    assert safe(one, trusted="pickle").value == 0
    assert safe(one, trust="pickle", trusted="pickle").value == 1
    assert safe(one, trust="code", trusted="code").value == 1


def test_a_format_that_executes_nothing_is_safe_until_a_pickle_is_in_it(tmp_path: Path) -> None:
    """A pickle inside an archive makes the archive what it is."""
    good = artifact(tmp_path / "model.skops", zipped(b"{}", "schema.json"), format="skops", trust="none")
    assert safe(good).value == 1
    bad = artifact(
        tmp_path / "other.skops", zipped(gzip.compress(EVIL), "x.npy"), format="skops", trust="none"
    )
    estimate = safe(bad)
    assert estimate.value == 0
    assert "it is a pickle" in said(estimate)


@pytest.mark.parametrize("name", ["damaged zip", "zstandard"])
def test_what_cannot_be_looked_into_is_not_safe(name: str, tmp_path: Path) -> None:
    """An archive that breaks off may hold anything."""
    one = artifact(tmp_path / "model.skops", UNREADABLE[name], format="skops", trust="none")
    assert safe(one).value == 0


def test_a_format_that_is_not_known_is_not_safe(tmp_path: Path) -> None:
    """Nobody knows what loads it."""
    assert safe(artifact(tmp_path / "model", b"abc", format=None, trust="none")).value == 0


def test_the_shipped_list_is_sorted_and_names_each_once() -> None:
    """A list that people read and amend."""
    assert list(ALLOW) == sorted(set(ALLOW))
