"""Request bodies: JSON, YAML or the protobuf that kubectl sends, as plain objects."""

from typing import Any

import msgspec
import yaml

from serinus.sandbox.api.errors import bad_request, unsupported_media_type
from serinus.sandbox.api.kinds import Raw
from serinus.sandbox.api.protobuf import decode_protobuf

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"


def decode_object(data: bytes, content_type: str) -> Raw:
    """An object from a request body; raises StatusError 400 or 415."""
    match content_type.split(";")[0].strip() or JSON:
        case "application/json":
            value = decode_json(data)
        case "application/yaml":
            value = decode_yaml(data)
        case "application/vnd.kubernetes.protobuf":
            value = decode_protobuf(data)
        case other:
            raise unsupported_media_type(other, (JSON, YAML, PROTOBUF))
    if not isinstance(value, dict):
        raise bad_request("couldn't get version/kind; the body is not an object")
    return value


def decode_json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise bad_request(f"error decoding the body: {error}") from error


def decode_yaml(data: bytes) -> Any:
    """YAML, of which JSON is tried first because it is what clients send."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        try:
            return yaml.load(data, Loader=yaml.CSafeLoader)
        except yaml.YAMLError as error:
            raise bad_request(f"error decoding YAML: {error}") from error
