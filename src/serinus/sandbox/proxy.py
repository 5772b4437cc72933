"""Services for real: listens on every Service's cluster address and passes each connection to a random endpoint.

As with kube-proxy the choice is made once per connection, connections that exist are left alone when their endpoint
goes, and nothing is tried twice. Only TCP; node ports, load balancers and session affinity are not its job.
"""

import asyncio
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from serinus.sandbox.rest import Api, Mirror, Raw
from serinus.sandbox.splice import Address, Inbound

BACKLOG = 4096
SERVICE_NAME_LABEL = "kubernetes.io/service-name"


@dataclass(slots=True)
class _Port:
    """One listening Service port and the endpoints behind it."""

    endpoints: list[Address]
    server: asyncio.Server | None = None

    def choose(self) -> Address | None:
        return random.choice(self.endpoints) if self.endpoints else None


class Proxy:
    """Serves all Services of one API. `ready` is set when those that were there at the start are served."""

    def __init__(self, api: Api) -> None:
        self.ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._services = Mirror(api, "/api/v1/services", self._on_change)
        self._slices = Mirror(api, "/apis/discovery.k8s.io/v1/endpointslices", self._on_change)
        self._ports: dict[Address, _Port] = {}
        self._refused: set[Address] = set()
        self._live: set[Inbound] = set()

    async def run(self) -> None:
        """Run until cancelled; then all listeners are closed, and so are the connections."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._services.run())
                group.create_task(self._slices.run())
                await asyncio.gather(self._services.synced.wait(), self._slices.synced.wait())
                while True:
                    self._changed.clear()
                    await self._reconcile()
                    self.ready.set()
                    await self._changed.wait()
        finally:
            for port in self._ports.values():
                _close(port)
            for connection in list(self._live):
                connection.abort()

    def _on_change(self, _kind: str, _object: Raw) -> None:
        self._changed.set()

    async def _reconcile(self) -> None:
        """Make the listeners and their endpoints what Services and EndpointSlices say."""
        wanted = service_ports(self._services.objects.values(), self._slices.objects.values())
        for address in [address for address in self._ports if address not in wanted]:
            _close(self._ports.pop(address))
        self._refused &= wanted.keys()
        for address, endpoints in wanted.items():
            if address in self._ports:
                self._ports[address].endpoints = endpoints
            elif address not in self._refused:
                await self._listen(address, endpoints)

    async def _listen(self, address: Address, endpoints: list[Address]) -> None:
        port = _Port(endpoints)
        try:
            port.server = await asyncio.get_running_loop().create_server(
                lambda: Inbound(port.choose, self._live), *address, backlog=BACKLOG
            )
        except OSError as error:
            self._refused.add(address)
            hint = "; ports below 1024 need root: give the Service a higher one" if address[1] < 1024 else ""
            sys.stderr.write(
                f"proxy: Service address {address[0]}:{address[1]} is not served: {error.strerror}{hint}\n"
            )
            return
        self._ports[address] = port


def service_ports(raw_services: Iterable[Raw], raw_slices: Iterable[Raw]) -> dict[Address, list[Address]]:
    """Every cluster address and port with the endpoints that may be chosen there."""
    slices_of: dict[tuple[str, str], list[Raw]] = {}
    for raw_slice in raw_slices:
        metadata = raw_slice["metadata"]
        name = (metadata.get("labels") or {}).get(SERVICE_NAME_LABEL)
        if name and raw_slice.get("addressType", "IPv4") == "IPv4":
            slices_of.setdefault((metadata["namespace"], name), []).append(raw_slice)
    found: dict[Address, list[Address]] = {}
    for raw_service in raw_services:
        metadata, spec = raw_service["metadata"], raw_service["spec"]
        cluster_ip = spec.get("clusterIP")
        if spec.get("type") == "ExternalName" or not cluster_ip or cluster_ip == "None":
            continue
        slices = slices_of.get((metadata["namespace"], metadata["name"]), [])
        for raw_port in spec.get("ports") or []:
            if raw_port.get("protocol", "TCP") == "TCP":
                found[cluster_ip, raw_port["port"]] = _endpoints(slices, raw_port.get("name") or "")
    return found


def _endpoints(raw_slices: Iterable[Raw], port_name: str) -> list[Address]:
    """The ready endpoints; when there is none, those that still serve while they end."""
    ready: set[Address] = set()
    ending: set[Address] = set()
    for raw_slice in raw_slices:
        numbers = [port["port"] for port in raw_slice.get("ports") or [] if (port.get("name") or "") == port_name]
        for raw_endpoint in raw_slice.get("endpoints") or []:
            conditions = raw_endpoint.get("conditions") or {}
            addresses = {(raw_endpoint["addresses"][0], number) for number in numbers}
            if conditions.get("ready") is not False:
                ready |= addresses
            elif conditions.get("serving") and conditions.get("terminating"):
                ending |= addresses
    return sorted(ready or ending)


def _close(port: _Port) -> None:
    if port.server is not None:
        port.server.close()
