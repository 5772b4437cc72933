"""The Service proxy: which endpoints it takes, what passes through it, and how it follows changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from serinus.sandbox import rest
from serinus.sandbox.api.server import serve
from serinus.sandbox.api.users import User
from serinus.sandbox.networks import SERVICE_RANGE, claim_network
from serinus.sandbox.proxy import Proxy, service_ports
from serinus.sandbox.rest import MERGE, Raw
from tests.sandbox.node.world import until

SERVICES = "/api/v1/namespaces/default/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
PORT = 8080


def raw_slice(endpoints: list[Raw], name: str = "a", port: int = PORT, port_name: str = "http") -> Raw:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "default", "labels": {"kubernetes.io/service-name": "checkout"}},
        "addressType": "IPv4",
        "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
        "endpoints": endpoints,
    }


def endpoint(address: str, ready: bool = True, serving: bool = True, terminating: bool = False) -> Raw:
    return {"addresses": [address], "conditions": {"ready": ready, "serving": serving, "terminating": terminating}}


def raw_service(**spec: object) -> Raw:
    ports = [{"name": "http", "port": PORT, "targetPort": "http"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "checkout", "namespace": "default"},
        "spec": {"ports": ports, "selector": {"app": "checkout"}} | spec,
    }


def chosen(*slices: Raw, **spec: object) -> dict[tuple[str, int], list[tuple[str, int]]]:
    return service_ports([raw_service(clusterIP="127.96.0.9", **spec)], slices)


def test_ready_endpoints_of_all_slices_are_chosen_from() -> None:
    slices = [raw_slice([endpoint("127.1.0.1")], "a"), raw_slice([endpoint("127.1.0.2")], "b", port=9090)]
    assert chosen(*slices) == {("127.96.0.9", PORT): [("127.1.0.1", PORT), ("127.1.0.2", 9090)]}


def test_endpoints_that_are_not_ready_are_left_out() -> None:
    slices = raw_slice([endpoint("127.1.0.1"), endpoint("127.1.0.2", ready=False)])
    assert chosen(slices) == {("127.96.0.9", PORT): [("127.1.0.1", PORT)]}


def test_with_no_ready_endpoint_those_that_serve_while_ending_are_taken() -> None:
    ending = endpoint("127.1.0.1", ready=False, terminating=True)
    broken = endpoint("127.1.0.2", ready=False, serving=False, terminating=True)
    assert chosen(raw_slice([ending, broken])) == {("127.96.0.9", PORT): [("127.1.0.1", PORT)]}


def test_a_service_port_takes_the_slice_port_of_its_name() -> None:
    slices = [raw_slice([endpoint("127.1.0.1")]), raw_slice([endpoint("127.1.0.1")], "b", 9999, "metrics")]
    assert chosen(*slices) == {("127.96.0.9", PORT): [("127.1.0.1", PORT)]}


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"clusterIP": "127.96.0.9", "type": "ExternalName"}])
def test_headless_and_external_services_are_not_served(spec: dict[str, str]) -> None:
    assert service_ports([raw_service(**spec)], []) == {}


class Net:
    """A proxy on an embedded API, with one Service whose endpoints a test names."""

    def __init__(self, api: rest.Api, network: str) -> None:
        self.api = api
        self.base = network.removesuffix(".0/22")
        self.address = ""

    async def open_service(self) -> None:
        self.address = (await self.api.call("POST", SERVICES, raw_service()))["spec"]["clusterIP"]
        await self.api.call("POST", SLICES, raw_slice([]))

    async def set_endpoints(self, *numbers: int) -> None:
        endpoints = [endpoint(f"{self.base}.{number}") for number in numbers]
        await self.api.call("PATCH", f"{SLICES}/a", {"endpoints": endpoints}, MERGE)

    @asynccontextmanager
    async def echo(self, number: int) -> AsyncIterator[None]:
        """An endpoint that greets with its number, and sends everything back once it has read to the end."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"{number}\n".encode())
            writer.write(await reader.read())
            writer.close()

        server = await asyncio.start_server(handle, f"{self.base}.{number}", PORT)
        try:
            yield
        finally:
            server.close()

    async def ask(self) -> str:
        """The number of the endpoint that answers, or how it failed."""
        try:
            reader, writer = await asyncio.open_connection(self.address, PORT)
        except ConnectionRefusedError:
            return "refused"
        try:
            writer.write_eof()
            return (await reader.read()).decode().strip() or "empty"
        except OSError:
            return "reset"
        finally:
            writer.close()

    async def answers(self, wanted: set[str], count: int = 40) -> None:
        """Waits until so many connections in a row see just these."""
        for _ in range(100):
            if {await self.ask() for _ in range(count)} == wanted:
                return
        raise AssertionError(f"never just {wanted}")


