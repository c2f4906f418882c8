"""The fields of a protobuf message, without a schema: enough to read what an ONNX graph says of itself.

Shared by the adapters of this folder, of which each runs alone in the child.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and the value of each field: an integer, or bytes for texts, messages and arrays.

    Raises:
        ValueError: These bytes are no message.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError("no field has the number 0")
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == _BYTES:
            length, place = _varint(message, place)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"a field is of the unknown kind {wire}")
        if place + length > len(message):
            raise ValueError("a field is cut off")
        yield number, message[place : place + length]
        place += length


def integers(value: int | memoryview) -> list[int]:
    """Return the signed integers of one field, which may hold many at once."""
    if isinstance(value, int):
        return [_signed(value)]
    found, place = [], 0
    while place < len(value):
        one, place = _varint(value, place)
        found.append(_signed(one))
    return found


def text(value: int | memoryview) -> str:
    """Return a field as text."""
    return "" if isinstance(value, int) else bytes(value).decode("utf-8")


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    found = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise ValueError("a number is cut off")
        byte = message[place]
        place += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return found, place
    raise ValueError("a number is too long")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
