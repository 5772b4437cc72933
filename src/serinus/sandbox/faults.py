"""What is wrong with one process of the demo application: read from its environment, changed at run time.

Which image has which fault is decided in `serinus.sandbox.images`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

PREFIX = "SERINUS_"


class BadFault(ValueError):
    """A fault's name or value that the application does not understand."""


@dataclass(frozen=True, slots=True)
class Faults:
    """All times count from the start of the process; the defaults are a healthy application.

    `error_rate` is a share from 0 to 1. `latency_ms` is the median of a log-normal distribution. `memory_bytes` is how
    far memory grows. Nothing but `start_seconds`, `crash_on_start` and `never_ready` shows before `harm_after_seconds`.
    """

    error_rate: float = 0.0
    latency_ms: float = 5.0
    crash_after_seconds: float = 0.0
    crash_on_start: bool = False
    never_ready: bool = False
    memory_bytes: int = 0
    leak_bytes_per_request: int = 0
    start_seconds: float = 0.0
    harm_after_seconds: float = 0.0
    drain_seconds: float = 1.0


def from_environment(environment: Mapping[str, str]) -> Faults:
    """Faults from variables such as SERINUS_ERROR_RATE. Raises BadFault naming the variable."""
    return changed(
        Faults(),
        {
            field.name: environment[name]
            for field in fields(Faults)
            if (name := PREFIX + field.name.upper()) in environment
        },
    )


def changed(faults: Faults, wanted: Mapping[str, object]) -> Faults:
    """The faults with some fields set anew. Raises BadFault for an unknown name or an unusable value."""
    current = {field.name: getattr(faults, field.name) for field in fields(Faults)}
    values: dict[str, Any] = {}
    for name, raw in wanted.items():
        if name not in current:
            raise BadFault(f"no fault is called {name!r}; there are: {', '.join(current)}")
        values[name] = _parse(name, raw, type(current[name]))
    return replace(faults, **values)


def _parse(name: str, raw: object, kind: type) -> bool | int | float:
    text = str(raw).strip().lower()
    if kind is bool:
        if text not in ("true", "false", "1", "0"):
            raise BadFault(f"{name}: {raw!r} is neither true nor false")
        return text in ("true", "1")
    try:
        value = float(text)
    except ValueError:
        raise BadFault(f"{name}: {raw!r} is not a number") from None
    if not 0 <= value < float("inf"):
        raise BadFault(f"{name}: {raw!r} is not a number from 0 up")
    return int(value) if kind is int else value
