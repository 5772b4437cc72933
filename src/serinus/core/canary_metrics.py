"""The part of the spec file's format that says how metrics are judged. The rest of it: `canary.py`."""

from serinus.core.description import Choice, Duration, Field, Group, Number, Text
from serinus.core.spec import ErrorBudget, Gating, Limits, Metrics

AUTO = "auto"
_NUMBER = "[0-9]*\\.?[0-9]+(e-?[0-9]+)?"
_KIND = "(errors|latency|restarts|gauges)"
_MARGIN = f"[a-z0-9_]+={_NUMBER}(\\+{_NUMBER})?"


def _gating(word: str) -> Gating | None:
    return None if word == AUTO else Gating(word)


def _limits(error_rate: float | None = None, p99: float | None = None) -> Limits:
    return Limits(error_rate, p99)


LIMITS = Group(
    "limits",
    (
        Field("errorRate", Number(0.0001, 0.9999), "The share of the canary's requests that may fail.", "error_rate"),
        Field("p99", Duration(0.001), "99 % of the canary's requests must be faster than this."),
    ),
    _limits,
    any_of=("errorRate", "p99"),
)

BUDGET = Group(
    "error budget",
    (
        Field(
            "objective",
            Number(0.5, 0.999999),
            "The share of requests that a month promises to succeed, such as 0.999.",
            required=True,
        ),
        Field(
            "stop",
            Number(0.01, 100),
            "The rollout ends when its canary has spent so many percent of the month's budget.",
            "stop_percent",
            required=True,
        ),
        Field("monthlyRequests", Number(1, 1e15), "Requests that a month has.", "monthly_requests", required=True),
    ),
    ErrorBudget,
)

METRICS = Group(
    "metrics",
    (
        Field(
            "gate",
            Choice(
                {
                    AUTO: "`evidence` where today's traffic gives it in the plan's own time, else `harm`",
                    "evidence": "harm ends the rollout, and it is promoted only on evidence that it does none",
                    "harm": "harm ends the rollout; where nothing can be told it goes on",
                    "off": "nobody looks at metrics",
                },
                _gating,
            ),
            "What is asked of the metrics of canary and production.",
            "gating",
            default=AUTO,
        ),
        Field("interval", Duration(1), "How often they are read.", "interval_seconds", default="5s"),
        Field(
            "alpha",
            Number(1e-6, 0.5),
            "The chance that a release is taken back that does no harm, over all metrics and the whole rollout.",
            default=0.01,
        ),
        Field(
            "beta",
            Number(1e-6, 0.5),
            "The chance that a release is promoted that does as much harm as the margin of safety.",
            default=0.05,
        ),
        Field(
            "kinds",
            Text("errors, latency, restarts and gauges, separated by commas", f"^{_KIND}(,{_KIND})*$", 60),
            "What is judged. Otherwise: all that production is seen to have.",
        ),
        Field(
            "margins",
            Text("margins such as errors=0.25+0.001,latency=0.25+0.002", f"^{_MARGIN}(,{_MARGIN})*$", 500),
            "How much worse than production is tolerated: (1 + first number) times production's, and the second more.",
        ),
        Field("limits", LIMITS, "Limits for the canary, whatever production does."),
        Field("budget", BUDGET, "A stop by the month's error budget."),
        Field(
            "watch",
            Duration(),
            "No release is called safe earlier than this after its first users.",
            "watch_seconds",
            default="1m",
        ),
        Field(
            "wait",
            Duration(),
            "How long the last step may wait for evidence, beyond its bake.",
            "wait_seconds",
            default="10m",
        ),
    ),
    Metrics,
)
