"""Start, watch and end an ordinary program."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from mlgate.errors import ModelFault
from mlgate.scoring.isolation import Confinement, Started, clear, possible, reads, start
from mlgate.scoring.isolation.launcher import kernel, tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is run there")

FEATURES = frozenset({"landlock", "seccomp", "namespaces"})
DUMPABLE = 1


def run(code: str, *arguments: str, **wanted: object) -> tuple[int, str]:
    """Run some Python and return its code and what it printed."""
    env = wanted.pop("env", None)
    argv = [sys.executable, "-I", "-c", textwrap.dedent(code), *arguments]
    with start(
        argv,
        confinement=Confinement(**wanted),  # type: ignore[arg-type]
        env=env,  # type: ignore[arg-type]
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as started:
        out, _ = started.process.communicate(timeout=100)
    return started.process.returncode, out.decode()


def waiting(**wanted: object) -> Started:
    """Return a program that waits."""
    code = "import time; held = b'x' * 2**26; print(1, flush=True); time.sleep(600)"
    started = start(
        [sys.executable, "-I", "-c", code],
        confinement=Confinement(**wanted),  # type: ignore[arg-type]
        stdout=subprocess.PIPE,
    )
    assert started.process.stdout is not None
    started.process.stdout.readline()
    started.process.stdout.close()
    return started


def test_it_has_these_variables_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the gate's; beside them, what the gate gives it."""
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    code, out = run(
        "import os, json; print(json.dumps(dict(os.environ)))", writable=(tmp_path,), env={"MLGATE_SEED": "7"}
    )
    found = json.loads(out)
    assert code == 0
    assert found["HOME"] == found["TMPDIR"] == str(tmp_path)
    assert found["MLGATE_SEED"] == "7"
    assert "GITHUB_TOKEN" not in found
    assert set(found) <= {
        "PATH", "LANG", "HOME", "TMPDIR", "MLGATE_SEED", "LD_LIBRARY_PATH", "JOBLIB_MULTIPROCESSING", "LC_CTYPE",
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS",
        "LOKY_MAX_CPU_COUNT",
    }  # fmt: skip


def test_it_reads_what_it_is_given_and_writes_its_own(tmp_path: Path) -> None:
    """And its folder is gone afterwards where none was given."""
    given = tmp_path / "given"
    given.write_text("model")
    code, out = run(
        "import os, sys; from pathlib import Path; Path('new').write_text(Path(sys.argv[1]).read_text());"
        "print(Path('new').read_text(), os.getcwd(), oct(Path('new').stat().st_mode & 0o777))",
        str(given),
        readable=(given,),
    )
    said, folder, mode = out.split()
    assert (code, said, mode) == (0, "model", "0o600")
    assert not Path(folder).exists()


def test_files_that_are_passed_on_are_there_and_no_others() -> None:
    """A pipe to the gate, of which no copy is left open elsewhere: it ends when the program does."""
    ours, theirs = os.pipe()
    other, unrelated = os.pipe()
    os.set_inheritable(unrelated, True)
    code = f"import os; os.write({theirs}, b'hello'); print(os.path.exists('/proc/self/fd/{unrelated}'))"
    with start(
        [sys.executable, "-I", "-c", code],
        confinement=Confinement(),
        pass_fds=(theirs,),
        stdout=subprocess.PIPE,
    ) as started:
        os.close(theirs)
        assert os.read(ours, 10) == b"hello"
        assert os.read(ours, 10) == b""
        out, _ = started.process.communicate()
    assert out == b"False\n"
    for one in (ours, other, unrelated):
        os.close(one)


@pytest.mark.parametrize("without", [frozenset(), FEATURES], ids=["with all", "with nothing"])
def test_its_memory_is_known_while_it_runs_and_after(without: frozenset[str]) -> None:
    """Its own alone, not that of its keepers."""
    with waiting(without=without) as started:
        held = started.resident_bytes()
        peak = started.peak_bytes()
        assert held is not None
        assert peak is not None
        assert 2**26 < held < 2**28
        assert 2**26 < peak < 2**28
    assert started.resident_bytes() is None
    assert (started.peak_bytes() or 0) >= peak
    assert started.process.returncode == -9
    started.stop()


