"""Pods with pages of metrics, in memory: the fake of `metrics.search.PodPages`."""

import asyncio

from serinus.core.endpoints import Endpoint, Offer
from serinus.ports import Trouble

SERVICE_PORT = 8080


class FakePodPages:
    """Pages by pod and endpoint. A pod in `silent` never answers, one in `refusing` cannot be connected to."""

    def __init__(self) -> None:
        self.offers: dict[str, Offer] = {}
        self.shown: dict[tuple[str, Endpoint], tuple[int, str, bytes]] = {}
        self.silent: set[str] = set()
        self.refusing: set[str] = set()
        self.closed_ports: set[int] = set()
        self.asked: list[tuple[str, Endpoint]] = []

    def show(self, pod: str, text: str, *, port: int = SERVICE_PORT, path: str = "/metrics", status: int = 200) -> None:
        self.offers.setdefault(pod, Offer(service_port=SERVICE_PORT))
        self.shown[pod, Endpoint(port, path)] = (status, "text/plain; version=0.0.4", text.encode())

    def offer(self, pod: str) -> Offer | None:
        return self.offers.get(pod)

    async def page(
        self, pod: str, endpoint: Endpoint, timeout_seconds: float, bytes_max: int
    ) -> tuple[int, str, bytes]:
        self.asked.append((pod, endpoint))
        if pod in self.silent:
            await asyncio.Event().wait()
        if pod in self.refusing or endpoint.port in self.closed_ports:
            raise Trouble(f"pod {pod}: connection refused")
        answer = self.shown.get((pod, endpoint), (404, "text/plain", b"not here\n"))
        if len(answer[2]) > bytes_max:
            raise Trouble(f"pod {pod}: the answer is larger than {bytes_max} bytes")
        return answer
