"""One request to the API server and its answer: identity, TLS, proxy, time limits, typed errors, careful retries.

Reads are tried again when the server is busy, broken or gone, within a deadline. Writes are tried again only on an
answer that says they did not happen (429, 401). Not here: what the paths mean; that is `client.py`.
"""

import asyncio
import contextlib
import email.utils
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Self

import aiohttp
from yarl import URL

from serinus.ports import Clock, Dice

from .config import ClientCertificate, Config
from .credentials import Credentials, Identity, credentials_for, impersonation_headers
from .errors import ApiError, KubeError, ServerError, Throttled, Unreachable, Untrusted, from_answer
from .tls import tls_context

CONNECTIONS_MAX = 64
CONNECT_SECONDS_MAX = 10.0
REQUEST_SECONDS_MAX = 30.0
RETRY_SECONDS_MAX = 30.0  # after this long no further attempt is started
BACKOFF_SECONDS_FIRST = 0.25
BACKOFF_SECONDS_MAX = 5.0
RETRY_AFTER_SPREAD = 0.2
"""Of the back-off, what is added to the time the server asked for: so much that not all come back at one moment."""
BODY_BYTES_MAX = 64 * 1024 * 1024

_STARTED_LATE = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)


@dataclass(frozen=True, slots=True)
class Request:
    """`what` names the wish in messages. `is_read`: may be sent twice without harm."""

    what: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    content_type: str = "application/json"
    accept: str = ""  # empty: JSON
    is_read: bool = False
    attempts_max: int = 10
    seconds_max: float = REQUEST_SECONDS_MAX
    body_bytes_max: int = BODY_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """The connections to one API server: a pool for calls, and one without a limit for watches. Use in `async with`."""

    def __init__(self, config: Config, clock: Clock, dice: Dice, user_agent: str) -> None:
        self.where = config.where
        self.clock = clock
        self.dice = dice
        self._config = config
        self._credentials: Credentials = credentials_for(config, clock)
        self._user_agent = user_agent
        self._tls: dict[ClientCertificate | None, ssl.SSLContext] = {}
        self._calls: aiohttp.ClientSession | None = None
        self._watches: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._calls = self._session(CONNECTIONS_MAX, aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS_MAX))
        self._watches = self._session(0, aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS_MAX))
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in (self._calls, self._watches):
            if session is not None:
                await session.close()

    def _session(self, connections_max: int, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
        headers = [("Accept", "application/json"), ("User-Agent", self._user_agent)]
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections_max),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers + impersonation_headers(self._config.user.impersonation),
            timeout=timeout,
        )
        # The library would quietly send a PUT or DELETE again when a kept connection breaks; there is no public switch.
        # A save sent twice looks like a save lost to somebody else. A test holds this line.
        session._retry_connection = False
        return session

    async def call(self, request: Request) -> Answer:
        """The answer, when it is a success; else the typed error, after the retries that are safe."""
        give_up_at = self.clock.monotonic() + RETRY_SECONDS_MAX
        attempt = failures = 0
        while True:
            try:
                answer = await self.exchange(request)
                error = self._error_of(request, answer)
                if error is None:
                    return answer
                failure: KubeError = error
            except Unreachable as unreachable:
                failure = unreachable
            attempt += 1
            failures += not isinstance(failure, Throttled)  # a server that is busy is there, and says when to come back
            delay = self._delay_seconds(request, failure, attempt)
            if delay is None or failures >= request.attempts_max or self.clock.monotonic() + delay > give_up_at:
                raise failure
            await self.clock.sleep(delay)

    async def exchange(self, request: Request) -> Answer:
        """One attempt, and one with a fresh identity if the first is not known. Raises Unreachable, ConfigError."""
        identity = await self._credentials.identity()
        answer = await self._attempt(request, identity)
        if answer.status == 401 and await self._credentials.renew(identity):
            answer = await self._attempt(request, await self._credentials.identity())
        return answer

    async def _attempt(self, request: Request, identity: Identity) -> Answer:
        with self._translated(request):
            async with asyncio.timeout(request.seconds_max):
                response = await self._send(_entered(self._calls), request, identity)
                async with _closing(response):
                    return Answer(response.status, response.headers, await self._read(response, request))

    @contextlib.asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[aiohttp.StreamReader]:
        """The body of a long answer as it comes. Raises the typed errors; not tried again, not limited in time."""
        identity = await self._credentials.identity()
        response = await self._send_for_stream(request, identity)
        if response.status == 401 and await self._credentials.renew(identity):
            response.close()
            response = await self._send_for_stream(request, await self._credentials.identity())
        with self._translated(request):
            async with _closing(response):
                if response.status != 200:
                    body, seconds = await self._read(response, request), self._retry_after(response.headers)
                    raise from_answer(request.what, self.where, response.status, body, seconds)
                yield response.content

    async def _send_for_stream(self, request: Request, identity: Identity) -> aiohttp.ClientResponse:
        with self._translated(request):
            return await self._send(_entered(self._watches), request, identity)

    def backoff_seconds(self, attempt: int) -> float:
        """How long to wait after so many failures in a row (from 1): doubling, bounded, between half and whole."""
        whole = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_FIRST * 2.0 ** min(attempt - 1, 16))
        return whole * (0.5 + 0.5 * self.dice.fraction())

    def _delay_seconds(self, request: Request, failure: KubeError, attempt: int) -> float | None:
        """How long to wait before the next attempt; None: there must be none."""
        if isinstance(failure, Throttled):
            may_repeat = True
        else:
            may_repeat = request.is_read and isinstance(failure, ServerError | Unreachable)
            may_repeat = may_repeat and not isinstance(failure, Untrusted)
        if not may_repeat:
            return None
        asked = failure.retry_after_seconds if isinstance(failure, ApiError) else None
        if asked is None:
            return self.backoff_seconds(attempt)
        return asked + RETRY_AFTER_SPREAD * self.backoff_seconds(attempt)

    def _error_of(self, request: Request, answer: Answer) -> ApiError | None:
        if 200 <= answer.status < 300:
            return None
        seconds = self._retry_after(answer.headers)
        return from_answer(request.what, self.where, answer.status, answer.body, seconds)

    def _retry_after(self, headers: Mapping[str, str]) -> float | None:
        text = headers.get("Retry-After", "").strip()
        if text.isdigit():
            return float(text)
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - self.clock.now()).total_seconds())

    async def _send(
        self, session: aiohttp.ClientSession, request: Request, identity: Identity
    ) -> aiohttp.ClientResponse:
        headers = {}
        if identity.authorization:
            headers["Authorization"] = identity.authorization
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        if request.accept:
            headers["Accept"] = request.accept
        return await session.request(
            request.method,
            URL(self._config.cluster.server + request.path, encoded=True).update_query(request.query),
            data=request.body,
            headers=headers,
            allow_redirects=False,
            proxy=self._config.cluster.proxy_url,
            ssl=self._tls_for(identity.certificate),
        )

    def _tls_for(self, certificate: ClientCertificate | None) -> ssl.SSLContext | bool:
        if not self._config.cluster.is_tls:
            return True
        if certificate not in self._tls:
            self._tls = {certificate: tls_context(self._config.cluster, certificate, self.where)}
        return self._tls[certificate]

    async def _read(self, response: aiohttp.ClientResponse, request: Request) -> bytes:
        parts, size = [], 0
        async for chunk in response.content.iter_any():
            parts.append(chunk)
            size += len(chunk)
            if size > request.body_bytes_max:
                why = f"the answer is larger than {request.body_bytes_max} bytes"
                raise ServerError(request.what, where=self.where, why=why, status=response.status)
        return b"".join(parts)

    @contextlib.contextmanager
    def _translated(self, request: Request) -> Iterator[None]:
        """The HTTP library's errors become ours."""
        try:
            yield
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            kind = Unreachable
            if isinstance(error, aiohttp.ClientConnectorCertificateError):
                kind = Untrusted
                self._tls.clear()  # the authority's file may have been replaced: read it again next time
            may_have_happened = not request.is_read and not isinstance(error, _STARTED_LATE)
            raise kind(
                request.what,
                where=self.where,
                why=_in_words(error, request) + ("; it may have happened all the same" if may_have_happened else ""),
                hint=_advice(error),
                may_have_happened=may_have_happened,
            ) from None


