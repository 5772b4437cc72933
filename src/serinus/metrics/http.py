"""HTTP to a service that has numbers: who asks, limits, and every trouble in words. Not its job: what answers mean."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from serinus.metrics.config import Access, Basic, Bearer, NoSecret, SigV4, Tls, text_of
from serinus.metrics.sigv4 import Scope, find_credentials, signed_headers
from serinus.ports import Clock, Trouble

REPLY_BYTES_MAX = 8 * 1024 * 1024
EXCERPT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `url` is whole and encoded."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def excerpt(self) -> str:
        """The body's start on one line, for messages."""
        return " ".join(self.body[: 4 * EXCERPT_CHARACTERS].decode(errors="replace").split())[:EXCERPT_CHARACTERS]


class Http:
    """Requests to one service. Made by `open_http`."""

    def __init__(
        self, session: aiohttp.ClientSession, access: Access, clock: Clock, environment: Mapping[str, str]
    ) -> None:
        self._session = session
        self._access = access
        self._clock = clock
        self._environment = environment
        self._tls = _context(access.tls)

    async def send(self, ask: Ask, timeout_seconds: float) -> Reply:
        """One attempt; it is asked again at the next scrape. Redirects are not followed: they would take secrets along.

        Raises Trouble: no answer in time, an answer too large, no secret, or a certificate that is not trusted.
        """
        where = _place(ask.url)
        try:
            headers = self._headers(ask)
            async with asyncio.timeout(timeout_seconds):
                async with self._session.request(
                    ask.method,
                    URL(ask.url, encoded=True),
                    headers=headers,
                    data=ask.body or None,
                    allow_redirects=False,
                    ssl=self._tls,
                ) as response:
                    return Reply(response.status, response.headers, await _read(response, where))
        except NoSecret as error:
            raise Trouble(f"{where} cannot be asked: {error}") from error
        except TimeoutError as error:
            raise Trouble(f"{where} gave no answer within {timeout_seconds:g} s") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise Trouble(f"{where} is not trusted: {error.certificate_error}; name its authority's file") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Trouble(f"{where} gave no answer: {error or type(error).__name__}") from error

    def _headers(self, ask: Ask) -> dict[str, str]:
        own = {name: text_of(secret, self._environment) for name, secret in self._access.headers.items()}
        headers = dict(ask.headers) | own
        match self._access.auth:
            case None:
                return headers
            case Bearer(token):
                return headers | {"Authorization": f"Bearer {text_of(token, self._environment)}"}
            case Basic(user, password):
                encoded = base64.b64encode(f"{user}:{text_of(password, self._environment)}".encode()).decode()
                return headers | {"Authorization": f"Basic {encoded}"}
            case SigV4(region, service, profile):
                credentials = find_credentials(self._environment, profile)
                scope = Scope(region, service)
                return signed_headers(credentials, scope, self._clock.now(), ask.method, ask.url, headers, ask.body)


async def _read(response: aiohttp.ClientResponse, where: str) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > REPLY_BYTES_MAX:
            raise Trouble(f"{where} answers with more than {REPLY_BYTES_MAX // 1024 // 1024} MiB")
    return b"".join(parts)


def _context(tls: Tls) -> ssl.SSLContext | bool:
    """Raises Trouble for files that cannot be used."""
    if tls == Tls():
        return True
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.certificate_file is not None:
            context.load_cert_chain(tls.certificate_file, tls.key_file)
    except OSError as error:
        files = ", ".join(str(file) for file in (tls.ca_file, tls.certificate_file, tls.key_file) if file is not None)
        raise Trouble(f"the certificates cannot be used ({files}): {error}") from error
    return context


def _place(url: str) -> str:
    """Scheme and host alone: a query may hold secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


@asynccontextmanager
async def open_http(
    access: Access, clock: Clock, environment: Mapping[str, str], user_agent: str
) -> AsyncIterator[Http]:
    """Connections to one service, closed at the end. Raises Trouble when the certificates cannot be used."""
    headers = {"User-Agent": user_agent, "Accept": "application/json"}
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar, headers=headers, trust_env=True) as session:
        yield Http(session, access, clock, environment)
