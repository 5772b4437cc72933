"""Smoke tests of a canary pod: an HTTP request to it, and a command whose exit code is the verdict.

The request goes through the API server's pod proxy, so it needs no way into the cluster's network. The command runs
where Serinus runs, and is told of the pods, versions and share in its environment.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from serinus.core.pods import Pod
from serinus.core.reasons import Reason
from serinus.core.state import Evidence
from serinus.core.telling import environment_of
from serinus.core.turn import Judgement, Verdict
from serinus.gates.running import run_command
from serinus.ports import SmokeQuestion, Trouble

HTTP_TRIES = 3
"""A request that finds no listener is tried again, at once: readiness was seen, but not by this path."""


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
        ran = await run_command(command, {**self._environment, **told(question)})
        if ran.code == 0:
            return Judgement(Verdict.PASS)
        return _fail(f"the smoke command ended with exit code {ran.code}", ran.shown)


def told(question: SmokeQuestion) -> dict[str, str]:
    """What a smoke command finds in its environment."""
    return environment_of(question.plan, question.stage, question.share_percent, question.pods)


def _fail(sentence: str, lines: tuple[str, ...]) -> Judgement:
    return Judgement(Verdict.FAIL, Reason.SMOKE_FAILED, Evidence(sentence, lines))
