"""HTTP to one pod, through the API server's pod proxy."""

from serinus.core.endpoints import Endpoint, Offer
from serinus.core.pods import Pod
from serinus.kube.errors import KubeError
from serinus.kube.read import first_port
from serinus.kube.resources import Raw
from serinus.kube.target import Target
from serinus.ports import Trouble

METRICS_ACCEPT = "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"
"""The older format first: in it a name is the same whichever library wrote the page."""


class ProxiedPodHttp:
    """A way to a pod from wherever the API server can be reached; see `gates.smoke.PodHttp`."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def fetch(self, pod: Pod, path: str, timeout_seconds: float) -> tuple[int, bytes]:
        """GET a path of the port that the Service sends to. Raises Trouble."""
        raw = self._target.raw_pod(pod.name)
        raw_service = self._target.raw_service
        port = first_port(raw_service, raw) if raw is not None and raw_service is not None else None
        if port is None:
            raise Trouble(f"pod {pod.name} has no port that Service {self._target.service} sends to")
        client, namespace = self._target.client, self._target.namespace
        try:
            answer = await client.pod_proxy(pod.name, namespace, port, path, seconds_max=timeout_seconds)
        except KubeError as error:
            raise Trouble(str(error)) from error
        return answer.status, answer.body


class ProxiedPodPages:
    """See `metrics.search.PodPages`: the same way to pages of metrics, on any port."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def offer(self, pod: str) -> Offer | None:
        """What the live copies say of the pod and its Service."""
        raw = self._target.raw_pod(pod)
        return metrics_offer(self._target.raw_service, raw) if raw is not None else None

    async def page(
        self, pod: str, endpoint: Endpoint, timeout_seconds: float, bytes_max: int
    ) -> tuple[int, str, bytes]:
        """GET it. Raises Trouble."""
        client, namespace = self._target.client, self._target.namespace
        try:
            answer = await client.pod_proxy(
                pod,
                namespace,
                endpoint.port,
                endpoint.path,
                scheme=endpoint.scheme,
                accept=METRICS_ACCEPT,
                seconds_max=timeout_seconds,
                bytes_max=bytes_max,
            )
        except KubeError as error:
            raise Trouble(str(error)) from error
        return answer.status, answer.headers.get("Content-Type", ""), answer.body


def metrics_offer(raw_service: Raw | None, raw_pod: Raw) -> Offer:
    """What a pod says of its metrics, and the port its Service sends to."""
    annotations = raw_pod["metadata"].get("annotations") or {}
    scrape = annotations.get("prometheus.io/scrape", "").strip().lower()
    ports = [port for container in raw_pod["spec"]["containers"] for port in container.get("ports") or []]
    return Offer(
        scrape={"true": True, "false": False}.get(scrape),
        port=annotations.get("prometheus.io/port", "").strip(),
        path=annotations.get("prometheus.io/path", "").strip(),
        scheme=annotations.get("prometheus.io/scheme", "").strip().lower(),
        named_ports=tuple(
            (port.get("name", ""), port["containerPort"]) for port in ports if port.get("protocol", "TCP") == "TCP"
        ),
        service_port=first_port(raw_service, raw_pod) if raw_service is not None else None,
    )
