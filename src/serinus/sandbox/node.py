"""Kubelet and Service proxy as one process, to attach to a control plane that runs elsewhere:

    python -m serinus.sandbox.node --server https://127.0.0.1:6443 --token-file F --ca-file F \\
        --pod-network 10.244.0.0/16 --node n1

Prints one line, `ready`, on standard output when pods can run. SIGTERM or SIGINT ends it, and every pod with it.
"""

import argparse
import asyncio
import contextlib
import ipaddress
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from serinus.sandbox.kubelet import Kubelet, NodeSettings, Settings
from serinus.sandbox.kubelet.endpoint import NoCertificate, serve_endpoint
from serinus.sandbox.networks import NoNetworkLeft, claim_network
from serinus.sandbox.proxy import Proxy
from serinus.sandbox.rest import Api, Server


class _Logs:
    """The endpoint's port must be known before there is a kubelet, so the endpoint finds it through this."""

    kubelet: Kubelet | None = None

    def read_log(self, namespace: str, pod: str, container: str, previous: bool) -> bytes | None:
        return self.kubelet.read_log(namespace, pod, container, previous) if self.kubelet else None

    def is_running(self, namespace: str, pod: str, container: str) -> bool:
        return self.kubelet is not None and self.kubelet.is_running(namespace, pod, container)


async def run_node(server: Server, nodes: list[NodeSettings], settings: Settings, workdir: Path) -> None:
    """Run until SIGTERM or SIGINT. Raises NoCertificate, ApiError, or an ExceptionGroup when a part dies."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    logs = _Logs()
    async with Api(server) as api, serve_endpoint(logs, settings.node_address, workdir) as port:
        kubelet = Kubelet(api, nodes, workdir, replace(settings, endpoint_port=port))
        logs.kubelet = kubelet
        proxy = Proxy(api)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in (kubelet.run(), proxy.run())]
            await kubelet.ready.wait()
            await proxy.ready.wait()
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await stop.wait()
            for task in tasks:
                task.cancel()


def main() -> None:
    options = _parse()
    token = options.token_file.read_text().strip() if options.token_file else None
    server = Server(options.server, token, str(options.ca_file) if options.ca_file else None)
    nodes = [NodeSettings(name) for name in options.node or ["n1"]]
    try:
        with contextlib.ExitStack() as stack:
            workdir = options.workdir or stack.enter_context(tempfile.TemporaryDirectory(prefix="serinus-node-"))
            pods = stack.enter_context(claim_network(options.pod_network))
            settings = Settings(pod_network=pods, node_address=options.node_address)
            asyncio.run(run_node(server, nodes, settings, Path(workdir)))
    except (NoCertificate, NoNetworkLeft) as error:
        raise SystemExit(f"node: {error}") from None


def network(text: str) -> str:
    """An IPv4 network as it was written. Raises ValueError."""
    return str(ipaddress.IPv4Network(text))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m serinus.sandbox.node", description=(__doc__ or "").split(":")[0])
    parser.add_argument("--server", required=True, help="URL of the API server")
    parser.add_argument("--token-file", type=Path, help="holds the bearer token")
    parser.add_argument("--ca-file", type=Path, help="certificate authority of the API server")
    parser.add_argument("--node", action="append", help="name of a node to register; may be repeated (default n1)")
    parser.add_argument(
        "--pod-network", type=network, default=Settings().pod_network, help="a part of it is taken for the pods"
    )
    parser.add_argument("--node-address", default=Settings().node_address, help="where the API server finds logs")
    parser.add_argument("--workdir", type=Path, help="folder for logs (default: a temporary one)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
