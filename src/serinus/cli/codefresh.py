"""`serinus codefresh`: the environment variables of the Codefresh canary step; its flow, without its defects."""

import os
from collections.abc import Mapping

import click

from serinus.cli.exits import Exit
from serinus.cli.options import run
from serinus.cli.output import writer_for
from serinus.cli.run import release
from serinus.core.spec import Naming, Spec, StepSpec
from serinus.kube.kubeconfig import Choice
from serinus.wiring import open_session

NEEDED = ("SERVICE_NAME", "DEPLOYMENT_NAME", "TRAFFIC_INCREMENT", "NEW_VERSION", "SLEEP_SECONDS")
OPTIONAL = ("NAMESPACE", "KUBE_CONTEXT", "WORKING_VOLUME")
"""WORKING_VOLUME is accepted and not used: nothing is kept in files any more."""


@click.command()
def codefresh() -> int:
    """Deploy from the environment variables of the Codefresh canary step.

    \b
    SERVICE_NAME, DEPLOYMENT_NAME (without the version), NEW_VERSION, TRAFFIC_INCREMENT (percent), SLEEP_SECONDS
    (between steps); and, if you like, NAMESPACE, KUBE_CONTEXT, WORKING_VOLUME.
    """
    spec, choice = wish_of(os.environ)
    return run(_codefresh(spec, choice))


async def _codefresh(spec: Spec, choice: Choice) -> Exit:
    async with open_session(choice) as session:
        return await release(session, spec, writer_for("text", session.clock))


def wish_of(environment: Mapping[str, str]) -> tuple[Spec, Choice]:
    """The spec and the cluster that the variables mean. Raises click.UsageError that names every bad variable."""
    problems = [f"{name} is not set" for name in NEEDED if not environment.get(name)]
    increment = _whole(environment, "TRAFFIC_INCREMENT", 1, 100, problems)
    sleep_seconds = _whole(environment, "SLEEP_SECONDS", 0, 86400, problems)
    if problems:
        raise click.UsageError("; ".join(problems) + "\nset them as for the Codefresh step: serinus codefresh --help")
    namespace = environment.get("NAMESPACE") or "default"
    spec = Spec(
        namespace=namespace,
        service=environment["SERVICE_NAME"],
        deployment=environment["DEPLOYMENT_NAME"],
        version=environment["NEW_VERSION"],
        naming=Naming.VERSIONED,
        steps=tuple(StepSpec(percent) for percent in range(increment, 100, increment)) or (StepSpec(100),),
        adapt=True,  # the step took any percentage, and so do we; the plan's first line says what it comes to
        bake_seconds=float(sleep_seconds),
    )
    return spec, Choice(None, environment.get("KUBE_CONTEXT") or None, namespace)


def _whole(environment: Mapping[str, str], name: str, least: int, most: int, problems: list[str]) -> int:
    text = environment.get(name, "")
    if not text:
        return least
    if text.strip().isdigit() and least <= int(text) <= most:
        return int(text)
    problems.append(f"{name} is {text!r}, and must be a whole number from {least} to {most}")
    return least
