"""A model in a process of its own: started shut in, asked over two pipes, ended when it does not behave.

Nothing that comes back is believed: a header is JSON of bounded size, numbers are as many floats as rows were
asked for, and whoever takes longer or more memory than allowed is ended, with all that it started.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import selectors
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from mlgate.cells import Explainer, Isolation, ProcessCost
from mlgate.errors import ModelFault
from mlgate.scoring.raw import Described, Limits, RawAttributions

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlgate.scoring.isolation import Confinement, Started

FOLDER = Path(__file__).resolve().parent
"""What the child reads of mlgate: its program, the adapters and the explainer."""

_LENGTH = struct.Struct(">I")

_MOST_HEADER = 1_000_000
"""Bytes; a model with more class names than this is no model that a report could show."""

_MOST_OUTPUTS = 10_000
"""Numbers a row."""

_FEW_OUTPUTS = 100
"""Numbers a row that are taken from a model that does not say how many classes it has."""

_MOST_HUNG = 3
"""Times that a model may give no answer in time."""

_LOG = 4000
"""Bytes of what a model prints that are kept: the last ones."""

_WALLS: tuple[Isolation, ...] = get_args(Isolation)
"""Strongest first."""

_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_NUMBER = re.compile(r"(?<![A-Za-z_])[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?")

_GLANCE = 0.1
"""Seconds between two looks at memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """How the process of a model is started."""

    adapter: str
    """File in `adapters/`, without `.py`."""
    path: Path
    """What it loads: a private copy."""
    options: Mapping[str, Any] = field(default_factory=dict)
    python: Path | None = None
    """The interpreter; None for the gate's own."""
    readable: tuple[Path, ...] = ()
    """What else it may read."""
    workdir: Path
    """A private directory that the caller removes; each process gets one of its own in it."""
    limits: Limits = field(default_factory=Limits)
    without: frozenset[str] = frozenset()
    """Kernel features that are not used."""
    least: Isolation = "process"
    """How far the process has to be shut in; one that is not is ended before it loads anything."""

    @property
    def argv(self) -> list[str]:
        """The program, without its pipes."""
        return [str(self.python or sys.executable), "-I", "-B", str(FOLDER / "child.py")]

    def confinement(self, private: Path) -> Confinement:
        """Return what the process may reach; `private` is its own folder."""
        from mlgate.scoring import isolation

        return isolation.Confinement(
            readable=(FOLDER, self.path, *self.readable),
            writable=(private,),
            memory=self.limits.memory,
            without=self.without,
        )

    def reads(self, place: Path) -> bool:
        """Whether the process is given a file, were it only because it lies among its libraries."""
        from mlgate.scoring import isolation

        return isolation.reads(self.argv, self.confinement(self.workdir / "model"), place)


@dataclass(slots=True)
class _Patience:
    """What the processes of one model share: many checks ask it, and each could wait as long as the last."""

    hung: int = 0
    """How often one of them gave no answer in time."""


