"""A real control plane for tests: etcd, kube-apiserver and kube-controller-manager as processes on loopback.

Not its job: nodes, pods and networks (the kubelet's and the proxy's), the network namespace (__main__.py), building the
binary (binary.py).
"""

import asyncio
import json
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Self

import aiohttp

from serinus.sandbox.rest import Server
from tests.real import binary

CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "horizontal-pod-autoscaler-controller",
    "disruption-controller",
    "job-controller",
    "ttl-after-finished-controller",
)
# Always runs: the account it makes in every namespace is how one sees that the controllers work.
SIGN_OF_LIFE = "serviceaccount-controller"
ADMIN = "admin"
SERVICE_ADDRESSES = "10.96.0.0/12"
# A namespace without a default route leaves the API server no address to choose; nothing has to listen here.
ADVERTISED_ADDRESS = "10.244.255.254"
START_SECONDS = 60
STOP_SECONDS = 10
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
"""


class PlaneError(Exception):
    """The control plane did not start; the message says why, where it can with the end of a log."""


class ControlPlane:
    """One control plane with its own empty etcd. Use as an async context manager; any event loop may use it then.

    `controllers` are those the controller-manager runs; `users` are names that may log in beside the administrator,
    without any right until RBAC gives them one. Raises PlaneError.
    """

    def __init__(self, controllers: Sequence[str] = CONTROLLERS, users: Sequence[str] = ()) -> None:
        self._controllers = controllers
        self._tokens = {user: secrets.token_hex(16) for user in (ADMIN, *users)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folder = Path()
        self._port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    @property
    def ca_file(self) -> Path:
        """The certificate that the API server made for itself."""
        return self._folder / "certificates" / "apiserver.crt"

    @property
    def audit_log(self) -> Path:
        """Every finished request as one JSON line: see audit.py."""
        return self._folder / "audit.log"

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run, by component."""
        return {component: process.pid for component, process in self._processes.items()}

    def server(self, user: str = ADMIN) -> Server:
        """How the sandbox's client reaches the API as this user."""
        return Server(self.url, self._tokens[user], str(self.ca_file))

    def kubeconfig(self, user: str = ADMIN) -> Path:
        """The file with which kubectl, or the command under test, is this user."""
        return self._folder / f"kubeconfig-{user}"

    async def __aenter__(self) -> Self:
        if not binary.path().exists():
            raise PlaneError(f"{binary.path()} is not built yet; `./run real` builds it, in about 6 minutes")
        self._folder = Path(tempfile.mkdtemp(prefix="serinus-plane-"))
        try:
            self._write_files()
            etcd_url = self._start_etcd()
            self._start_api_server(etcd_url)
            self._write_kubeconfigs()
            async with asyncio.timeout(START_SECONDS):
                await self._until("kube-apiserver answers /readyz", self._api_is_ready)
                self._start_controller_manager()
                await self._until("the controllers work", self._has_default_service_account)
        except TimeoutError:
            report = self._logs()
            self._stop()
            raise PlaneError(f"the control plane was not ready within {START_SECONDS} s\n{report}") from None
        except BaseException:
            self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop()

    def _write_files(self) -> None:
        lines = [f"{token},{user},{user}" for user, token in self._tokens.items()]
        # The first line is the administrator's: the only one with a group.
        lines[0] += ",system:masters"
        (self._folder / "tokens.csv").write_text("\n".join(lines) + "\n")
        (self._folder / "audit-policy.yaml").write_text(AUDIT_POLICY)
        key = self._folder / "service-account.key"
        command = ["openssl", "genpkey", "-algorithm", "RSA", "-out", str(key)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except FileNotFoundError:
            raise PlaneError("the API server's key is made by openssl, which is not on PATH: install it") from None

    def _write_kubeconfigs(self) -> None:
        for user, token in self._tokens.items():
            cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
            config = {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "real", "cluster": cluster}],
                "users": [{"name": user, "user": {"token": token}}],
                "contexts": [{"name": "real", "context": {"cluster": "real", "user": user, "namespace": "default"}}],
                "current-context": "real",
            }
            self.kubeconfig(user).write_text(json.dumps(config))

    def _start_etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{_free_port()}" for _ in range(2))
        self._start(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        return client

    def _start_api_server(self, etcd_url: str) -> None:
        self._port = _free_port()
        key = self._folder / "service-account.key"
        self._start(
            "kube-apiserver",
            f"--etcd-servers={etcd_url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--advertise-address={ADVERTISED_ADDRESS}",
            f"--cert-dir={self.ca_file.parent}",
            "--service-account-issuer=https://serinus.test",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
            # Pods need no token of a service account here, and could not be made before that controller runs.
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={self._folder / 'audit-policy.yaml'}",
            f"--audit-log-path={self.audit_log}",
        )

    def _start_controller_manager(self) -> None:
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig()}",
            "--leader-elect=false",
            "--secure-port=0",
            "--use-service-account-credentials=false",
            f"--controllers={','.join((SIGN_OF_LIFE, *self._controllers))}",
        )

    def _start(self, component: str, *flags: str) -> None:
        # A session of its own: Ctrl-C in the terminal goes to pytest alone, which then stops everything in order.
        with self._log(component).open("wb") as log:
            self._processes[component] = subprocess.Popen(
                [str(binary.path()), component, *flags],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _log(self, component: str) -> Path:
        return self._folder / f"{component}.log"

    def _logs(self) -> str:
        return "\n".join(f"--- {name}\n{_tail(self._log(name))}" for name in self._processes)

    async def _until(self, what: str, condition: Callable[[], Awaitable[bool]]) -> None:
        while not await condition():
            for component, process in self._processes.items():
                if process.poll() is not None:
                    log = _tail(self._log(component))
                    raise PlaneError(f"{component} ended with {process.returncode} before {what}:\n{log}")
            await asyncio.sleep(0.05)

    async def _api_is_ready(self) -> bool:
        return await self._answers("/readyz", "/api/v1/namespaces/default")

    async def _has_default_service_account(self) -> bool:
        return await self._answers("/api/v1/namespaces/default/serviceaccounts/default")

    async def _answers(self, *paths: str) -> bool:
        headers = {"Authorization": f"Bearer {self._tokens[ADMIN]}"}
        try:
            # Until the server has written its certificate there is no file, or only a part of it.
            tls = ssl.create_default_context(cafile=str(self.ca_file))
            async with aiohttp.ClientSession(self.url, headers=headers, raise_for_status=True) as session:
                for path in paths:
                    await (await session.get(path, ssl=tls)).read()
        except (OSError, aiohttp.ClientError):
            return False
        return True

    def _stop(self) -> None:
        """Kill, as nothing of it is kept: a polite end waits for open watches and helps nobody."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait(STOP_SECONDS)
        self._processes.clear()
        shutil.rmtree(self._folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
