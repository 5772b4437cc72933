"""`serinus plan`: what deploy would do, without doing any of it."""

import json
from collections.abc import Iterator
from typing import Any

import click

from serinus.cli.checked import Checked, checked_plan
from serinus.cli.exits import Exit
from serinus.cli.flags import Wish, wish_of
from serinus.cli.foretold import forecast_json, forecast_lines
from serinus.cli.options import cluster_options, release_options, run
from serinus.core.config import ConfigCopy
from serinus.core.plan import Plan
from serinus.core.resolve import NothingToDo
from serinus.kube.target import open_target
from serinus.wiring import open_session


@click.command()
@release_options
@cluster_options
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="A table, or JSON.")
def plan(output: str, **values: Any) -> int:
    """Show what deploy would do with SERVICE: steps with asked and reachable shares, pods, times. Changes nothing."""
    return run(_plan(wish_of(values), output))


async def _plan(wish: Wish, output: str) -> Exit:
    async with open_session(wish.choice) as session:
        spec = wish.spec(session.client.namespace)
        async with open_target(session.client, spec.namespace, spec.service) as target:
            checked = await checked_plan(session, target, spec)
            if isinstance(checked, NothingToDo):
                click.echo(f"nothing to do: version {checked.version} is in production already")
                return Exit.DONE
            click.echo(plan_json(checked) if output == "json" else plan_text(checked))
            return Exit.DONE


def plan_text(checked: Checked) -> str:
    """The plan as a table, with what comes before and after the steps."""
    plan, notes = checked.plan, checked.notes
    stable = plan.stable
    lines = [f"Service {plan.service} in namespace {plan.namespace}"]
    if stable is None:
        lines.append(f"  nothing is deployed yet: {plan.version} is deployed plainly as Deployment {plan.canary_name}")
    else:
        lines.append(f"  production: version {stable.version}, Deployment {stable.name}, {stable.replicas} pods")
        lines.append(f"  canary:     version {plan.version}, Deployment {plan.canary_name}")
    lines += [f"  image:      {name}: {image}" for name, image in sorted(plan.images.items())]
    lines += [f"  config:     {copy.kind.value} {copy.original} goes along as {copy.name}" for copy in _copies(plan)]
    if plan.freeze_override is not None:
        lines.append(f"  freeze:     passed over, which is recorded: {plan.freeze_override}")
    if plan.smoke_before_traffic:
        lines.append("  first:      a pod outside the Service must pass the smoke test")
    lines.append("")
    lines.append("  step  asked  share   canary  stable  holds     at most")
    for number, step in enumerate(plan.steps, 1):
        lines.append(
            f"  {number:>4}  {step.asked_percent:>4.0f}%  {step.share_percent:>5.1f}%  {step.canary_replicas:>6}  "
            f"{step.stable_replicas:>6}  {_seconds(step.bake_seconds):<8}  {_seconds(step.deadline_seconds)}"
        )
    lines += ["", *_gate_lines(plan)] if plan.gates else []
    bake = sum(step.bake_seconds for step in plan.steps)
    lines += ["", f"  then:       {plan.promotion.value}", f"  takes:      {_seconds(bake)} and the time pods need"]
    if told := list(forecast_lines(plan, checked.forecast)):
        lines += ["", *told]
    if notes:
        lines += ["", "  to be known:", *(f"  - {note.sentence}" for note in notes)]
    return "\n".join(lines)


def _gate_lines(plan: Plan) -> Iterator[str]:
    """Which gates must pass, at which steps."""
    for gate in plan.gates:
        numbers = [str(number) for number, step in enumerate(plan.steps, 1) if gate.name in step.gates]
        where = "every step" if len(numbers) == len(plan.steps) else f"step {', '.join(numbers)}"
        yield f"  gate:       {gate.name}, at {where}, within {_seconds(gate.timeout_seconds)}"


def plan_json(checked: Checked) -> str:
    """The plan as JSON."""
    plan, notes = checked.plan, checked.notes
    steps = [
        {
            "asked_percent": step.asked_percent,
            "share_percent": round(step.share_percent, 2),
            "canary_replicas": step.canary_replicas,
            "stable_replicas": step.stable_replicas,
            "bake_seconds": step.bake_seconds,
            "deadline_seconds": step.deadline_seconds,
            "gates": list(step.gates),
        }
        for step in plan.steps
    ]
    body = {
        "namespace": plan.namespace,
        "service": plan.service,
        "version": plan.version,
        "version_before": plan.stable.version if plan.stable is not None else None,
        "stable": plan.stable.name if plan.stable is not None else None,
        "canary": plan.canary_name,
        "images": plan.images,
        "naming": plan.naming.value,
        "promotion": plan.promotion.name.lower(),
        "config": [{"kind": copy.kind.value, "original": copy.original, "copy": copy.name} for copy in _copies(plan)],
        "freeze_override": plan.freeze_override,
        "steps": steps,
        "metrics": forecast_json(plan, checked.forecast),
        "notes": [{"check": note.check, "what": note.what, "why": note.why, "do": note.hint} for note in notes],
    }
    return json.dumps(body, indent=2)


def _copies(plan: Plan) -> tuple[ConfigCopy, ...]:
    return plan.config.copies if plan.config is not None else ()


def _seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s" if seconds % 60 else f"{int(seconds // 60)} min"
