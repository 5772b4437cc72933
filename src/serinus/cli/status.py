"""`serinus status`: where a rollout is, who drives it, and how the last ones ended."""

import json
from typing import Any, assert_never

import click

from serinus.cli.exits import Exit
from serinus.cli.options import choice_of, cluster_options, run
from serinus.core.plan import Plan, share_of
from serinus.core.record import Past
from serinus.core.state import Baking, Finished, Leaving, Paused, Preparing, Promoting, Shifting, State
from serinus.core.world import World
from serinus.kube.kubeconfig import Choice
from serinus.kube.target import Target, follow, follow_lease, holder, open_target
from serinus.kube.world import KubeCluster
from serinus.ports import Saved
from serinus.wiring import Session, open_session

HISTORY_SHOWN = 5


@click.command()
@click.argument("service")
@click.option("-w", "--watch", "follow_it", is_flag=True, help="Go on until the rollout has finished.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Text, or JSON lines.")
@cluster_options
def status(service: str, follow_it: bool, output: str, **values: Any) -> int:
    """Show where the rollout of SERVICE is: state, share, pods, who drives it; and how the last ones ended."""
    return run(_status(choice_of(values), service, follow_it, output))


@click.command()
@click.argument("service")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Text, or JSON lines.")
@cluster_options
def watch(service: str, output: str, **values: Any) -> int:
    """Show where the rollout of SERVICE is, at every change, until it has finished."""
    return run(_status(choice_of(values), service, True, output))


async def _status(choice: Choice, service: str, watch: bool, output: str) -> Exit:
    async with (
        open_session(choice) as session,
        open_target(session.client, session.client.namespace, service) as target,
    ):
        saved = target.store.load()
        if saved is None:
            click.echo(_nothing(target, output))
            return Exit.DONE
        await follow(target, saved.record.plan)
        await follow_lease(target)
        await _show(session, target, watch, output)
        return Exit.DONE


def _nothing(target: Target, output: str) -> str:
    if output == "json":
        return json.dumps({"service": target.service, "namespace": target.namespace, "state": None})
    known = "" if target.raw_service is not None else " (and there is no such Service)"
    return f"Service {target.service} in namespace {target.namespace}: never released by Serinus{known}"


async def _show(session: Session, target: Target, watch: bool, output: str) -> None:
    """Once, or at every change until the rollout has finished."""
    cluster = KubeCluster(target)
    shown = ""
    while True:
        saved = target.store.load()
        if saved is None:
            return
        world = cluster.observe(saved.record.plan)
        text = _as_json(saved, world) if output == "json" else _as_text(target, saved, world, first=not shown)
        if text != shown:
            at = "" if output == "json" or not shown else f"{session.clock.now():%H:%M:%S} "
            click.echo(f"{at}{text}")
            shown = text
        if not watch or isinstance(saved.record.state, Finished):
            return
        await cluster.changed(60.0)


def _as_text(target: Target, saved: Saved, world: World, first: bool) -> str:
    plan, state = saved.record.plan, saved.record.state
    line = f"{sentence_of(plan, state)}; {pods_of(world)}"
    if not first:
        return line
    before = plan.stable.version if plan.stable is not None else "nothing"
    lines = [f"Service {plan.service} in namespace {plan.namespace}: {before} -> {plan.version}", f"  {line}"]
    if not isinstance(state, Finished):
        driver = holder(target)
        live = driver is not None and driver.is_live(target.client.transport.clock.now())
        who = f"driven by {driver.identity}" if live and driver is not None else "ABANDONED: nobody drives it"
        go_on = f"; go on: serinus deploy {plan.service} --version {plan.version}, or: serinus abort {plan.service}"
        lines.append(f"  {who}{'' if live else go_on}")
    lines += [f"  before: {_past(past)}" for past in saved.record.history[:HISTORY_SHOWN]]
    return "\n".join(lines)


def _as_json(saved: Saved, world: World) -> str:
    plan, state = saved.record.plan, saved.record.state
    body = {
        "service": plan.service,
        "namespace": plan.namespace,
        "rollout": plan.rollout,
        "version": plan.version,
        "version_before": plan.stable.version if plan.stable is not None else None,
        "state": type(state).__name__.lower(),
        "sentence": sentence_of(plan, state),
        "canary_serving": world.canary.serving if world.canary is not None else 0,
        "stable_serving": world.stable.serving if world.stable is not None else 0,
        "share_percent": round(_share(world), 2),
        "outcome": state.outcome.value if isinstance(state, Finished) else None,
        "reason": state.reason.name if isinstance(state, Finished | Leaving) else None,
    }
    return json.dumps(body)


def sentence_of(plan: Plan, state: State) -> str:
    """A state in words."""
    match state:
        case Preparing():
            return "preparing: no user meets the new version yet"
        case Shifting(step):
            return f"step {step + 1} of {len(plan.steps)}: on the way to {plan.steps[step].share_percent:.0f} %"
        case Baking(step):
            return f"step {step + 1} of {len(plan.steps)}: holding {plan.steps[step].share_percent:.0f} %"
        case Paused(_, _, until, end, _, evidence):
            return f"held: {evidence.sentence}; at {until:%H:%M:%S} UTC it will {end.value}"
        case Promoting():
            return "promoting: every step passed"
        case Leaving(_, _, evidence):
            return f"going back: {evidence.sentence}"
        case Finished(_, outcome, _, evidence):
            return f"finished, {outcome.value}: {evidence.sentence}"
        case _:
            assert_never(state)


def pods_of(world: World) -> str:
    """Who serves, in one phrase."""
    canary = world.canary.serving if world.canary is not None else 0
    stable = world.stable.serving if world.stable is not None else 0
    return f"serving: {canary} canary, {stable} stable ({_share(world):.0f} %)"


def _share(world: World) -> float:
    canary = world.canary.serving if world.canary is not None else 0
    stable = world.stable.serving if world.stable is not None else 0
    return share_of(canary, stable)


def _past(past: Past) -> str:
    return (
        f"{past.ended:%Y-%m-%d %H:%M} {past.version_before or 'nothing'} -> {past.version}: {past.outcome.value}, "
        f"{past.evidence.sentence}"
    )
