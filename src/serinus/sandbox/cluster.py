"""The whole embedded cluster as one process: API, controllers, kubelet, Service proxy.

    python -m serinus.sandbox.cluster --dir DIR [--with-parent] [--token-auth-file FILE]

Writes DIR/kubeconfig (readable by its owner only: whoever has its token may run processes here) and DIR/pid, prints
`ready` on standard output once pods can run, and ends on SIGTERM or SIGINT, every pod with it. `--with-parent`: it
also ends when the process that started it does, however that dies. `--token-auth-file`: users beside the
administrator, in the form that kube-apiserver knows: `token,user,uid[,"group,group"]` a line; RBAC gives them rights.
"""

import argparse
import asyncio
import base64
import contextlib
import csv
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from serinus.sandbox.api import User, serve
from serinus.sandbox.certificate import certificate_file, make_certificate
from serinus.sandbox.controllers import run_controllers
from serinus.sandbox.kubelet import Kubelet, NodeSettings, Settings
from serinus.sandbox.leash import die_with_parent
from serinus.sandbox.networks import POD_RANGE, SERVICE_RANGE, NoNetworkLeft, claim_network
from serinus.sandbox.proxy import Proxy
from serinus.sandbox.rest import Api, Server

CONTEXT = "serinus-sandbox"
ADDRESS = "127.0.0.1"
NODE = "laptop"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster: its server with the administrator's token, and its kubeconfig."""

    server: Server
    kubeconfig: Path


@contextlib.asynccontextmanager
async def run_cluster(folder: Path, tokens: dict[str, User] | None = None, port: int = 0) -> AsyncIterator[Cluster]:
    """Run a cluster until the block ends. `folder` must exist; `tokens` are users beside the administrator.

    Raises NoNetworkLeft when too many sandboxes run on this machine.
    """
    token = secrets.token_hex(16)
    users = {token: User("admin", ("system:masters",)), **(tokens or {})}
    logs = _Logs()
    certificate = make_certificate(folder, ADDRESS)
    tls = certificate.server_context()
    async with contextlib.AsyncExitStack() as stack:
        # Networks of its own, so that clusters on one machine stay out of each other's way.
        pod_network, service_network = (
            stack.enter_context(claim_network(within)) for within in (POD_RANGE, SERVICE_RANGE)
        )
        serving = serve(port, ADDRESS, tokens=users, read_log=logs.read, service_cidr=service_network, tls=tls)
        api_server = await stack.enter_async_context(serving)
        server = Server(api_server.url, token, str(certificate.certificate_file))
        kubeconfig = write_kubeconfig(folder / "kubeconfig", server)
        async with Api(server) as api, asyncio.TaskGroup() as group:
            (folder / "pods").mkdir(exist_ok=True)
            kubelet = Kubelet(api, [NodeSettings(NODE)], folder / "pods", Settings(pod_network=pod_network))
            logs.kubelet = kubelet
            proxy = Proxy(api)
            parts = (run_controllers(api), kubelet.run(), proxy.run())
            tasks = [group.create_task(part) for part in parts]
            try:
                await asyncio.gather(kubelet.ready.wait(), proxy.ready.wait())
                yield Cluster(server, kubeconfig)
            finally:
                for task in tasks:
                    task.cancel()


class _Logs:
    """The API must be told where logs are before there is a kubelet."""

    kubelet: Kubelet | None = None

    def read(self, namespace: str, pod: str, container: str, previous: bool) -> bytes | None:
        return self.kubelet.read_log(namespace, pod, container, previous) if self.kubelet is not None else None


def write_kubeconfig(path: Path, server: Server, namespace: str = "default") -> Path:
    """A kubeconfig for one server, one token; only its owner may read it."""
    authority = base64.b64encode(Path(server.ca_file).read_bytes()).decode() if server.ca_file else None
    cluster = {"server": server.url, "certificate-authority-data": authority}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": {"token": server.token}}],
        "contexts": [
            {"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": namespace}},
        ],
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(config, file, indent=2)  # JSON is YAML
    return path


def server_of(folder: Path) -> Server:
    """The server of the cluster that runs in a folder, from its kubeconfig."""
    config = json.loads((folder / "kubeconfig").read_text())
    url, token = config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"]
    return Server(url, token, str(certificate_file(folder)))


def read_users(file: Path) -> dict[str, User]:
    """Users by token, from a file as kube-apiserver's --token-auth-file. Raises OSError, ValueError."""
    users = {}
    with file.open(newline="") as lines:
        for number, fields in enumerate(csv.reader(lines), 1):
            if len(fields) not in (3, 4):
                raise ValueError(f'{file}:{number}: a line is token,user,uid or token,user,uid,"group,group"')
            groups = tuple(fields[3].split(",")) if len(fields) == 4 else ()
            users[fields[0]] = User(fields[1], groups)
    return users


async def _serve_until_told(folder: Path, port: int, users: dict[str, User]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with run_cluster(folder, users, port):
        (folder / "pid").write_text(f"{os.getpid()}\n")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m serinus.sandbox.cluster", description="The embedded cluster.")
    parser.add_argument("--dir", type=Path, required=True, help="folder for the kubeconfig, the pid and the pods' logs")
    parser.add_argument("--port", type=int, default=0, help="the API's port (default: a free one)")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent process does")
    parser.add_argument("--token-auth-file", type=Path, help='users: a line is token,user,uid[,"group,group"]')
    options = parser.parse_args()
    if options.with_parent:
        die_with_parent(os.getppid(), signal.SIGTERM)
    options.dir.mkdir(parents=True, exist_ok=True)
    try:
        users = read_users(options.token_auth_file) if options.token_auth_file else {}
        asyncio.run(_serve_until_told(options.dir, options.port, users))
    except (NoNetworkLeft, OSError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
