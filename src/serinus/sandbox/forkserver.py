"""The fork server: one process that holds the demo application in memory and forks a pod's process on request.

A fork is ready in a few milliseconds and shares most of its memory, yet is a real process: own pid, session, signals.
Commands of the user's own are executed instead of forked into. The other side of the socket is
`serinus.sandbox.processes`; one JSON object a line, each way:

    start   {"op": "start", "id", "command" ([] is the demo application), "environment", "directory", "log"}
            answered by {"id", "pid"} or {"id", "error"}, and at the end by {"id", "exit_code", "signal", "at"}
    signal  {"op": "signal", "id", "signal", "group"}: to the process, or to all of its process group

No process of it outlives it: when the other side closes the socket, for whatever reason, all are killed, and when the
fork server itself is killed the kernel kills them (PR_SET_PDEATHSIG).
"""

import contextlib
import ctypes
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from typing import Any

from serinus.sandbox import checkout

PR_SET_PDEATHSIG = 1
RECEIVE_BYTES = 65536
START_ERROR_CODE = 128

_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


class ForkServer:
    """Serves one socket until the other side closes it."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pid_of: dict[int, int] = {}
        self._id_of: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()

    def run(self) -> None:
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        # What is in memory now stays for ever: keep the collector from writing to pages that forks share.
        gc.freeze()
        buffer = b""
        try:
            while True:
                ready = {key.fileobj for key, _ in self._selector.select()}
                if self._wake_read in ready:
                    os.read(self._wake_read, RECEIVE_BYTES)
                    self._reap()
                if self._control in ready:
                    data = self._control.recv(RECEIVE_BYTES)
                    if not data:
                        return
                    *lines, buffer = (buffer + data).split(b"\n")
                    for line in lines:
                        self._handle(json.loads(line))
        except (ConnectionError, BrokenPipeError):
            return
        finally:
            self._kill_all()

    def _handle(self, message: dict[str, Any]) -> None:
        if message["op"] == "start":
            self._start(message)
            return
        pid = self._pid_of.get(message["id"])
        if pid is not None:
            # Not reaped yet, so the number cannot have been given to a stranger.
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if message["group"] else os.kill)(pid, message["signal"])

    def _start(self, message: dict[str, Any]) -> None:
        error_read, error_write = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(error_read)
            self._become(message, parent, error_write)
        os.close(error_write)
        with os.fdopen(error_read, "rb") as stream:
            error = stream.read().decode()
        if error:
            os.waitpid(pid, 0)
            self._send({"id": message["id"], "error": error})
            return
        self._pid_of[message["id"]] = pid
        self._id_of[pid] = message["id"]
        self._send({"id": message["id"], "pid": pid})

    def _become(self, message: dict[str, Any], parent: int, error_write: int) -> None:
        """The child's side of a fork: never returns. Closing `error_write` tells the parent that it has started."""
        code = START_ERROR_CODE
        try:
            self._detach(message, parent)
            if message["command"]:
                os.execvpe(message["command"][0], message["command"], message["environment"])
            os.environ.clear()
            os.environ.update(message["environment"])
            os.close(error_write)
            code = checkout.main(os.environ)
        except OSError as error:
            what = message["command"][0] if message["command"] else message["directory"]
            with contextlib.suppress(OSError):
                os.write(error_write, f'failed to start container process: exec: "{what}": {error.strerror}'.encode())
        finally:
            os._exit(code)

    def _detach(self, message: dict[str, Any], parent: int) -> None:
        """Own session, own log, default signals, nothing of the fork server's left open."""
        os.setsid()
        if _prctl is not None:
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(START_ERROR_CODE)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for descriptor in (self._wake_read, self._wake_write):
            os.close(descriptor)
        self._control.close()
        log = os.open(message["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        if message["directory"]:
            os.chdir(message["directory"])

    def _reap(self) -> None:
        while self._pid_of:
            # Look before reaping: while the dead process keeps its number, its group can be killed safely.
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(found.si_pid, signal.SIGKILL)
            _, status = os.waitpid(found.si_pid, 0)
            identity = self._id_of.pop(found.si_pid)
            del self._pid_of[identity]
            code = os.waitstatus_to_exitcode(status)
            number = -code if code < 0 else 0
            answer = {"id": identity, "exit_code": 128 + number if number else code, "signal": number}
            self._send(answer | {"at": time.time()})

    def _kill_all(self) -> None:
        for pid in self._id_of:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    def _send(self, message: dict[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")


def main() -> None:
    """Serve the socket whose descriptor is the only argument."""
    with open(os.devnull, "rb") as null:
        os.dup2(null.fileno(), 0)
    ForkServer(socket.socket(fileno=int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
