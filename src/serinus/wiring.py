"""The only place that chooses adapters: ports on one side, Kubernetes and the system on the other."""

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

from serinus import __version__
from serinus.core.plan import Plan
from serinus.core.spec import MANAGED_BY, MANAGED_BY_LABEL
from serinus.engine.cycle import Parts
from serinus.gates.smoke import Smoke
from serinus.gates.step import StepGates
from serinus.kube.client import Client, connect
from serinus.kube.environment_proxy import proxy_from_environment
from serinus.kube.events import KubeNotifier
from serinus.kube.kubeconfig import Choice, load_config
from serinus.kube.lease import Lease
from serinus.kube.pod_http import ProxiedPodHttp, ProxiedPodPages
from serinus.kube.store import SERVICE_LABEL, store_name
from serinus.kube.target import Target
from serinus.kube.world import KubeCluster
from serinus.metrics.pods import PodScraper
from serinus.ports import Clock, Dice, Reporter
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
async def open_session(choice: Choice) -> AsyncIterator[Session]:
    """Connect as the kubeconfig and the choice say. Raises KubeError."""
    clock, dice = SystemClock(), SystemDice()
    config = load_config(choice, os.environ)
    async with connect(config, clock=clock, dice=dice, user_agent=USER_AGENT) as client:
        await client.server_version()  # a cluster that does not answer is told at once, not waited for
        yield Session(client, clock, dice, f"{os.uname().nodename}-{os.getpid()}-{dice.token()}")


def scraper_for(session: Session, target: Target, interval_seconds: float) -> PodScraper:
    """Reads the pods' own metrics through the API server."""
    return PodScraper(ProxiedPodPages(target), session.clock, interval_seconds)


def parts_for(session: Session, target: Target, plan: Plan, reporter: Reporter) -> Parts:
    """What the engine works with, for one target."""
    return Parts(
        runner=session.runner,
        clock=session.clock,
        cluster=KubeCluster(target),
        store=target.store,
        smoke=Smoke(ProxiedPodHttp(target), os.environ),
        gates=StepGates(session.clock, session.dice, os.environ, _proxy_of),
        metrics=scraper_for(session, target, plan.metrics.rules.interval_seconds if plan.metrics is not None else 0.0),
        reporter=reporter,
        notifier=KubeNotifier(target, session.runner, reporter),
    )


def _proxy_of(url: str) -> str | None:
    return proxy_from_environment(url, os.environ)
