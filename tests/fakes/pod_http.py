"""A way to pods that leads to a small real HTTP server instead: the fake of `gates.smoke.PodHttp`."""

import asyncio
from urllib.parse import urlsplit

from serinus.core.pods import Pod
from serinus.ports import Trouble


class FakePodHttp:
    """Every pod is behind `url`. One request is one request: it has no patience and no second try of its own."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname, address.port
        self.asked: list[str] = []

    async def fetch(self, pod: Pod, path: str, timeout_seconds: float) -> tuple[int, bytes]:
        self.asked.append(pod.name)
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nHost: {pod.name}\r\n\r\n".encode())
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        if not head:
            raise Trouble(f"pod {pod.name}: the connection was closed without an answer")
        return int(head.split()[1]), body
