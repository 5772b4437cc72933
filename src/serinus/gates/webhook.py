"""The webhook gate: a signed POST that some service of the user's answers, asked again until it has.

The exchange is docs/reference/gates.md's. A service that cannot tell yet says so (202, or "unsure"), and is asked again
until the deadline; what silence means then is the user's declared word, never a guess of ours.
"""

import asyncio
import email.utils
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from serinus.core.gates import NoAnswer, Webhook
from serinus.core.reasons import Reason
from serinus.core.state import Evidence
from serinus.core.turn import Judgement, Verdict
from serinus.gates.secret import SecretMissing, secret_of
from serinus.ports import Clock, Dice, GateQuestion

ID_HEADER = "Serinus-Delivery"
TIMESTAMP_HEADER = "Serinus-Timestamp"
SIGNATURE_HEADER = "Serinus-Signature"
TRY_SECONDS_MAX = 30.0
"""One request may take so long."""
LEAST_SECONDS = 10.0
"""A runner that takes over after the deadline asks once all the same."""
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 1.0, 30.0
"""Between two tries, doubling, where the service does not say how long to wait."""
ANSWER_BYTES_MAX = 64 * 1024
REDIRECTS_MAX = 3
_ASK_AGAIN = frozenset({408, 425, 429})
_SHOWN_LENGTH_MAX = 200

ProxyOf = Callable[[str], str | None]
"""The proxy for an address, or None to go there directly."""


@dataclass(frozen=True, slots=True)
class _NotYet:
    """A try that settled nothing. `wait_seconds`: as the service asked for; None: it did not say."""

    said: str
    wait_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent, the same at each try: the service may tell a repetition by `id`."""

    gate: str
    url: str
    id: str
    body: bytes
    secret: bytes | None


class _Answer(msgspec.Struct):
    verdict: str
    reason: str = ""


class Caller:
    """Calls webhooks. Redirects are followed on the same host only; certificates are verified."""

    def __init__(self, clock: Clock, dice: Dice, environment: Mapping[str, str], proxy_of: ProxyOf) -> None:
        self._clock = clock
        self._dice = dice
        self._environment = environment
        self._proxy_of = proxy_of

    async def ask(self, question: GateQuestion, webhook: Webhook) -> Judgement:
        """Until there is an answer, or the deadline has come."""
        gate = question.gate
        try:
            secret = secret_of(webhook, self._environment)
        except SecretMissing as missing:
            return _said_no(Reason.GATE_UNANSWERED, f"gate {gate.name} could not be asked: {missing}")
        body = msgspec.json.encode(told(question))
        request = _Request(gate.name, webhook.url, delivery_id(question), body, secret)
        left = max(gate.timeout_seconds - question.held_seconds, min(gate.timeout_seconds, LEAST_SECONDS))
        deadline, tries, last = self._clock.monotonic() + left, 0, ""
        async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:
            while (left := deadline - self._clock.monotonic()) > 0:
                tries += 1
                heard = await self._try(session, request, min(left, TRY_SECONDS_MAX))
                if isinstance(heard, Judgement):
                    return heard
                last = heard.said
                wait = heard.wait_seconds if heard.wait_seconds is not None else self._pause_seconds(tries)
                await self._clock.sleep(max(0.0, min(wait, deadline - self._clock.monotonic())))
        return _no_answer(question, webhook, tries, last)

    async def _try(self, session: aiohttp.ClientSession, request: _Request, seconds: float) -> Judgement | _NotYet:
        where = shown(request.url)
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(session, request)
        except TimeoutError:
            return _NotYet(f"{where} did not answer within {seconds:.0f} s")
        except (aiohttp.ClientError, OSError) as error:
            return _NotYet(f"{where} could not be asked: {str(error) or type(error).__name__}")

    async def _follow(self, session: aiohttp.ClientSession, request: _Request) -> Judgement | _NotYet:
        url = request.url
        for _ in range(REDIRECTS_MAX + 1):
            found = await self._send(session, request, url)
            if not isinstance(found, str):
                return found
            url = found
        return _said_no(Reason.GATE_FAILED, f"gate {request.gate}: {shown(url)} redirects without end")

    async def _send(self, session: aiohttp.ClientSession, request: _Request, url: str) -> Judgement | _NotYet | str:
        """An answer, or the address on the same host that it was redirected to."""
        plain = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        headers = plain | signed(request, f"{self._clock.now().timestamp():.0f}")
        async with session.post(
            url, data=request.body, headers=headers, allow_redirects=False, proxy=self._proxy_of(url)
        ) as response:
            content = await _start_of(response)
            if 300 <= response.status < 400:
                return _redirected(request, url, response)
            wait = _retry_after(response.headers.get("Retry-After"), self._clock.now().timestamp())
            return read_answer(request.gate, shown(url), response.status, content, wait)

    def _pause_seconds(self, tries: int) -> float:
        """Doubling, and by chance up to a quarter shorter, so that many rollouts do not ask in step."""
        longest = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS * 2.0 ** (tries - 1))
        return longest * (1.0 - self._dice.fraction() / 4.0)


def told(question: GateQuestion) -> dict[str, object]:
    """What the service is told."""
    plan = question.plan
    return {
        "id": delivery_id(question),
        "gate": question.gate.name,
        "rollout": plan.rollout,
        "namespace": plan.namespace,
        "service": plan.service,
        "version": plan.version,
        "versionBefore": plan.stable.version if plan.stable is not None else None,
        "step": question.step + 1,
        "steps": len(plan.steps),
        "sharePercent": round(question.share_percent, 2),
        "pods": [pod.name for pod in question.pods],
    }


def delivery_id(question: GateQuestion) -> str:
    """The question's own identifier: the same at every try, and for every runner."""
    return f"{question.plan.rollout}-{question.step + 1}-{question.gate.name}"


