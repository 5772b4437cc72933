"""A decoder of the protobuf bodies that kubectl's typed commands send. Answers are always JSON, so there is no encoder.

A field that carries a value and is not in the table is refused, never dropped in silence.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from serinus.sandbox.api.errors import bad_request
from serinus.sandbox.api.kinds import Raw
from serinus.sandbox.api.protobuf_fields import MESSAGES

_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIGN_BIT = 1 << 63


class _Field(NamedTuple):
    name: str
    type: str
    repeated: bool
    mapped: bool
    optional: bool


def _read_table(text: str) -> dict[int, _Field]:
    fields = {}
    for line in filter(None, re.split(r"[;\n]\s*", text)):
        number, name, kind = line.split()
        bare = kind.lstrip("[]{}*")
        fields[int(number)] = _Field(name, bare, kind.startswith("[]"), kind.startswith("{}"), kind.startswith("*"))
    return fields


_TABLES = {name: _read_table(text) for name, text in MESSAGES.items()}


def decode_protobuf(data: bytes) -> Raw:
    """The object inside the envelope; raises StatusError 400 for what cannot be read."""
    if not data.startswith(_MAGIC):
        raise bad_request("the protobuf body does not start with the Kubernetes prefix")
    try:
        envelope = dict(_fields(data[len(_MAGIC) :]))
        type_meta = {number: bytes(value).decode() for number, value in _fields(envelope[1])}
        message = type_meta[2]
        if message not in _TABLES:
            raise bad_request(f"{message} is not accepted as protobuf here: send JSON")
        return {"kind": message, "apiVersion": type_meta[1]} | _message(envelope.get(2, b""), message)
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise bad_request(f"the protobuf body cannot be decoded: {error}") from error


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers with their raw values: an integer or bytes."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        value: Any
        if wire == _VARINT:
            value, place = _varint(data, place)
        elif wire == _BYTES:
            length, place = _varint(data, place)
            value, place = data[place : place + length], place + length
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
            value, place = data[place : place + size], place + size
        else:
            raise ValueError(f"wire type {wire}")
        yield number, value


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _message(data: bytes, name: str) -> Raw:
    table, result = _TABLES[name], Raw()
    for number, value in _fields(data):
        field = table.get(number)
        if field is None:
            _check_empty(name, number, value)
        elif field.repeated:
            result.setdefault(field.name, []).append(_value(value, field.type))
        elif field.mapped:
            entry = dict(_fields(value))
            mapped = _value(entry.get(2, b""), field.type)
            result.setdefault(field.name, {})[entry.get(1, b"").decode()] = mapped
        else:
            decoded = _value(value, field.type)
            if field.optional or decoded not in ("", 0, {}, None):
                result[field.name] = decoded
    return result


def _check_empty(message: str, number: int, value: int | bytes) -> None:
    """Fields without a value are sent too."""
    if value == 0 or (isinstance(value, bytes) and not any(inner for _, inner in _fields(value))):
        return
    is_status = number == 3 and 2 in _TABLES[message] and _TABLES[message][2].name == "spec"
    if is_status or (message, number) in (("ObjectMeta", 8), ("ObjectMeta", 17)):
        return  # what the server decides anyway: status, creation time, managedFields
    raise bad_request(f"field {number} of {message} is not accepted as protobuf here: send JSON")


def _value(value: Any, kind: str) -> Any:
    match kind:
        case "string":
            return value.decode()
        case "int":
            return value - (1 << 64) if value & _SIGN_BIT else value
        case "bool":
            return bool(value)
        case "bytes":
            return base64.b64encode(value).decode()
        case "Quantity":
            return dict(_fields(value)).get(1, b"0").decode()
        case "IntOrString":
            parts = dict(_fields(value))
            if parts.get(1, 0) == 0:
                return parts.get(2, 0)
            return parts.get(3, b"").decode()
        case _:
            return _message(value, kind)
