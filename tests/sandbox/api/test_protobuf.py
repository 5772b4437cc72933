"""Protobuf bodies, encoded here by hand, as kubectl encodes them."""

from typing import Any

import pytest

from serinus.sandbox.api.errors import StatusError
from serinus.sandbox.api.protobuf import decode_protobuf


def _varint(value: int) -> bytes:
    value %= 1 << 64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3) + _varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += _varint(number << 3 | 2) + _varint(len(data)) + data
    return out


def _envelope(kind: str, version: str, raw: bytes) -> bytes:
    return b"k8s\x00" + _message((1, _message((1, version), (2, kind))), (2, raw))


def _decode(kind: str, *fields: tuple[int, Any]) -> dict[str, Any]:
    return decode_protobuf(_envelope(kind, "v1", _message(*fields)))


def test_strings_maps_and_zero_times() -> None:
    metadata = _message((1, "conf"), (2, ""), (8, b""), (11, _message((1, "a"), (2, "b"))))
    decoded = _decode("ConfigMap", (1, metadata), (2, _message((1, "k"), (2, "v"))))
    assert decoded == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "conf", "labels": {"a": "b"}},
        "data": {"k": "v"},
    }


def test_bytes_become_base64() -> None:
    assert _decode("Secret", (2, _message((1, "k"), (2, b"\xff"))), (3, "Opaque"))["data"] == {"k": "/w=="}


def test_a_zero_that_was_set_is_kept_and_one_that_was_not_is_dropped() -> None:
    spec = _decode("Deployment", (2, _message((1, 0), (5, 0), (7, 0))))["spec"]
    assert spec == {"replicas": 0}


def test_repeated_messages_negative_numbers_and_either_kind_of_port() -> None:
    named = _message((3, 80), (4, _message((1, 1), (2, 0), (3, "http"))))
    numbered = _message((3, 81), (4, _message((1, 0), (2, 8081), (3, ""))))
    spec = _decode("Service", (2, _message((1, named), (1, numbered))))["spec"]
    assert spec["ports"] == [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 8081}]
    assert _decode("Job", (2, _message((3, -1))))["spec"] == {"activeDeadlineSeconds": -1}


def test_an_unknown_field_with_a_value_is_refused_not_dropped() -> None:
    template = _message((2, _message((18, _message((1, "affinity"))))))
    with pytest.raises(StatusError, match="field 18 of PodSpec"):
        _decode("Deployment", (2, _message((3, template))))


def test_an_unknown_field_without_a_value_is_passed_over() -> None:
    template = _message((2, _message((18, b""), (11, 0))))
    assert _decode("Deployment", (2, _message((1, 0), (3, template))))["spec"] == {"replicas": 0}


@pytest.mark.parametrize("data", [b"", b"{}", b"k8s\x00", b"k8s\x00\x0a\xff", _envelope("Mystery", "v1", b"")])
def test_what_cannot_be_read_is_a_bad_request(data: bytes) -> None:
    with pytest.raises(StatusError) as refused:
        decode_protobuf(data)
    assert refused.value.code == 400
