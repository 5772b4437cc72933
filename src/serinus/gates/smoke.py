"""Smoke tests of a canary pod: an HTTP request to it, and a command whose exit code is the verdict.

The request goes through the API server's pod proxy, so it needs no way into the cluster's network. The command runs
where Serinus runs, and is told of the pods, versions and share in its environment.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from typing import Protocol

from serinus.core.pods import Pod
from serinus.core.reasons import Reason
from serinus.core.state import Evidence
from serinus.core.turn import Judgement, Verdict
from serinus.ports import SmokeQuestion, Trouble

HTTP_TRIES = 3
"""A request that finds no listener is tried again, at once: readiness was seen, but not by this path."""
OUTPUT_LINES = 10
END_SECONDS_MAX = 1.0
OUTPUT_BYTES_MAX = 64 * 1024


class PodHttp(Protocol):
    """A way to send a request to one pod."""

    async def fetch(self, pod: Pod, path: str, timeout_seconds: float) -> tuple[int, bytes]:
        """GET a path of the pod's first port: status and the body's start. Raises Trouble."""


class Smoke:
    """See `ports.SmokeGate`. `environment` is what the command inherits."""

    def __init__(self, pod_http: PodHttp, environment: Mapping[str, str]) -> None:
        self._pod_http = pod_http
        self._environment = environment

    async def ask(self, question: SmokeQuestion) -> Judgement:
        """Both tests, the HTTP one first; FAIL says what was seen."""
        if not question.pods:
            return _fail("there is no ready canary pod to test", ())
        limit = question.smoke.timeout_seconds
        try:
            async with asyncio.timeout(limit):
                return await self._ask(question)
        except TimeoutError:
            return _fail(f"the smoke test did not end within {limit:g} s", ())

    async def _ask(self, question: SmokeQuestion) -> Judgement:
        if question.smoke.http_path is not None:
            for pod in question.pods:
                judgement = await self._ask_http(pod, question.smoke.http_path, question.smoke.timeout_seconds)
                if judgement.verdict is not Verdict.PASS:
                    return judgement
        if question.smoke.command is not None:
            return await self._run(question, question.smoke.command)
        return Judgement(Verdict.PASS)

    async def _ask_http(self, pod: Pod, path: str, timeout_seconds: float) -> Judgement:
        trouble = ""
        for _ in range(HTTP_TRIES):
            try:
                status, body = await self._pod_http.fetch(pod, path, timeout_seconds)
            except Trouble as error:
                trouble = str(error)
                continue
            if 200 <= status < 400:
                return Judgement(Verdict.PASS)
            start = body[:200].decode(errors="replace").strip()
            return _fail(f"GET {path} of pod {pod.name} answered {status}", (f"answer: {start}",) if start else ())
        return _fail(f"GET {path} of pod {pod.name} got no answer", (trouble,))

    async def _run(self, question: SmokeQuestion, command: str) -> Judgement:
        process = await asyncio.create_subprocess_shell(
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**self._environment, **told(question)},
            start_new_session=True,  # so that what it starts can be ended with it
        )
        try:
            output = await _bounded_output(process)
            code = await process.wait()
        finally:
            await _end(process)
        if code == 0:
            return Judgement(Verdict.PASS)
        lines = output.decode(errors="replace").splitlines()[-OUTPUT_LINES:]
        return _fail(f"the smoke command ended with exit code {code}", tuple(f"output: {line}" for line in lines))


def told(question: SmokeQuestion) -> dict[str, str]:
    """What a smoke command finds in its environment."""
    plan = question.plan
    return {
        "SERINUS_NAMESPACE": plan.namespace,
        "SERINUS_SERVICE": plan.service,
        "SERINUS_STAGE": question.stage,
        "SERINUS_SHARE_PERCENT": f"{question.share_percent:g}",
        "SERINUS_CANARY_DEPLOYMENT": plan.canary_name,
        "SERINUS_CANARY_VERSION": plan.version,
        "SERINUS_CANARY_PODS": " ".join(pod.name for pod in question.pods),
        "SERINUS_CANARY_POD_IPS": " ".join(pod.ip for pod in question.pods),
        "SERINUS_STABLE_DEPLOYMENT": plan.stable.name if plan.stable is not None else "",
        "SERINUS_STABLE_VERSION": plan.stable.version if plan.stable is not None else "",
    }


async def _bounded_output(process: asyncio.subprocess.Process) -> bytes:
    """All output is read, so that the command never blocks on it; only the end is kept."""
    kept = b""
    if process.stdout is not None:
        while chunk := await process.stdout.read(OUTPUT_BYTES_MAX):
            kept = (kept + chunk)[-OUTPUT_BYTES_MAX:]
    return kept


async def _end(process: asyncio.subprocess.Process) -> None:
    """End what is left of the command: itself, and what it started and left behind; and see it gone.

    What made itself independent may hold the output open for as long as it likes: that is not waited for.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS_MAX):
            await process.wait()
            await _bounded_output(process)


def _fail(sentence: str, lines: tuple[str, ...]) -> Judgement:
    return Judgement(Verdict.FAIL, Reason.SMOKE_FAILED, Evidence(sentence, lines))
