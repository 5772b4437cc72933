"""What `serinus plan` says of the metrics: today's traffic, what the plan can tell by it, and what harm would cost."""

from collections.abc import Iterator

import msgspec

from serinus.core.plan import MetricsPlan, Plan
from serinus.core.spec import ErrorBudget, Gating
from serinus.judge.forecast import Detection, Forecast


def forecast_lines(plan: Plan, forecast: Forecast | None) -> Iterator[str]:
    """For people; nothing where nobody looks at metrics."""
    metrics = plan.metrics
    if metrics is None or forecast is None:
        return
    kinds = ", ".join(metrics.kinds)
    yield f"  metrics:    {kinds}, every {metrics.rules.interval_seconds:g} s, from {metrics.endpoint}"
    yield f"  today:      {forecast.requests_per_second:.3g} requests/s, {_percent(forecast.error_rate)} of them fail"
    yield f"  safe:       {_safety(metrics, forecast)}"
    smallest = forecast.smallest_harm
    found = f"{_percent(smallest)} of its requests failing" if smallest is not None else "none, at this traffic"
    yield f"  finds:      the smallest harm is {found}"
    yield ""
    yield "  canary fails   taken back after   its users who meet an error until then"
    for one in forecast.detections:
        after = f"{one.seconds:.0f} s" if one.seconds is not None else "not by errors"
        yield f"  {_percent(one.error_rate):>12}   {after:<16}   {one.requests_failed:.0f}"
    yield f"  worst case:  {_at_risk(metrics.rules.budget, forecast.detections)}"


def _safety(metrics: MetricsPlan, forecast: Forecast) -> str:
    needed, brought = forecast.requests_needed, forecast.requests_expected
    if needed is None:
        return "cannot be shown at this traffic"
    said = f"after about {needed:.0f} requests of the canary; its steps bring {brought:.0f}"
    if metrics.gating is not Gating.EVIDENCE:
        return f"{said}; not asked for (metrics: harm)"
    missing = forecast.seconds_missing
    return said if not missing else f"{said}, so the last step waits about {missing:.0f} s longer than its bake"


def _at_risk(budget: ErrorBudget | None, detections: tuple[Detection, ...]) -> str:
    worst = max((one.requests_failed for one in detections), default=0.0)
    said = f"{worst:.0f} failed requests"
    if budget is None:
        return said
    allowed = (1.0 - budget.objective) * budget.monthly_requests
    return f"{said}, {100.0 * worst / allowed:.2g} % of the month's error budget"


def _percent(part: float) -> str:
    return f"{100.0 * part:.3g} %"


def forecast_json(plan: Plan, forecast: Forecast | None) -> dict[str, object] | None:
    """For programs; None where nobody looks at metrics."""
    if plan.metrics is None or forecast is None:
        return None
    kinds, gating = list(plan.metrics.kinds), plan.metrics.gating.value
    return {"gate": gating, "kinds": kinds, **msgspec.to_builtins(forecast)}