class ModelProcess:
    """A model in a process of its own; a `Raw`. Started when first asked, and again after it has died."""

    def __init__(self, launch: Launch, patience: _Patience | None = None) -> None:
        """Remember how it is started; `patience` is what others of the same model have left of it."""
        self._launch = launch
        self._running: _Running | None = None
        self._described: Described | None = None
        self._load_seconds: float | None = None
        self._peak = 0
        self._patience = _Patience() if patience is None else patience
        self._isolation: tuple[Isolation, tuple[str, ...]] | None = None

    @property
    def described(self) -> Described:
        """What it says of itself; loads it."""
        if self._described is None:
            self._loaded()
        if self._described is None:
            raise AssertionError("a model that is loaded has described itself")
        return self._described

    @property
    def isolation(self) -> tuple[Isolation, tuple[str, ...]]:
        """How far it is shut in, and what could not be shut."""
        if self._isolation is None:
            from mlgate.scoring import isolation

            return isolation.possible(self._launch.without)
        return self._isolation

    def predict(self, rows: pa.Table) -> NDArray[np.float64]:
        """Return shape (n, k) for rows that hold its features and nothing else."""
        most = 8 * rows.num_rows * max(len(self.described.classes or ()), _FEW_OUTPUTS)
        parts, seconds = [_stream(rows)], self._launch.limits.call_seconds
        said, payload = self._ask({"op": "score"}, parts, seconds, most)
        return _numbers(payload, (rows.num_rows, _width(said)))

    def attribute(
        self, rows: pa.Table, background: pa.Table, *, explainer: Explainer, seed: int
    ) -> RawAttributions | None:
        """Explain with the shap of the model's own interpreter; None where there is none.

        A function shows nothing of its inside and is only asked, which who asks does as well, and believes.
        """
        if self._launch.adapter == "python" and explainer not in ("tree", "linear"):
            return None
        first, second = _stream(rows), _stream(background)
        header = {"op": "explain", "explainer": explainer, "seed": seed, "rows_bytes": len(first)}
        most = (
            8 * rows.num_rows * (rows.num_columns + 2) * max(len(self.described.classes or ()), _FEW_OUTPUTS)
        )
        try:
            said, payload = self._ask(header, [first, second], self._launch.limits.explain_seconds, most)
        except MissingLibrary:
            return None
        shape = said.get("shape")
        if not isinstance(shape, list) or len(shape) != 3 or not all(isinstance(one, int) for one in shape):  # noqa: PLR2004
            raise ModelFault("answer", "its attributions have no shape")
        n, p, k = shape
        if n != rows.num_rows or p != rows.num_columns or k not in (1, len(self.described.classes or ())):
            raise ModelFault("answer", f"its attributions have the shape {shape} for {rows.num_rows} rows")
        if said.get("space") not in ("probability", "log odds", "value"):
            raise ModelFault("answer", f"its attributions are of {_printable(str(said.get('space')))[:50]!r}")
        flat = _numbers(payload, (n * p * k + 2 * n * k, 1)).ravel()
        values, base, explained = (
            flat[: n * p * k],
            flat[n * p * k : n * p * k + n * k],
            flat[n * p * k + n * k :],
        )
        return RawAttributions(
            values=values.reshape(n, p, k),
            base=base.reshape(n, k),
            explained=explained.reshape(n, k),
            method=_printable(str(said.get("method")))[:200],
            space=said["space"],
        )

    def echo(self, rows: pa.Table) -> None:
        """Go the way to the process and back without asking the model."""
        self._ask({"op": "echo"}, [_stream(rows)], self._launch.limits.call_seconds, 8 * rows.num_rows)

    def cost(self) -> ProcessCost:
        """Return how long it took to load and the most memory that it held; of a dead one, what was seen."""
        if self._running is not None:
            self._peak = max(self._peak, self._running.peak())
        return ProcessCost(load_seconds=self._load_seconds, peak_bytes=self._peak or None)

    def afresh(self) -> ModelProcess:
        """Return the same model in another process."""
        return ModelProcess(self._launch, self._patience)

    def close(self) -> None:
        """End the process and all that it started."""
        if self._running is not None:
            self.cost()
            self._running.stop()
            self._running = None

    def _ask(
        self, header: dict[str, Any], parts: list[memoryview], seconds: float, most: int
    ) -> tuple[dict[str, Any], memoryview]:
        return self._told(self._loaded(), header, parts, seconds, most)

    def _loaded(self) -> _Running:
        if self._running is not None:
            return self._running
        if self._patience.hung >= _MOST_HUNG:
            raise ModelFault("hung", f"it gave no answer in time {_MOST_HUNG} times, and is not asked again")
        started = time.perf_counter()
        running = _Running.start(self._launch)
        self._isolation = (running.started.level, running.started.gaps)
        if _WALLS.index(running.started.level) > _WALLS.index(self._launch.least):
            running.stop()
            level, least = running.started.level, self._launch.least
            raise ModelFault(
                "died", f"its process could be shut in as {level} only, and {least} is asked for"
            )
        options = dict(self._launch.options)
        header = {
            "op": "load",
            "adapter": self._launch.adapter,
            "path": str(self._launch.path),
            "options": options,
        }
        said, _ = self._told(running, header, [], self._launch.limits.load_seconds, 0)
        self._load_seconds = time.perf_counter() - started
        try:
            self._described = self._same(_described(said))
        except ModelFault:
            running.stop()
            raise
        self._running = running
        return running

    def _same(self, described: Described) -> Described:
        """Return what a model says of itself; one that is started again must say the same as before."""
        if self._described not in (None, described):
            raise ModelFault("answer", "started again, it says something else of itself than before")
        return described

    def _told(
        self, running: _Running, header: dict[str, Any], parts: list[memoryview], seconds: float, most: int
    ) -> tuple[dict[str, Any], memoryview]:
        """Ask and hear; a process that breaks off, or an answer that is none, ends it."""
        try:
            said, payload = running.ask(header, parts, seconds, most)
        except ModelFault as fault:
            self._patience.hung += fault.kind == "hung"
            self._peak = max(self._peak, running.peak())
            running.stop()
            self._running = None
            raise
        if said.get("ok") is True:
            return said, payload
        kind, text = said.get("kind"), _printable(str(said.get("said")))
        if header["op"] == "load":
            running.stop()
        if kind == "missing":
            raise MissingLibrary(text, _printable(str(said.get("name")))[:100])
        if kind in ("answer", "memory"):
            raise ModelFault("answer" if kind == "answer" else "memory", text)
        raise ModelFault("raised", text if header["op"] == "load" else _without_values(text))


