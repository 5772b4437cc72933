"""What can go wrong at the API's door, in our own types.

Every error says what was tried, where, why it failed and what to do. The HTTP library's classes never leave this
package, a body that nobody understands is cut short, and no token or key is ever part of a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

BODY_CHARACTERS_MAX = 256


class KubeError(Exception):
    """The root: `what` was tried, `where` (context and server, or a file), `why` it failed, `hint`: what to do."""

    def __init__(self, what: str, *, where: str = "", why: str = "", hint: str = "") -> None:
        super().__init__(what, where, why, hint)
        self.what = what
        self.where = where
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        reason = f": {self.why}" if self.why else ""
        advice = f". {self.hint}" if self.hint else ""
        return f"{self.what}{place}{reason}{advice}"


class ConfigError(KubeError):
    """The kubeconfig cannot be used. `file`, and `line` and `column` (from 1) where they are known."""

    def __init__(
        self,
        what: str,
        *,
        file: str = "",
        line: int | None = None,
        column: int | None = None,
        why: str = "",
        hint: str = "",
    ) -> None:
        spot = "" if line is None else f":{line}" if column is None else f":{line}:{column}"
        super().__init__(what, where=f"{file}{spot}", why=why, hint=hint)
        self.file = file
        self.line = line
        self.column = column


class PluginError(ConfigError):
    """The kubeconfig's exec plugin gave no credentials."""


class Unreachable(KubeError):
    """No answer. For a write, `may_have_happened` says whether the server may have carried it out all the same."""

    def __init__(self, what: str, *, where: str = "", why: str = "", hint: str = "", may_have_happened: bool) -> None:
        super().__init__(what, where=where, why=why, hint=hint)
        self.may_have_happened = may_have_happened


class Untrusted(Unreachable):
    """No answer was asked for, because the server's certificate is not one to trust. Trying again is no use."""


class ApiError(KubeError):
    """The server answered without success. `status`: the HTTP code; `reason`: the API's word, such as NotFound."""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        why: str = "",
        hint: str = "",
        status: int = 0,
        reason: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(what, where=where, why=why, hint=hint)
        self.status = status
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class BadRequest(ApiError):
    """400 and its kin: the request makes no sense to this server."""


class Unauthorized(ApiError):
    """401: the server does not know who is asking."""


class Forbidden(ApiError):
    """403: the server knows who is asking, and that one may not."""


class NotFound(ApiError):
    """404: no such object, or no such kind."""


class Conflict(ApiError):
    """409: the object has changed since it was read, or a precondition does not hold."""


class AlreadyExists(Conflict):
    """409 to a create: there is an object of that name."""


class Gone(ApiError):
    """410: the version asked for is no longer kept; list again."""


class Invalid(ApiError):
    """422: the object breaks a rule of its kind."""


class Throttled(ApiError):
    """429: asked too often, or (eviction) not now; the server did nothing."""


class ServerError(ApiError):
    """5xx, or an answer that is not the Kubernetes API's."""


class PodUnreachable(ServerError):
    """The API server is well, and could not reach the pod that it was asked to pass a request to."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The Status object of a failed answer, as far as anyone uses it."""

    reason: str
    message: str
    retry_after_seconds: float | None

    @classmethod
    def parse(cls, body: bytes) -> "Failure | None":
        """The Status object in a body, or None when the body is something else."""
        try:
            raw = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if not isinstance(raw, dict) or raw.get("kind") != "Status":
            return None
        return cls.of(raw)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Failure":
        """From a decoded Status object."""
        details = raw.get("details")
        seconds = details.get("retryAfterSeconds") if isinstance(details, dict) else None
        return cls(
            reason=str(raw.get("reason") or ""),
            message=str(raw.get("message") or ""),
            retry_after_seconds=float(seconds) if isinstance(seconds, int) and seconds > 0 else None,
        )


_BY_STATUS: Mapping[int, tuple[type[ApiError], str]] = {
    400: (BadRequest, ""),
    401: (Unauthorized, "Log in again, or check the user of this context in the kubeconfig"),
    403: (Forbidden, "Ask for this right, or use a context whose user has it"),
    404: (NotFound, "Check the name, the namespace and the context"),
    409: (Conflict, "Read the object again, then decide again"),
    410: (Gone, "List again"),
    422: (Invalid, "Change the object as the server says"),
    429: (Throttled, "Try again later"),
}


def from_answer(what: str, where: str, status: int, body: bytes, retry_after_seconds: float | None = None) -> ApiError:
    """The error that an unsuccessful answer means."""
    failure = Failure.parse(body)
    if failure is None:
        failure = Failure("", _excerpt(status, body), None)
    return from_failure(what, where, status, failure, retry_after_seconds)


def from_failure(
    what: str, where: str, status: int, failure: Failure, retry_after_seconds: float | None = None
) -> ApiError:
    """The same, when the Status object is already known; a Retry-After header wins over the Status object's own."""
    kind, hint = _BY_STATUS.get(status, _otherwise(status))
    if kind is Conflict and failure.reason == "AlreadyExists":
        kind, hint = AlreadyExists, "Choose another name, or take over the object that is there"
    if kind is Conflict and failure.message.startswith("Apply failed"):
        hint = "Another field manager owns these fields: leave them to it, or take them over by force"
    return kind(
        what,
        where=where,
        why=failure.message.rstrip(".") or f"the server answered {status}",
        hint=hint,
        status=status,
        reason=failure.reason,
        retry_after_seconds=failure.retry_after_seconds if retry_after_seconds is None else retry_after_seconds,
    )


def _otherwise(status: int) -> tuple[type[ApiError], str]:
    if status >= 500:
        return ServerError, "Try again; if it stays, look at the API server's own log"
    if 300 <= status < 400:
        return BadRequest, "Is this the address of a Kubernetes API server? It sends clients elsewhere"
    return BadRequest, ""


def _excerpt(status: int, body: bytes) -> str:
    text = " ".join(body[: 4 * BODY_CHARACTERS_MAX].decode(errors="replace").split())
    cut = text if len(text) <= BODY_CHARACTERS_MAX else text[: BODY_CHARACTERS_MAX - 1] + "…"
    return f"the server answered {status}: {cut}" if cut else f"the server answered {status} without a body"
