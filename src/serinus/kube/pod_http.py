"""HTTP to one pod, through the API server's pod proxy."""

from serinus.core.pods import Pod
from serinus.kube.errors import KubeError
from serinus.kube.read import first_port
from serinus.kube.target import Target
from serinus.ports import Trouble


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
