"""Answers that are not a success: the Status object, worded as the Kubernetes API words it. Knows nothing of HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.sandbox.api.kinds import Kind, Raw


class StatusError(Exception):
    """A refusal: HTTP code, machine reason, sentence, and the Status object's details."""

    def __init__(self, code: int, reason: str, message: str, details: Raw | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> Raw:
        status: Raw = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if not self.reason:
            del status["reason"]
        if self.details is not None:
            status["details"] = self.details
        return status


@dataclass(frozen=True, slots=True)
class Cause:
    """One broken field. `reason` is one of FieldValueInvalid, FieldValueRequired, FieldValueNotSupported, ..."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


def _details(kind: Kind, name: str) -> Raw:
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in details.items() if value}


def not_found(kind: Kind, name: str) -> StatusError:
    return StatusError(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def no_such_path() -> StatusError:
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(kind: Kind, name: str, *, leaving: bool) -> StatusError:
    """`leaving`: the object that is in the way is marked for deletion."""
    message = ("object is being deleted: " if leaving else "") + f'{kind.resource} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _details(kind, name))


def conflict(kind: Kind, name: str, why: str) -> StatusError:
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(kind, name))


def stale(kind: Kind, name: str) -> StatusError:
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(kind, name, why)


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> StatusError:
    sentences = [f"{cause.field}: {cause.message}" for cause in causes]
    text = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    details: Raw = {
        "name": name,
        "group": kind.group,
        "kind": kind.name,
        "causes": [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes],
    }
    details = {key: value for key, value in details.items() if value}
    return StatusError(422, "Invalid", f'{kind.qualified} "{name}" is invalid: {text}', details)


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def method_not_allowed() -> StatusError:
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def expired(message: str) -> StatusError:
    return StatusError(410, "Expired", message)


def forbidden(kind: Kind, name: str, why: str, causes: Sequence[Raw] = ()) -> StatusError:
    details = _details(kind, name)
    if causes:
        details["causes"] = list(causes)
    return StatusError(403, "Forbidden", f'{kind.resource} "{name}" is forbidden: {why}', details)


def unsupported_media_type(given: str, accepted: Sequence[str]) -> StatusError:
    message = (
        f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
        if given
        else "the request has no content type"
    )
    return StatusError(415, "UnsupportedMediaType", message, {})
