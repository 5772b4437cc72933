"""The only place that chooses adapters: ports on one side, Kubernetes and the system on the other."""

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from serinus import __version__
from serinus.core.plan import Plan
from serinus.core.spec import MANAGED_BY, MANAGED_BY_LABEL
from serinus.engine.cycle import Parts
from serinus.engine.recorder import Recorder
from serinus.gates.smoke import Smoke
from serinus.judge.scrapes import Scrape, ScrapedPod
from serinus.kube.client import Client, connect
from serinus.kube.events import KubeNotifier
from serinus.kube.kubeconfig import Choice, load_config
from serinus.kube.lease import Lease
from serinus.kube.pod_http import ProxiedPodHttp, ProxiedPodPages
from serinus.kube.store import SERVICE_LABEL, store_name
from serinus.kube.target import Target
from serinus.kube.world import KubeCluster
from serinus.metrics.pods import PodScraper
from serinus.ports import Clock, Dice, Metrics, Reporter
from serinus.system import SystemClock, SystemDice

USER_AGENT = f"serinus/{__version__}"


@dataclass(frozen=True, slots=True)
class Session:
    """One process's connection to one cluster."""

    client: Client
    clock: Clock
    dice: Dice
    runner: str  # who this process is, for the Lease and for others to read

    def lease(self, target: Target) -> Lease:
        """The lock on a target: who drives its rollout."""
        labels = {MANAGED_BY_LABEL: MANAGED_BY, SERVICE_LABEL: target.service}
        return Lease(self.client, store_name(target.service), target.namespace, self.runner, labels)


@contextlib.asynccontextmanager
async def open_session(choice: Choice, in_haste: bool = False) -> AsyncIterator[Session]:
    """Connect as the kubeconfig and the choice say. Raises KubeError.

    `in_haste`: without asking first whether the cluster answers; whoever wants that asks beside its own first request.
    """
    clock, dice = SystemClock(), SystemDice()
    config = load_config(choice, os.environ)
    async with connect(config, clock=clock, dice=dice, user_agent=USER_AGENT) as client:
        if not in_haste:
            await client.server_version()  # a cluster that does not answer is told at once, not waited for
        yield Session(client, clock, dice, f"{os.uname().nodename}-{os.getpid()}-{dice.token()}")


def scraper_for(session: Session, target: Target, interval_seconds: float) -> PodScraper:
    """Reads the pods' own metrics through the API server."""
    return PodScraper(ProxiedPodPages(target), session.clock, interval_seconds)


class RecordedMetrics:
    """The Metrics port over another one: every reading is noted, and now and then saved, for people to read."""

    def __init__(self, metrics: Metrics, recorder: Recorder) -> None:
        self._metrics = metrics
        self._recorder = recorder

    async def read(self, pods: Sequence[ScrapedPod], t: float, weight_percent: float | None) -> Scrape:
        """See `ports.Metrics`."""
        scrape = await self._metrics.read(pods, t, weight_percent)
        self._recorder.take(scrape.reading)
        return scrape


def recorder_for(session: Session, target: Target, reporter: Reporter) -> Recorder:
    """Keeps what happens in a rollout for `serinus explain`, and hands on what is reported."""
    return Recorder(target.recordings, session.clock, reporter)


def parts_for(session: Session, target: Target, plan: Plan, recorder: Recorder) -> Parts:
    """What the engine works with, for one target."""
    interval_seconds = plan.metrics.rules.interval_seconds if plan.metrics is not None else 0.0
    return Parts(
        runner=session.runner,
        clock=session.clock,
        cluster=KubeCluster(target),
        store=target.store,
        smoke=Smoke(ProxiedPodHttp(target), os.environ),
        metrics=RecordedMetrics(scraper_for(session, target, interval_seconds), recorder),
        reporter=recorder,
        notifier=KubeNotifier(target, session.runner, recorder),
    )
