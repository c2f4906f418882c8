"""The program that runs a model in a process of its own: rows in, numbers out, and nothing else.

It is started by `isolation`, already shut in, under whatever interpreter the model needs, Python 3.9 or
later with pyarrow and numpy; mlgate need not be there. The gate talks to it over two pipes, in frames: four
bytes with the length of a JSON header, the header, and as many bytes as the header's `bytes` says. Rows come
as an Arrow stream; numbers go back as little-endian floats of 64 bits, which nobody has to parse.

    child.py FD_IN FD_OUT FOLDER      FOLDER holds `adapters/` and `explain.py`
"""

from __future__ import annotations

import importlib.util
import json
import os
import struct
import sys
from typing import Any

LENGTH = struct.Struct(">I")

MOST_SAID = 600
"""Characters of an error that are told."""


class Gate:
    """The two pipes to whoever asks."""

    def __init__(self, fd_in: int, fd_out: int) -> None:
        """Take both descriptors over; the model's own prints go elsewhere."""
        self._in = os.fdopen(fd_in, "rb", buffering=1 << 20)
        self._out = os.fdopen(fd_out, "wb", buffering=1 << 20)
        self._turn = None

    def hear(self) -> tuple[dict, bytes] | None:
        """Return the next question; None when the gate has gone."""
        head = self._in.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return None
        header = json.loads(self._in.read(LENGTH.unpack(head)[0]))
        self._turn = header.get("turn")
        return header, self._in.read(header.get("bytes", 0))

    def say(self, header: dict, payload: Any = b"") -> None:
        """Answer."""
        data = memoryview(payload).cast("B") if len(payload) else memoryview(b"")
        whole = {**header, "turn": self._turn, "bytes": len(data)}
        said = json.dumps(whole, allow_nan=False).encode()
        self._out.write(LENGTH.pack(len(said)) + said)
        self._out.write(data)
        self._out.flush()


class Unanswered(Exception):
    """What a model gave is no answer to what it was asked."""


class Program:
    """One loaded model, and what can be asked of it."""

    def __init__(self, folder: str) -> None:
        """Remember where the adapters are; nothing is loaded yet."""
        self._folder = folder
        self._model = None
        self._width = None

    def load(self, header: dict, _: bytes) -> tuple[dict, Any]:
        """Load the model and say what it says of itself."""
        adapter = _module(os.path.join(self._folder, "adapters"), header["adapter"])
        self._model = adapter.load(header["path"], header["options"])
        said = {name: getattr(self._model, name, None) for name in _DESCRIBED}
        for name in ("features", "classes"):
            said[name] = None if said[name] is None else [_plain(one) for one in said[name]]
        said["python"] = "%d.%d.%d" % sys.version_info[:3]
        return said, b""

    def score(self, _: dict, payload: bytes) -> tuple[dict, Any]:
        """Score the rows of one Arrow stream."""
        rows = _table(payload)
        found = _floats(self._model.predict(rows), rows.num_rows)
        return {"rows": found.shape[0], "width": found.shape[1]}, found

    def explain(self, header: dict, payload: bytes) -> tuple[dict, Any]:
        """Attribute what the model says of some rows to their features, against a background."""
        cut = header["rows_bytes"]
        rows, background = _table(payload[:cut]), _table(payload[cut:])
        explain = _module(self._folder, "explain")
        found = explain.explain(self._model, rows, background, header["explainer"], header["seed"])
        values, base, explained = (found[name] for name in ("values", "base", "explained"))
        import numpy as np

        parts = [np.ascontiguousarray(one, dtype="<f8") for one in (values, base, explained)]
        said = {"method": found["method"], "space": found["space"], "shape": list(parts[0].shape)}
        return said, b"".join(one.tobytes() for one in parts)

    def echo(self, _: dict, payload: bytes) -> tuple[dict, Any]:
        """Read the rows and answer a number for each: the way there and back, without a model."""
        import numpy as np

        rows = _table(payload)
        return {"rows": rows.num_rows, "width": 1}, np.zeros(rows.num_rows)


_DESCRIBED = ("features", "width", "types", "classes", "outputs", "library", "kind")


def main(arguments: list) -> None:
    """Answer until the gate closes its end."""
    fd_in, fd_out, folder = int(arguments[0]), int(arguments[1]), arguments[2]
    gate = Gate(fd_in, fd_out)
    sys.meta_path.append(_Shared(os.path.join(folder, "adapters")))
    program = Program(folder)
    while True:
        asked = gate.hear()
        if asked is None or asked[0]["op"] == "end":
            break
        header, payload = asked
        try:
            said, numbers = getattr(program, header["op"])(header, payload)
            gate.say({"ok": True, **said}, numbers)
        except Unanswered as error:
            gate.say({"ok": False, "kind": "answer", "said": _line(str(error))})
        except MemoryError:
            gate.say({"ok": False, "kind": "memory", "said": "it ran out of memory"})
        except ImportError as error:
            gate.say({"ok": False, "kind": "missing", "said": _line(str(error)), "name": error.name})
        except BaseException as error:
            if isinstance(error, SystemExit):
                raise
            kind = "answer" if getattr(error, "about_answer", False) else "raised"
            gate.say({"ok": False, "kind": kind, "said": _line(type(error).__name__ + ": " + str(error))})
    sys.stdout.flush()


class _Shared:
    """Find what adapters share, `_name.py` beside them; no library has to fear for its own name."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002 - as importlib asks
        """Return the spec of a module that adapters share."""
        file = os.path.join(self._folder, name + ".py")
        if path is None and name.startswith("_") and os.path.isfile(file):
            return importlib.util.spec_from_file_location(name, file)
        return None


def _module(folder: str, name: str) -> Any:
    """Import a file by its place, under a name that no library has."""
    unique = "mlgate_" + name
    if unique not in sys.modules:
        spec = importlib.util.spec_from_file_location(unique, os.path.join(folder, name + ".py"))
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique] = module
        spec.loader.exec_module(module)
    return sys.modules[unique]


def _table(payload: bytes) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(pa.py_buffer(payload)).read_all()


def _floats(found: Any, rows: int) -> Any:
    """Return an answer as floats of shape (rows, k)."""
    import numpy as np

    array = np.asarray(found)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    if array.ndim != 2 or array.shape[0] != rows or array.shape[1] < 1:
        raise Unanswered("it was given %d rows and answered with the shape %s" % (rows, np.shape(found)))
    if array.dtype.kind not in "biuf":
        raise Unanswered("it answered with %s, not with numbers" % array.dtype)
    return np.ascontiguousarray(array, dtype="<f8")


def _plain(value: Any) -> Any:
    """Return a class or a name as JSON has it."""
    value = value.item() if hasattr(value, "item") else value
    return (
        value
        if isinstance(value, (str, bool, int))
        else float(value)
        if isinstance(value, float)
        else str(value)
    )


def _line(text: str) -> str:
    """Return an error on one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_SAID else line[: MOST_SAID - 3] + "..."


if __name__ == "__main__":
    main(sys.argv[1:])
