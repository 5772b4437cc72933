"""`serinus doctor metrics`: what the pods of a Service show of themselves, and what would be judged by it."""

from typing import Any

import click

from serinus.cli.checked import Refused
from serinus.cli.doctor_report import Examined, as_json, as_text
from serinus.cli.exits import Exit
from serinus.cli.options import choice_of, cluster_options, run
from serinus.core.pods import Pod
from serinus.core.survey import Problem
from serinus.judge.readings import Track
from serinus.judge.scrapes import ScrapedPod
from serinus.kube.kubeconfig import Choice
from serinus.kube.pod_http import ProxiedPodPages
from serinus.kube.target import Target, follow_pods, open_target, pods_now
from serinus.metrics.pods import PodScraper
from serinus.wiring import Session, open_session

INTERVAL_SECONDS = 5.0
BETWEEN_SECONDS = 1.0
"""Between the two scrapes that show what grows how fast."""


@click.group()
def doctor() -> None:
    """Look at what a release of a Service would rest on. Changes nothing."""


@doctor.command()
@click.argument("service")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Text, or JSON.")
@cluster_options
def metrics(service: str, output: str, **values: Any) -> int:
    """Show per pod of SERVICE which metrics are found, where, what they say now, and what would be judged by them."""
    return run(_metrics(choice_of(values), service, output))


async def _metrics(choice: Choice, service: str, output: str) -> Exit:
    async with (
        open_session(choice) as session,
        open_target(session.client, session.client.namespace, service) as target,
    ):
        if target.raw_service is None:
            where = f"namespace {target.namespace} of {session.client.transport.where}"
            raise Refused(
                (Problem(f"there is no Service {service}", where, "nothing has this name", "check the name"),)
            )
        await follow_pods(target)
        examined = await _examine(session, target)
    click.echo(as_json(examined) if output == "json" else as_text(examined))
    return Exit.DONE if examined.judges_requests else Exit.UNDECIDED


async def _examine(session: Session, target: Target) -> Examined:
    """Two scrapes of every pod that runs."""
    pods = tuple(_scraped(pod) for pod in pods_now(target) if pod.phase == "Running" and not pod.deleting)
    scraper = PodScraper(ProxiedPodPages(target), session.clock, INTERVAL_SECONDS)
    began = session.clock.monotonic()
    first = await scraper.read(pods, 0.0, None)
    await session.clock.sleep(BETWEEN_SECONDS)
    second = await scraper.read(pods, session.clock.monotonic() - began, None)
    return Examined(
        service=target.service,
        namespace=target.namespace,
        scrapes=(first, second),
        choices={track: choice for track in Track if (choice := scraper.choice(track)) is not None},
        found={pod.name: found for pod in pods if (found := scraper.found(pod)) is not None},
    )


def _scraped(pod: Pod) -> ScrapedPod:
    track = Track.CANARY if pod.track.is_canary else Track.STABLE
    return ScrapedPod(pod.name, track, restarts=sum(container.restarts for container in pod.containers))
