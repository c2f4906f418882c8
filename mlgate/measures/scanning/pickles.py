"""Which names a pickle imports and what it does with them, read off its opcodes. Nothing is ever unpickled.

The opcodes are decoded with `pickletools` and followed on a stack of symbols, because names can come from
anywhere on it: STACK_GLOBAL takes two texts, which may lie in the memo. Whatever the symbols cannot follow is
told as such and never passed over. joblib puts the bytes of arrays between the opcodes, so a file is followed
twice: as joblib reads it, and as `pickle.load` would, to which those bytes are opcodes.
"""

from __future__ import annotations

import ast
import io
import pickletools
import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from math import prod
from typing import IO, Any, Final

from mlgate.measures.scanning.streams import READING, Stream, said

MAX_OPCODES = 10_000_000
"""More are not followed: some twenty seconds' work."""

MAX_LINE = 2**20
"""Bytes of a line of a text opcode."""

KEPT = 2**12
"""Bytes of an argument that are kept; of a longer one only its length matters."""

KEPT_IN_ALL = 2**28
"""Bytes of all arguments that are kept."""

MAX_NAME = 200

MAX_NUMPY_HEADER = 10_000
"""Bytes; NumPy refuses longer ones, too, unless it is told to trust the file."""

PYTHON_2_NAMES_UNTIL = 3
"""Below this protocol, names of Python 2 are looked up as those of Python 3."""

