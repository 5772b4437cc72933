"""Starts a real etcd, kube-apiserver and, on demand, kube-controller-manager on loopback, and stops them."""

import contextlib
import socket
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from serinus.sandbox.rest import Server

TOKEN = "examiner"
START_SECONDS = 60.0
_CONTROLLERS = ("deployment", "replicaset", "endpointslice", "garbage-collector")


class RealPlane:
    """A context manager; `server` is where the API is."""

    def __init__(self, binary: str, folder: Path, *, with_controllers: bool) -> None:
        self.with_controllers = with_controllers
        self._binary, self._folder = binary, folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._etcd, self._peer, self._api = (free_port() for _ in range(3))
        self.server = Server(f"https://127.0.0.1:{self._api}", TOKEN, str(folder / "certs" / "apiserver.crt"))

    def __enter__(self) -> Self:
        try:
            self._start_etcd()
            self._start_api()
            self._wait_ready()
            if self.with_controllers:
                self._start_controllers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in reversed(self._processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self, name: str, *flags: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes.append(subprocess.Popen([self._binary, name, *flags], stdout=log, stderr=log))

    def _start_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._peer}"
        self._spawn(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )

    def _start_api(self) -> None:
        key, tokens = self._folder / "service-account.key", self._folder / "tokens.csv"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        tokens.write_text(f'{TOKEN},examiner,examiner,"system:masters"\n')
        self._spawn(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd}",
            f"--secure-port={self._api}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={self._folder / 'certs'}",
            "--service-account-issuer=https://serinus.test",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",
        )

    def _start_controllers(self) -> None:
        kubeconfig = self._folder / "kubeconfig"
        kubeconfig.write_text(
            f"apiVersion: v1\nkind: Config\ncurrent-context: real\n"
            f"clusters: [{{name: real, cluster: {{server: '{self.server.url}', "
            f"certificate-authority: '{self.server.ca_file}'}}}}]\n"
            f"users: [{{name: real, user: {{token: {TOKEN}}}}}]\n"
            f"contexts: [{{name: real, context: {{cluster: real, user: real}}}}]\n"
        )
        self._spawn(
            "kube-controller-manager",
            f"--kubeconfig={kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
            "--use-service-account-credentials=false",
            "--controllers=" + ",".join(f"{name}-controller" for name in _CONTROLLERS),
        )

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self._get("/readyz"):
                    return
            time.sleep(0.2)
        raise TimeoutError(f"the API server is not ready after {START_SECONDS:.0f} s: see {self._folder}")

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(self.server.url + path, headers={"Authorization": f"Bearer {TOKEN}"})
        context = ssl.create_default_context(cafile=self.server.ca_file)
        with urllib.request.urlopen(request, timeout=2, context=context) as answer:
            return answer.read()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