@contextlib.asynccontextmanager
async def _closing(response: aiohttp.ClientResponse) -> AsyncIterator[None]:
    """Give the connection back if the body was read to its end; else close it, since nobody will read the rest."""
    try:
        yield
    finally:
        if response.content.at_eof():
            response.release()
        else:
            response.close()


def _entered(session: aiohttp.ClientSession | None) -> aiohttp.ClientSession:
    if session is None:
        raise RuntimeError("a Transport is used in `async with`")
    return session


def _in_words(error: Exception, request: Request) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or "it does not fit the server's name"
            return f"the server's certificate is not trusted: {reason.rstrip('.')}"
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} cannot be resolved"
        case aiohttp.ClientConnectorSSLError():
            return "the TLS handshake failed"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered {error.status}"
        case aiohttp.ClientConnectorError():
            number = error.os_error.errno
            return f"cannot connect to {error.host}:{error.port}: {os.strerror(number) if number else 'no connection'}"
        case aiohttp.ConnectionTimeoutError():
            return f"no connection within {CONNECT_SECONDS_MAX:.0f} s"
        case TimeoutError():
            return f"no complete answer within {request.seconds_max:g} s"
        case _:
            return "the connection broke before the answer was complete"


def _advice(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return "Check certificate-authority and tls-server-name in the kubeconfig"
        case aiohttp.ClientHttpProxyError():
            return "Check proxy-url in the kubeconfig, and HTTPS_PROXY"
        case _:
            return "Check that the cluster is up and that its address is right"