EXECUTING = frozenset({"REDUCE", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST", "BUILD"})


@dataclass(frozen=True, slots=True, order=True)
class Global:
    """A name that a pickle imports."""

    module: str
    name: str

    def __str__(self) -> str:
        """Return `module.name`, shortened and without control characters."""
        text = f"{self.module}.{self.name}"
        shown = "".join(letter if letter.isprintable() else "?" for letter in text)
        return shown if len(shown) <= MAX_NAME else f"{shown[:MAX_NAME]}…"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pickled:
    """What was found in one stream that is a pickle, or several behind each other."""

    imports: frozenset[Global]
    odd: frozenset[str]
    """What no honest pickle does, in words: it alters what it imports, it calls what it has built."""
    problem: str | None
    """Why it could not be followed to its end; None when it was."""


class _Broken(Exception):
    """The unpickler would stop here."""


class _Untold(Exception):
    """What the unpickler would do here is more than the symbols can follow."""


class _Other:
    """Any object that nothing more is known of."""

    def __repr__(self) -> str:
        return "OTHER"


OTHER: Final = _Other()


@dataclass(slots=True, eq=False)
class _Dict:
    """A dictionary, as far as its keys are texts."""

    of: dict[str, Any] = field(default_factory=dict)
    plain: bool = True
    """Whether all that was ever put in has a text as key."""


@dataclass(slots=True, eq=False)
class _Made:
    """An object that was made by calling an import."""

    by: Global
    args: tuple[Any, ...] | None = None
    states: list[Any] = field(default_factory=list)


_NUMPY = b"\x93NUMPY"
_WRAPPER = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
_DTYPE = Global("numpy", "dtype")
_RECONSTRUCTOR = Global("copyreg", "_reconstructor")
_ITEM = re.compile(r"[<>|=]?([biufcSUVmMO])([0-9]{1,9})")
_HAS_OBJECTS = 1
_FLEXIBLE = "SUV"


def follow(stream: Stream) -> Pickled | None:
    """Follow a stream; None when it is no pickle.

    A stream that begins as a pickle of protocol 2 or later does, or that executes anything before it breaks
    off, is a pickle, and a broken one is told as a problem.
    """
    first = _followed(stream, arrays=False)
    if first is None or not first.wraps:
        return None if first is None else first.told()
    other = _followed(stream, arrays=True)
    if other is None:
        return first.told()
    # The bytes of arrays are no opcodes to `pickle.load`, which breaks off there: that it does is no problem,
    # what it would have imported before is.
    return Pickled(
        imports=frozenset(first.imports | other.imports),
        odd=frozenset(first.odd | other.odd),
        problem=other.problem,
    )


def holds_objects(header: bytes) -> bool:
    """Whether the header of a `.npy` file says that a pickle follows it; True when it cannot be told."""
    try:
        described = ast.literal_eval(header.decode("latin-1").strip())["descr"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        return True
    text = repr(described)
    return "O" in text or "object" in text


def _followed(stream: Stream, *, arrays: bool) -> _Machine | None:
    machine: _Machine | None = None
    try:
        with closing(stream.opened()) as source:
            machine = _Machine(_Source(source), arrays=arrays)
            if _is_pickle(source):
                machine.run()
    except _Untold as error:
        if machine is not None:
            machine.problem = f"cannot be followed: {error}"
    except (_Broken, *READING) as error:
        if machine is None or (machine.complete == 0 and not machine.begun):
            return None
        if machine.complete == 0 or not isinstance(error, _Broken):
            machine.problem = f"is a broken pickle ({error if isinstance(error, _Broken) else said(error)})"
    return machine if machine is None or machine.complete or machine.begun or machine.problem else None


def _is_pickle(source: IO[bytes]) -> bool:
    """Skip the header of a `.npy` file; False for one that is followed by numbers and no pickle."""
    head = source.peek(len(_NUMPY))[: len(_NUMPY)] if hasattr(source, "peek") else b""
    if head != _NUMPY:
        return True
    start = source.read(len(_NUMPY) + 2)
    size = int.from_bytes(source.read(2 if start[-2:-1] == b"\x01" else 4), "little")
    if size > MAX_NUMPY_HEADER:
        raise _Untold("the header of an array is longer than NumPy reads")
    return holds_objects(source.read(size))


class _Source:
    """What `pickletools` reads its arguments from: lines and lengths that are too long end in an error."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.at = self.kept = 0

    def read(self, size: int) -> bytes:
        found = self._source.read(size)
        self.at += len(found)
        return found

    def readline(self) -> bytes:
        found = self._source.readline(MAX_LINE)
        self.at += len(found)
        if len(found) == MAX_LINE:
            raise _Broken(f"a line of more than {MAX_LINE} bytes")
        return found

    def skip(self, size: int) -> None:
        left = size
        while left > 0:
            found = self.read(min(left, 2**20))
            if not found:
                raise _Broken("it ends within the bytes of an argument")
            left -= len(found)

    def counted(self, size: int) -> bytes | None:
        """Return an argument of known length; None for a long one, which is skipped."""
        self.kept += size
        if size > KEPT or self.kept > KEPT_IN_ALL:
            self.skip(size)
            return None
        found = self.read(size)
        if len(found) < size:
            raise _Broken("it ends within an argument")
        return found

    def exactly(self, size: int) -> bytes:
        """Return a few bytes, all of them."""
        found = self.read(size)
        if len(found) < size:
            raise _Broken("it ends within an argument")
        return found


_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
_NAMES = frozenset({"GLOBAL", "INST"})
_CODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}


class _Machine:
    """The unpickler's stack, with symbols in the place of objects."""

    def __init__(self, source: _Source, *, arrays: bool) -> None:
        self.source, self.arrays = source, arrays
        self.imports: set[Global] = set()
        self.odd: set[str] = set()
        self.problem: str | None = None
        self.complete = 0
        """Pickles that were followed to their end."""
        self.wraps = False
        """Whether joblib would read bytes of an array somewhere."""
        self.begun = False
        """Whether what is followed now is a pickle, even if it should break off."""
        self.count = 0
        self._fresh()

    def told(self) -> Pickled:
        return Pickled(imports=frozenset(self.imports), odd=frozenset(self.odd), problem=self.problem)

    @property
    def beyond(self) -> bool:
        """Whether `pickle.load` takes the bytes of an array for opcodes now, which may say anything."""
        return self.wraps and not self.arrays

    def run(self) -> None:
        """Follow pickle after pickle until the stream ends, or is something else."""
        while True:
            self._fresh()
            if not self._one(first=self.complete == 0):
                return
            self.complete += 1

    def _fresh(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.protocol = 0
        self.frame_end: int | None = None
        self.begun = False

    def _one(self, *, first: bool) -> bool:
        """Follow one pickle; False where nothing is left, or no further pickle begins."""
        start = self.source.at
        while True:
            code = self.source.read(1)
            if not code:
                if self.source.at == start and not first:
                    return False
                raise _Broken("it ends before its STOP")
            opcode = _CODES.get(code)
            if opcode is None:
                raise _Broken(f"0x{code.hex()} is no opcode")
            self.count += 1
            if self.count > MAX_OPCODES:
                raise _Untold(f"it has more than {MAX_OPCODES} opcodes")
            argument = self._argument(opcode)
            if opcode.name == "STOP":
                self._pop()
                return True
            if opcode.name in EXECUTING or (opcode.name == "PROTO" and self.source.at == start + 2):
                self.begun = True
            _STEPS[opcode.name](self, argument)

    def _argument(self, opcode: pickletools.OpcodeInfo) -> Any:
        """Return the argument as a symbol.

        What `pickletools` refuses and an unpickler may take, as `I0x10`, is some value and no break.
        """
        if opcode.arg is None:
            return None
        if opcode.name in _NAMES:
            return self._text(), self._text()
        if opcode.arg.n == pickletools.UP_TO_NEWLINE:
            return self._line(opcode)
        width = _LENGTHS.get(opcode.arg.n)
        if width is None:
            return self._fixed(opcode)
        size = int.from_bytes(self.source.exactly(width), "little")
        found = self.source.counted(size)
        return OTHER if found is None else _value(opcode.name, found)

    def _text(self) -> str:
        try:
            return self.source.readline().removesuffix(b"\n").decode("utf-8")
        except UnicodeDecodeError as error:
            raise _Broken("a name is not UTF-8") from error

    def _line(self, opcode: pickletools.OpcodeInfo) -> Any:
        line = self.source.readline()
        if not line.endswith(b"\n"):
            raise _Broken("it ends within a line")
        try:
            return opcode.arg.reader(io.BytesIO(line))  # type: ignore[union-attr]
        except (ValueError, OverflowError) as error:
            if opcode.name in ("GET", "PUT"):
                raise _Broken(f"the argument of {opcode.name} is none") from error
            return OTHER

    def _fixed(self, opcode: pickletools.OpcodeInfo) -> Any:
        found = self.source.exactly(opcode.arg.n)  # type: ignore[union-attr]
        return opcode.arg.reader(io.BytesIO(found))  # type: ignore[union-attr]

    # The stack ---------------------------------------------------------------------------------------------

    def _pop(self) -> Any:
        if not self.stack or (self.marks and self.marks[-1] == len(self.stack)):
            raise _Broken("it takes from an empty stack")
        return self.stack.pop()

    def _top(self) -> Any:
        if not self.stack or (self.marks and self.marks[-1] == len(self.stack)):
            raise _Broken("it looks at an empty stack")
        return self.stack[-1]

    def _to_mark(self) -> list[Any]:
        if not self.marks:
            raise _Broken("it has no mark")
        place = self.marks.pop()
        found = self.stack[place:]
        del self.stack[place:]
        return found

    # What opcodes do ---------------------------------------------------------------------------------------

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def other(self, _: Any) -> None:
        self.push(OTHER)

    def nothing(self, _: Any) -> None:
        """Do what matters to nobody."""

    def protocol_is(self, argument: int) -> None:
        self.protocol = argument

    def frame(self, size: int) -> None:
        self.frame_end = self.source.at + size

    def mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def pop(self, _: Any) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self._pop()

    def pop_mark(self, _: Any) -> None:
        self._to_mark()

    def duplicate(self, _: Any) -> None:
        self.push(self._top())

    def put(self, place: int) -> None:
        self.memo[place] = self._top()

    def memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self._top()

    def get(self, place: int) -> None:
        if place not in self.memo:
            raise _Broken(f"the memo has nothing at {place}")
        self.push(self.memo[place])

    def tuple_mark(self, _: Any) -> None:
        self.push(tuple(self._to_mark()))

    def tuple_1(self, _: Any) -> None:
        self.push((self._pop(),))

    def tuple_2(self, _: Any) -> None:
        last = self._pop()
        self.push((self._pop(), last))

    def tuple_3(self, _: Any) -> None:
        last, middle = self._pop(), self._pop()
        self.push((self._pop(), middle, last))

    def collected(self, _: Any) -> None:
        self._to_mark()
        self.push(OTHER)

    def empty_dict(self, _: Any) -> None:
        self.push(_Dict())

    def dict_mark(self, _: Any) -> None:
        items, made = self._to_mark(), _Dict()
        self._fill(made, items)
        self.push(made)

    def set_item(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        self._fill(self._top(), [key, value])

    def set_items(self, _: Any) -> None:
        items = self._to_mark()
        self._fill(self._top(), items)

    def _fill(self, target: Any, items: list[Any]) -> None:
        self._altered(target)
        if len(items) % 2:
            raise _Broken("a dictionary has a key without a value")
        if not isinstance(target, _Dict):
            return
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, str):
                target.of[key] = value
            else:
                target.plain = False

    def append(self, _: Any) -> None:
        self._pop()
        self._altered(self._top())

    def extend(self, _: Any) -> None:
        self._to_mark()
        self._altered(self._top())

    def _altered(self, target: Any) -> None:
        if isinstance(target, Global):
            self.odd.add(f"alters {target}, which it imports")

    def persistent(self, _: Any) -> None:
        self.push(OTHER)

    def persistent_top(self, _: Any) -> None:
        self._pop()
        self.push(OTHER)

    def extension(self, code: int) -> None:
        found = Global("copyreg extension", str(code))
        self.imports.add(found)
        self.push(found)

    def buffer(self, _: Any) -> None:
        self.push(OTHER)

    # What opcodes import and call ---------------------------------------------------------------------------

    def named(self, pair: tuple[str, str]) -> None:
        self.push(self._imported(*pair))

    def named_on_stack(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            if not (_may_be_text(name) and _may_be_text(module)):
                raise _Broken("it imports what has no text as its name")
            self.odd.add("imports a name that it computes")
            self.push(OTHER)
            return
        self.push(self._imported(module, name))

    def _imported(self, module: str, name: str) -> Global:
        if self.protocol < PYTHON_2_NAMES_UNTIL:
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        if not self.begun and not all(part.isidentifier() for part in module.split(".")):
            raise _Broken("no module has such a name")
        found = Global(module, name)
        self.imports.add(found)
        return found

    def reduce(self, _: Any) -> None:
        args, function = self._pop(), self._pop()
        self.push(self._called(function, args))

    def new(self, _: Any) -> None:
        args, function = self._pop(), self._pop()
        self.push(self._called(function, args, new=True))

    def new_with_names(self, _: Any) -> None:
        names, args, function = self._pop(), self._pop(), self._pop()
        made = self._called(function, args, new=True)
        del names
        if isinstance(made, _Made):
            self._refuse_wrapper(made)
        self.push(made)

    def instance(self, pair: tuple[str, str]) -> None:
        args = tuple(self._to_mark())
        self.named(pair)
        self.push(self._called(self._pop(), args))

    def object(self, _: Any) -> None:
        found = self._to_mark()
        if not found:
            raise _Broken("it makes an object of nothing")
        self.push(self._called(found[0], tuple(found[1:])))

    def _called(self, function: Any, args: Any, *, new: bool = False) -> Any:
        if not isinstance(function, Global):
            if function is not OTHER and not isinstance(function, _Made):
                raise _Broken("it calls what cannot be called")
            if not self.beyond:
                self.odd.add("calls what it has built itself")
            return OTHER
        known = args if isinstance(args, tuple) else None
        if function == _RECONSTRUCTOR and known and isinstance(known[0], Global) and not new:
            function, new, known = known[0], True, known[3:]
        made = _Made(function, known)
        if function == _WRAPPER and not (new and known == ()):
            self._refuse_wrapper(made)
        return made

    def _refuse_wrapper(self, made: _Made) -> None:
        if self.arrays and made.by == _WRAPPER:
            raise _Untold("an array is announced in a way that joblib does not write")

    def build(self, _: Any) -> None:
        state = self._pop()
        target = self._top()
        self._altered(target)
        if isinstance(target, Global):
            return
        if isinstance(target, _Made):
            target.states.append(state)
            if target.by == _WRAPPER:
                self.wraps = True
                if self.arrays:
                    self._array(target)

    # Arrays of joblib ---------------------------------------------------------------------------------------

    def _array(self, wrapper: _Made) -> None:
        """Pass over the bytes of an array that joblib has written behind the opcode."""
        if self.frame_end is not None and self.source.at < self.frame_end:
            raise _Untold("the bytes of an array lie inside a frame")
        shape, dtype, aligned = self._announced(wrapper)
        self.stack.pop()
        self.push(OTHER)
        size, objects = _item(dtype)
        if objects:
            inner = _Machine(self.source, arrays=False)
            inner.count, inner.imports, inner.odd, inner.begun = self.count, self.imports, self.odd, True
            inner._one(first=True)
            self.count = inner.count
            return
        if aligned:
            self.source.skip(int.from_bytes(self.source.exactly(1), "little"))
        self.source.skip(prod(shape) * size)

    def _announced(self, wrapper: _Made) -> tuple[tuple[int, ...], _Made, bool]:
        """Return shape, dtype and whether the bytes are aligned; all have to be as joblib writes them."""
        (state, *more) = wrapper.states
        known = state.of if isinstance(state, _Dict) and state.plain and not more else {}
        shape, dtype = known.get("shape"), known.get("dtype")
        aligned = known.get("numpy_array_alignment_bytes")
        whole = isinstance(shape, tuple) and all(type(one) is int and one >= 0 for one in shape)
        if not whole or not isinstance(dtype, _Made) or not (aligned is None or type(aligned) is int):
            raise _Untold("an array is announced in a way that joblib does not write")
        return shape, dtype, aligned is not None  # type: ignore[return-value]


def _value(opcode: str, found: bytes) -> Any:
    """Return an argument that was told with its length."""
    if "UNICODE" in opcode:
        try:
            return found.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise _Broken("a text is not UTF-8") from error
    if "STRING" in opcode:  # before Python 3 a text was bytes
        return found.decode("latin-1")
    return int.from_bytes(found, "little", signed=True) if opcode == "LONG1" else OTHER


def _may_be_text(value: Any) -> bool:
    """Whether an unpickler might find a text here: all others that make one are no honest imports at all."""
    if isinstance(value, _Made):
        return value.by.module in ("builtins", "_codecs")
    return value is OTHER or isinstance(value, str)


def _item(dtype: Any) -> tuple[int, bool]:
    """Return the bytes of an item, and whether items are objects, which joblib pickles instead."""
    name = dtype.args[0] if isinstance(dtype, _Made) and dtype.by == _DTYPE and dtype.args else None
    found = _ITEM.fullmatch(name) if isinstance(name, str) else None
    if found is None or len(dtype.states) > 1:
        raise _Untold("an array has items of a kind that is not known here")
    kind, size = found.group(1), int(found.group(2))
    size = 4 * size if kind == "U" else size
    if kind == "O":
        return size, True
    state = dtype.states[0] if dtype.states else None
    if kind not in _FLEXIBLE or state is None:
        return size, False
    return size, _structured(state, size)


def _structured(state: Any, size: int) -> bool:
    """Whether items of several fields hold objects. Their state must agree with their name."""
    plain = isinstance(state, tuple) and len(state) >= 8 and state[2] is None  # noqa: PLR2004  as numpy writes
    if not plain or state[5] not in (-1, size) or type(state[7]) is not int:
        raise _Untold("an array has items of a kind that is not known here")
    fields, objects = state[4], bool(state[7] & _HAS_OBJECTS)
    if fields is None:
        return objects
    if not isinstance(fields, _Dict) or not fields.plain:
        raise _Untold("an array has items of a kind that is not known here")
    inner = [_item(one[0])[1] if isinstance(one, tuple) and one else True for one in fields.of.values()]
    if any(inner) != objects:
        raise _Untold("an array has items that say of themselves what they are not")
    return objects


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(
        ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
         "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
         "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        _Machine.push,
    ),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_SET", "NEXT_BUFFER"), _Machine.other),
    **dict.fromkeys(("LIST", "FROZENSET"), _Machine.collected),
    "READONLY_BUFFER": _Machine.nothing,
    "APPEND": _Machine.append,
    **dict.fromkeys(("APPENDS", "ADDITEMS"), _Machine.extend),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE": _Machine.tuple_mark,
    "TUPLE1": _Machine.tuple_1,
    "TUPLE2": _Machine.tuple_2,
    "TUPLE3": _Machine.tuple_3,
    "EMPTY_DICT": _Machine.empty_dict,
    "DICT": _Machine.dict_mark,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "POP": _Machine.pop,
    "DUP": _Machine.duplicate,
    "MARK": _Machine.mark,
    "POP_MARK": _Machine.pop_mark,
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    "MEMOIZE": _Machine.memoize,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), _Machine.extension),
    "GLOBAL": _Machine.named,
    "STACK_GLOBAL": _Machine.named_on_stack,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "INST": _Machine.instance,
    "OBJ": _Machine.object,
    "NEWOBJ": _Machine.new,
    "NEWOBJ_EX": _Machine.new_with_names,
    "PROTO": _Machine.protocol_is,
    "FRAME": _Machine.frame,
    "PERSID": _Machine.persistent,
    "BINPERSID": _Machine.persistent_top,
}  # fmt: skip