def test_a_program_that_is_forgotten_ends() -> None:
    """Nobody may hold it, and nothing is left."""
    started = waiting()
    process = started.process
    below = tree.below(process.pid)
    del started
    gc.collect()
    process.wait(20)
    assert below
    until = time.monotonic() + 20
    while any((tree.PROC / str(one)).exists() for one in below) and time.monotonic() < until:
        time.sleep(0.01)
    assert not [one for one in below if (tree.PROC / str(one)).exists()]
    assert kernel.prctl(kernel.PR_GET_DUMPABLE) == DUMPABLE


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_the_gate_cannot_be_looked_into_while_a_program_runs() -> None:
    """And can be again when the last has ended."""
    assert kernel.prctl(kernel.PR_GET_DUMPABLE) == DUMPABLE
    with waiting():
        with waiting():
            assert kernel.prctl(kernel.PR_GET_DUMPABLE) != DUMPABLE
        assert kernel.prctl(kernel.PR_GET_DUMPABLE) != DUMPABLE
    assert kernel.prctl(kernel.PR_GET_DUMPABLE) == DUMPABLE


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("/nowhere/python", "there is no such program"),
        ("no-such-python", "there is no such program"),
        ("script", "cannot be started: "),
        ("nonsense", "cannot be started: "),
    ],
)
def test_what_cannot_be_started_says_so(tmp_path: Path, program: str, said: str) -> None:
    """A script in the place of an interpreter too: it would need others."""
    for name, text in (("script", "#!/bin/sh\nexit 0\n"), ("nonsense", "nonsense")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    with pytest.raises(ModelFault, match=said):
        start(
            [tmp_path / program if program in {"script", "nonsense"} else program], confinement=Confinement()
        )
    assert kernel.prctl(kernel.PR_GET_DUMPABLE) == DUMPABLE


def test_a_feature_that_there_is_not_is_refused() -> None:
    """A misspelt one would leave it on, and a test would show nothing."""
    with pytest.raises(ValueError, match="no such feature: landlok"):
        Confinement(without=frozenset({"landlok"}))


def test_what_is_possible_is_what_a_program_gets() -> None:
    """Found by trying, before anything of a release is started."""
    for without in (frozenset[str](), FEATURES):
        with waiting(without=without) as started:
            assert (started.level, started.gaps) == possible(without)


def test_a_program_that_may_start_others_does() -> None:
    """A training command: a shell, and what it calls."""
    with start(
        ["sh", "-c", f"echo one; {sys.executable} -I -c 'print(2)' | cat"],
        confinement=Confinement(processes=16, readable=(Path(sys.prefix), Path(sys.base_prefix))),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as started:
        out, _ = started.process.communicate(timeout=60)
    assert (started.process.returncode, out) == (0, b"one\n2\n")


def test_a_table_among_libraries_is_known_to_be_within_reach(tmp_path: Path) -> None:
    """Landlock cannot take away a part of what it gives."""
    argv = [sys.executable]
    library = Path(os.__file__).parent / "table.csv"
    assert reads(argv, Confinement(), library)
    assert not reads(argv, Confinement(), tmp_path / "table.csv")
    assert reads(argv, Confinement(readable=(tmp_path,)), tmp_path / "table.csv")
    assert not reads(argv, Confinement(), Path("/usr/src/app/table.csv"))


def test_a_deep_tree_with_links_is_removed_and_nothing_beside_it(tmp_path: Path) -> None:
    """A link is removed, what it points to is not."""
    kept = tmp_path / "kept"
    (kept / "inner").mkdir(parents=True)
    (kept / "file").write_text("kept")
    folder = tmp_path / "folder"
    for one in ("a/b/c/d", "a/b2/c/d", "a2/.cleared-0/x", ".cleared-1/y/z"):
        (folder / one).mkdir(parents=True)
        (folder / one / "file").write_text("x")
    (folder / "a" / "link").symlink_to(kept, target_is_directory=True)
    (folder / "a" / "b" / "broken").symlink_to("nowhere")
    clear(folder)
    clear(folder)
    assert not folder.exists()
    assert (kept / "file").read_text() == "kept"
    assert (kept / "inner").is_dir()


@pytest.mark.parametrize(
    "without", [frozenset(), frozenset({"namespaces"})], ids=["with all", "as on runners"]
)
def test_a_model_scores_with_threads(tmp_path: Path, without: frozenset[str]) -> None:
    """What numeric libraries ask of a system is there, and they do not complain."""
    code, out = run(
        """
        import warnings
        warnings.simplefilter("error")
        import numpy as np
        import pyarrow as pa
        from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
        x = np.random.default_rng(0).normal(size=(2000, 4))
        y = x[:, 0] > 0
        for model in (RandomForestClassifier(8, n_jobs=2), HistGradientBoostingClassifier(max_iter=5)):
            assert model.fit(x, y).score(x, y) > 0.9
        (x.T @ x).sum()
        table = pa.table({"x": x[:, 0], "y": y})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        assert pa.ipc.open_stream(sink.getvalue()).read_all().group_by("y").aggregate([("x", "sum")]).num_rows == 2
        print("scored")
        """,
        writable=(tmp_path,),
        memory=2**31,
        without=without,
    )
    assert (code, out) == (0, "scored\n")