class MissingLibrary(ModelFault):
    """The interpreter of the model lacks a library."""

    def __init__(self, said: str, name: str) -> None:
        super().__init__("raised", said)
        self.name = name


class _Running:
    """One process and its pipes."""

    def __init__(self, started: Started, pipes: tuple[int, int, int], *, private: Path, memory: int) -> None:
        from mlgate.scoring import isolation

        self.started = started
        self._private = private
        self._clear = isolation.clear
        self._to, self._back, self._log = pipes
        self._printed = b""
        self._selector = selectors.DefaultSelector()
        for descriptor in pipes:
            os.set_blocking(descriptor, False)
        self._selector.register(self._log, selectors.EVENT_READ)
        self._memory = memory
        self._open = True

    @classmethod
    def start(cls, launch: Launch) -> _Running:
        """Start the child program, shut in."""
        import tempfile

        from mlgate.scoring import isolation

        private = Path(tempfile.mkdtemp(dir=launch.workdir, prefix="model-"))
        (their_in, to), (back, their_out), (log, their_log) = os.pipe(), os.pipe(), os.pipe()
        try:
            started = isolation.start(
                [*launch.argv, str(their_in), str(their_out), str(FOLDER)],
                confinement=launch.confinement(private),
                pass_fds=(their_in, their_out),
                cwd=private,
                stdout=their_log,
                stderr=subprocess.STDOUT,
            )
        except BaseException:
            for one in (to, back, log):
                os.close(one)
            raise
        finally:
            for one in (their_in, their_out, their_log):
                os.close(one)
        return cls(started, (to, back, log), private=private, memory=launch.limits.memory)

    def ask(
        self, header: dict[str, Any], parts: list[memoryview], seconds: float, most: int
    ) -> tuple[dict[str, Any], memoryview]:
        """Send a frame and return the one that comes back, with at most `most` bytes of numbers.

        Raises ModelFault when the process ends, takes longer than `seconds` or more memory than it may.
        """
        turn = secrets.token_hex(8)
        whole = {**header, "turn": turn, "bytes": sum(map(len, parts))}
        said = json.dumps(whole, allow_nan=False).encode()
        sending = [memoryview(_LENGTH.pack(len(said)) + said), *(one for one in parts if len(one))]
        heard = _Frame(most)
        self._selector.register(self._to, selectors.EVENT_WRITE)
        self._selector.register(self._back, selectors.EVENT_READ)
        deadline = time.monotonic() + seconds
        glance = 0.0
        try:
            while not heard.whole:
                now = time.monotonic()
                if now > deadline:
                    raise ModelFault(
                        "hung", f"it gave no answer within {seconds:g} seconds{self._last_words()}"
                    )
                if now > glance:
                    self._watch_memory()
                    glance = now + _GLANCE
                for key, _ in self._selector.select(timeout=min(_GLANCE, deadline - now)):
                    if key.fd == self._to:
                        self._send(sending)
                    elif key.fd == self._back:
                        self._hear(heard)
                    else:
                        self._drain()
        finally:
            for descriptor in (self._to, self._back):
                if descriptor in self._selector.get_map():
                    self._selector.unregister(descriptor)
        if heard.header.get("turn") != turn:
            # One that lay ready would make a slow model look fast, and stand for the rows of another call.
            raise ModelFault("answer", "its process answers what it was not asked")
        return heard.header, heard.payload

    def _send(self, sending: list[memoryview]) -> None:
        try:
            while sending:
                sent = os.write(self._to, sending[0][: 1 << 20])
                sending[0] = sending[0][sent:]
                if not len(sending[0]):
                    sending.pop(0)
        except BlockingIOError:
            return
        except BrokenPipeError:
            raise self._died() from None
        self._selector.unregister(self._to)

    def _hear(self, heard: _Frame) -> None:
        try:
            data = os.read(self._back, heard.wants)
        except BlockingIOError:
            return
        if not data:
            raise self._died()
        heard.take(data)

    def _drain(self) -> None:
        """Keep the end of what the model prints; a model that prints much must not wait for a reader."""
        try:
            data = os.read(self._log, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(self._log)
        self._printed = (self._printed + data)[-_LOG:]

    def _watch_memory(self) -> None:
        held = self.started.resident_bytes() or 0
        if held > self._memory:
            much = f"{held / 2**30:.1f} GiB, more than the {self._memory / 2**30:.1f} that it may"
            text = f"its process was ended, because it held {much}"
            raise ModelFault("memory", text)

    def _died(self) -> ModelFault:
        """Say how the process ended."""
        try:
            code = self.started.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return ModelFault("died", f"its process closed the line and went on{self._last_words()}")
        over = self.started.over()
        if over is not None:
            kind: Literal["memory", "died"] = "memory" if over == "memory" else "died"
            return ModelFault(kind, f"its process was ended, because it used too much: {over}")
        how = f"exit code {code}"
        if code < 0:
            name = signal.Signals(-code).name if -code in signal.valid_signals() else str(-code)
            how = f"signal {name}"
        return ModelFault("died", f"its process ended with {how}{self._last_words()}")

    def _last_words(self) -> str:
        """Return the last line that the model printed."""
        if self._log in self._selector.get_map():
            self._drain()
        lines = [line for line in self._printed.decode("utf-8", "replace").splitlines() if line.strip()]
        return f"; its last words: {_printable(lines[-1])[:200]}" if lines else ""

    def peak(self) -> int:
        """Return the most memory that the process has held, in bytes, as far as it is known."""
        return self.started.peak_bytes() or 0

    def stop(self) -> None:
        """End the process with all that it started, and close the pipes."""
        if not self._open:
            return
        self._open = False
        self._selector.close()
        for descriptor in (self._to, self._back, self._log):
            os.close(descriptor)
        self.started.stop()
        self._clear(self._private)

    def __del__(self) -> None:
        """Leave no process behind."""
        if getattr(self, "_open", False):
            self.stop()


class _Frame:
    """A frame on its way in."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._head = b""
        self._length: int | None = None
        self.header: dict[str, Any] = {}
        self.payload = memoryview(b"")
        self._filled = 0
        self._headed = False

    @property
    def whole(self) -> bool:
        return self._headed and self._filled == len(self.payload)

    @property
    def wants(self) -> int:
        """How many bytes are read next."""
        if self._headed:
            return min(len(self.payload) - self._filled, 1 << 20)
        return (_LENGTH.size if self._length is None else self._length) - len(self._head)

    def take(self, data: bytes) -> None:
        """Take what came."""
        if self._headed:
            self.payload[self._filled : self._filled + len(data)] = data
            self._filled += len(data)
            return
        self._head += data
        if self._length is None and len(self._head) == _LENGTH.size:
            self._length, self._head = _LENGTH.unpack(self._head)[0], b""
            if not 0 < self._length <= _MOST_HEADER:
                raise ModelFault("answer", "its process does not keep to the protocol")
        elif self._length is not None and len(self._head) == self._length:
            self._read_header()

    def _read_header(self) -> None:
        try:
            header = json.loads(self._head)
            size = header["bytes"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ModelFault("answer", "its process does not keep to the protocol") from None
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= self._most:
            raise ModelFault("answer", "its process answers with more than it was asked for")
        self.header, self.payload, self._headed = header, memoryview(bytearray(size)), True


def _stream(rows: pa.Table) -> memoryview:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return memoryview(sink.getvalue()).cast("B")


def _numbers(payload: memoryview, shape: tuple[int, int]) -> NDArray[np.float64]:
    import numpy as np

    if len(payload) != 8 * shape[0] * shape[1]:
        raise ModelFault(
            "answer", f"it answered with {len(payload) // 8} numbers where {shape[0] * shape[1]} are due"
        )
    return np.frombuffer(payload, dtype="<f8").astype(np.float64).reshape(shape)


def _width(said: Mapping[str, Any]) -> int:
    width = said.get("width")
    if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= _MOST_OUTPUTS:
        raise ModelFault("answer", f"it answers with {width!r} numbers a row")
    return width


def _described(said: Mapping[str, Any]) -> Described:
    """Read what a model says of itself, which may be anything."""
    features, classes, types = said.get("features"), said.get("classes"), said.get("types")
    outputs, width = said.get("outputs"), said.get("width")
    texts = isinstance(features, list) and all(isinstance(one, str) for one in features)
    plain = isinstance(classes, list) and all(isinstance(one, str | int | float | bool) for one in classes)
    if not (features is None or texts) or not (classes is None or plain):
        raise ModelFault("answer", "what it says of its features or classes are no names")
    if outputs not in ("probabilities", "decisions", "values"):
        raise ModelFault(
            "answer", f"its outputs are {str(outputs)[:50]!r}, not probabilities, decisions or values"
        )
    kinds = (
        {name: _printable(str(kind))[:50] for name, kind in types.items()}
        if isinstance(types, dict)
        else None
    )
    return Described(
        features=tuple(features) if isinstance(features, list) else None,
        width=width if isinstance(width, int) and not isinstance(width, bool) else None,
        types=kinds,
        classes=tuple(classes) if isinstance(classes, list) else None,
        outputs=outputs,
        library=_printable(str(said.get("library", "")))[:200],
        kind=_printable(str(said.get("kind", "")))[:200],
    )


def _without_values(text: str) -> str:
    """Return the message of an exception about rows without what may be a value of theirs.

    No row of the data enters a report, and exceptions like to quote the value that they stumbled over.
    """
    return _NUMBER.sub("#", _QUOTED.sub("'…'", text))


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)[:600]