@pytest_asyncio.fixture
async def net() -> AsyncIterator[Net]:
    with claim_network(SERVICE_RANGE) as services, claim_network("127.101.0.0/16") as network:
        tokens = {"t": User("admin", ("system:masters",))}
        async with (
            serve(tokens=tokens, service_cidr=services) as server,
            rest.Api(rest.Server(server.url, "t")) as api,
        ):
            proxy = Proxy(api)
            task = asyncio.create_task(proxy.run())
            await proxy.ready.wait()
            found = Net(api, network)
            await found.open_service()
            yield found
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_connections_are_spread_over_the_ready_endpoints(net: Net) -> None:
    async with net.echo(1), net.echo(2):
        await net.set_endpoints(1, 2)
        await net.answers({"1", "2"})


async def test_a_removed_endpoint_gets_no_new_connection_and_keeps_its_old_one(net: Net) -> None:
    async with net.echo(1), net.echo(2):
        await net.set_endpoints(1)
        await net.answers({"1"})
        reader, writer = await asyncio.open_connection(net.address, PORT)
        assert await reader.readline() == b"1\n"
        await net.set_endpoints(2)
        await net.answers({"2"})
        writer.write(b"still here")
        writer.write_eof()
        assert await reader.read() == b"still here"
        writer.close()


async def test_without_endpoints_a_connection_is_reset(net: Net) -> None:
    await net.answers({"reset"}, count=1)


async def test_an_endpoint_that_refuses_is_not_hidden_from_the_client(net: Net) -> None:
    async with net.echo(1):
        await net.set_endpoints(1, 9)
        await net.answers({"1", "reset"})


async def test_many_bytes_pass_whole_both_ways_with_half_close(net: Net) -> None:
    payload = bytes(range(256)) * 40_000
    async with net.echo(1):
        await net.set_endpoints(1)
        await net.answers({"1"})
        reader, writer = await asyncio.open_connection(net.address, PORT)
        assert await reader.readline() == b"1\n"
        writer.write(payload)
        writer.write_eof()
        assert await reader.read() == payload
        writer.close()


async def test_a_removed_service_is_refused(net: Net) -> None:
    async with net.echo(1):
        await net.set_endpoints(1)
        await net.answers({"1"})
        await net.api.call("DELETE", f"{SERVICES}/checkout")
        await net.answers({"refused"})


async def test_a_changed_service_port_is_served_in_place_of_the_old_one(net: Net) -> None:
    async with net.echo(1):
        await net.set_endpoints(1)
        await net.answers({"1"})
        ports = [{"name": "http", "port": PORT + 1, "targetPort": "http"}]
        await net.api.call("PATCH", f"{SERVICES}/checkout", {"spec": {"ports": ports}}, MERGE)
        await net.answers({"refused"})
        reader, writer = await asyncio.open_connection(net.address, PORT + 1)
        assert await reader.readline() == b"1\n"
        writer.close()


async def test_an_address_that_cannot_be_bound_is_told_and_the_others_are_served(
    net: Net, capsys: pytest.CaptureFixture[str]
) -> None:
    async with net.echo(1):
        taken = await asyncio.start_server(lambda _reader, writer: writer.close(), net.address, PORT + 1)
        ports = [{"name": "http", "port": PORT}, {"name": "other", "port": PORT + 1}]
        await net.api.call("PATCH", f"{SERVICES}/checkout", {"spec": {"ports": ports}}, MERGE)
        await net.set_endpoints(1)
        await net.answers({"1"})
        said: list[str] = []
        await until(lambda: said.append(capsys.readouterr().err) or "is not served" in "".join(said))
        assert f"{net.address}:{PORT + 1} is not served" in "".join(said)
        taken.close()


def test_two_sandboxes_claim_different_networks() -> None:
    with claim_network("127.101.0.0/16") as one, claim_network("127.101.0.0/16") as other:
        assert one != other
