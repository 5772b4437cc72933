"""What a rollout is judged by: error probabilities, margins, metrics, limits. Fixed before the release begins.

The defaults are those that were measured (docs/reference/judge.md). No reading is looked at here.
"""

import enum
import re
from collections.abc import Iterable

import msgspec


class Metric(enum.Enum):
    """The kinds of evidence, in the order in which they are told."""

    ERRORS = "errors"
    LATENCY = "latency"
    RESTARTS = "restarts"
    GAUGES = "gauges"


WEIGHTS = {Metric.ERRORS: 0.4, Metric.LATENCY: 0.3, Metric.RESTARTS: 0.2, Metric.GAUGES: 0.1}
"""Each kind's part of alpha; all gauges together have one part. An absent kind hands its part over (`total.py`)."""


class Margin(msgspec.Struct, frozen=True):
    """How much worse than production is tolerated: limit = (1 + relative) x production's + absolute.

    The unit of `absolute` is the metric's: a share of requests, restarts per pod-hour.
    """

    relative: float = 0.0
    absolute: float = 0.0


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Absolute guard rails, whatever production does. None: no such limit.

    `error_rate`: share of the canary's requests that may fail. `p99_seconds`: 99 % of requests must be faster.
    """

    error_rate: float | None = None
    p99_seconds: float | None = None


class Budget(msgspec.Struct, frozen=True):
    """The error budget: `objective` is the share of requests promised to succeed in a month.

    The rollout ends when its canary has spent `stop_percent` of what a month of `monthly_requests` may lose.
    """

    objective: float
    stop_percent: float
    monthly_requests: float


class Policy(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that may be chosen.

    `alpha`: probability that a harmless release is rolled back; `alpha_node`: the same, given that one canary pod is
    arbitrarily bad (its node, say); `beta`: probability that a release at the safety margin is called safe.
    """

    alpha: float = 0.01
    alpha_node: float = 0.1
    beta: float = 0.05
    metrics: tuple[Metric, ...] = tuple(Metric)
    errors: Margin = Margin(0.25, 0.001)
    latency: Margin = Margin(0.25, 0.002)
    restarts: Margin = Margin(0.0, 0.2)
    gauges: Margin = Margin(0.2, 0.0)
    safe_errors: Margin = Margin(0.25, 0.003)
    safe_latency_p50: Margin = Margin(0.3, 0.01)
    safe_latency_tail: Margin = Margin(0.5, 0.005)
    limits: Limits = Limits()
    budget: Budget | None = None
    checks_share: bool = True
    """Whether the canary's share of requests is promised by whoever splits them; by pod count connections are split."""
    seconds_min: float = 60.0
    """No release is called safe earlier than this after its first request."""


SAFETY_OF = {"safe_errors": "errors", "safe_latency_p50": "latency", "safe_latency_tail": "latency"}
MARGIN_KEYS = (*(metric.value for metric in Metric), *SAFETY_OF)
SHARES = ("errors", "latency", *SAFETY_OF)
_NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:e-?[0-9]+)?|\.[0-9]+"
_MARGIN = re.compile(rf"(?P<key>[a-z0-9_]+)=(?P<relative>{_NUMBER})(?:\+(?P<absolute>{_NUMBER}))?")
SAFETY_ABSOLUTE_FACTOR = 3.0


class PolicyError(ValueError):
    """A choice that cannot be understood; the message says what was met and what is wanted."""


def parse_metrics(text: str) -> tuple[Metric, ...]:
    """`errors,latency` as metrics. Raises PolicyError."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    known = {metric.value: metric for metric in Metric}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        met = ", ".join(unknown) or "nothing"
        raise PolicyError(f"metrics: met {met}; wanted some of {', '.join(known)}, separated by commas")
    return tuple(metric for metric in Metric if metric.value in names)


def parse_margins(text: str) -> dict[str, Margin]:
    """`errors=0.25+0.001,latency=0.25+0.002` (relative part + absolute part) as margins. Raises PolicyError."""
    margins = {}
    for part in (part.strip() for part in text.split(",")):
        match = _MARGIN.fullmatch(part)
        if match is None or match["key"] not in MARGIN_KEYS:
            raise PolicyError(
                f"margins: met {part!r}; wanted KEY=RELATIVE+ABSOLUTE such as errors=0.25+0.001, separated by commas,"
                f" KEY one of {', '.join(MARGIN_KEYS)}"
            )
        margin = Margin(float(match["relative"]), float(match["absolute"] or 0.0))
        if margin.absolute >= 1.0 and match["key"] in SHARES:
            raise PolicyError(f"margins: met {part!r}; wanted an absolute part below 1: it is a share of requests")
        margins[match["key"]] = margin
    return margins


def policy_of(alpha: float, metrics: Iterable[Metric], margins: dict[str, Margin]) -> Policy:
    """The default policy with these choices.

    Where a margin of harm is given, that of safety is made wider unless it is given too: promotion cannot ask for less
    than what would be rolled back. Raises PolicyError.
    """
    if not 0.0 < alpha < 1.0:
        raise PolicyError(f"alpha: met {alpha}; wanted a probability between 0 and 1")
    chosen = msgspec.structs.replace(Policy(), alpha=alpha, metrics=tuple(metrics), **margins)
    wider = {
        name: _at_least(getattr(chosen, name), margins[harm])
        for name, harm in SAFETY_OF.items()
        if harm in margins and name not in margins
    }
    return msgspec.structs.replace(chosen, **wider)


def _at_least(safety: Margin, harm: Margin) -> Margin:
    wider = min(SAFETY_ABSOLUTE_FACTOR * harm.absolute, (1.0 + harm.absolute) / 2.0)
    return Margin(max(safety.relative, harm.relative), max(safety.absolute, wider))