def signed(request: _Request, timestamp: str) -> dict[str, str]:
    """The headers that say which question it is, and that it comes from who knows the secret."""
    headers = {ID_HEADER: request.id, TIMESTAMP_HEADER: timestamp}
    if request.secret is not None:
        digest = hmac.new(request.secret, timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
        headers[SIGNATURE_HEADER] = f"sha256={digest}"
    return headers


def read_answer(
    gate: str, where: str, status: int, content: bytes | None, wait_seconds: float | None
) -> Judgement | _NotYet:
    """What an answer means. `content` None: it was too long to be one."""
    if status in _ASK_AGAIN or status >= 500 or status == 202:
        return _NotYet(f"{where} answered {status}{_quoted(content)}", wait_seconds)
    answer = _decoded(content)
    if status >= 400:
        why = answer.reason if answer is not None and answer.reason else _start(content)
        return _said_no(Reason.GATE_FAILED, f"gate {gate} said no: {where} answered {status}", why)
    if content is not None and not content.strip():
        return _said_yes(gate, where, "")
    verdict = answer.verdict.lower() if answer is not None else ""
    reason = answer.reason if answer is not None else ""
    if verdict == "pass":
        return _said_yes(gate, where, reason)
    if verdict == "fail":
        return _said_no(Reason.GATE_FAILED, f"gate {gate} said no: {_cut(reason) or f'no reason given by {where}'}")
    if verdict == "unsure":
        return _NotYet(f"{where} is unsure{f': {_cut(reason)}' if reason else ''}", wait_seconds)
    what = "an answer that is too long" if content is None else f"what is no verdict{_quoted(content)}"
    return _NotYet(f"{where} answered {status} with {what}", wait_seconds)


def shown(url: str) -> str:
    """An address without its query, which may hold what is secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _redirected(request: _Request, url: str, response: aiohttp.ClientResponse) -> Judgement | str:
    to = urljoin(url, response.headers.get("Location", ""))
    if response.status in (307, 308) and _host(to) == _host(url):
        return to
    sentence = f"gate {request.gate}: {shown(url)} redirects ({response.status}) to {shown(to)}"
    return _said_no(Reason.GATE_FAILED, sentence, "a signed question goes to the host that the spec names, as a POST")


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


async def _start_of(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body; None: it is longer than an answer may be."""
    content = b""
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            response.close()
            return None
    return content


def _retry_after(text: str | None, now: float) -> float | None:
    """Seconds, from either form that HTTP has: a number of them, or a date."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None


def _no_answer(question: GateQuestion, webhook: Webhook, tries: int, last: str) -> Judgement:
    gate = question.gate
    sentence = (
        f"gate {gate.name} gave no answer within {gate.timeout_seconds:g} s; its default is {webhook.default.value}"
    )
    evidence = Evidence(sentence, (f"asked {tries} times", f"last: {last}"))
    if webhook.default is NoAnswer.PASS:
        return Judgement(Verdict.PASS, None, evidence)
    return Judgement(Verdict.FAIL, Reason.GATE_UNANSWERED, evidence)


def _said_yes(gate: str, where: str, reason: str) -> Judgement:
    return Judgement(Verdict.PASS, None, Evidence(f"gate {gate} passed: {_cut(reason) or f'so says {where}'}"))


def _said_no(reason: Reason, sentence: str, line: str = "") -> Judgement:
    return Judgement(Verdict.FAIL, reason, Evidence(sentence, (_cut(line),) if line else ()))


def _decoded(content: bytes | None) -> _Answer | None:
    try:
        return msgspec.json.decode(content or b"", type=_Answer)
    except msgspec.DecodeError:
        return None


def _start(content: bytes | None) -> str:
    return _cut((content or b"")[: 4 * _SHOWN_LENGTH_MAX].decode(errors="replace"))


def _quoted(content: bytes | None) -> str:
    return f": {start}" if (start := _start(content)) else ""


def _cut(text: str) -> str:
    """On one line, and not too long."""
    return " ".join(text.split())[:_SHOWN_LENGTH_MAX]
