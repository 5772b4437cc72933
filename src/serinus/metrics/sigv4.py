"""AWS Signature Version 4: signs a request, after the algorithm that AWS publishes; checked with its test vectors.

Also where credentials are found: the environment first, then the shared credentials file. Not its job: asking the
machine or a role service for credentials; whoever runs on such a machine exports them into the environment.
"""

import configparser
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote_plus, urlsplit

from serinus.metrics.config import NoSecret

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs. `token`: of temporary credentials; empty: they are lasting ones."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """For which region and service a signature counts."""

    region: str
    service: str


def find_credentials(environment: Mapping[str, str], profile: str) -> Credentials:
    """From the environment, or the profile of the shared file. Raises NoSecret."""
    if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
        token = environment.get("AWS_SESSION_TOKEN", "")
        return Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], token)
    home = Path(environment.get("HOME", "/"))
    path = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE", home / ".aws" / "credentials"))
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text())
        section = parser[profile]
        return Credentials(
            section["aws_access_key_id"], section["aws_secret_access_key"], section.get("aws_session_token", "")
        )
    except OSError as error:
        why = f"{path} cannot be read: {error.strerror}"
    except (configparser.Error, UnicodeDecodeError):
        why = f"{path} is not a credentials file"
    except KeyError as error:
        why = f"{path} has no {error.args[0]} (profile {profile})"
    raise NoSecret(f"there are no AWS credentials: AWS_ACCESS_KEY_ID is not set, and {why}")


def signed_headers(
    credentials: Credentials,
    scope: Scope,
    now: datetime,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
) -> dict[str, str]:
    """The headers to send: those given, and those that the signature needs. `now` is aware, in UTC; `url` as sent."""
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    all_headers = dict(headers) | {"X-Amz-Date": stamp}
    if credentials.token:
        all_headers["X-Amz-Security-Token"] = credentials.token
    parts = urlsplit(url)
    to_sign = {"host": parts.netloc} | {name.lower(): " ".join(value.split()) for name, value in all_headers.items()}
    names = ";".join(sorted(to_sign))
    canonical = "\n".join(
        (
            method,
            _path(parts.path),
            _query(parts.query),
            *(f"{name}:{to_sign[name]}" for name in sorted(to_sign)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    place = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, place, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_key(credentials.secret, stamp[:8], scope), text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={credentials.key_id}/{place}"
    all_headers["Authorization"] = f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    return all_headers


def _path(path: str) -> str:
    """Encoded once more than it is sent, as every service but S3 wants it; what is sent here has no empty parts."""
    return quote(path or "/", safe="/-_.~")


def _query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    encoded = [(_encoded(name), _encoded(value)) for name, _, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _encoded(text: str) -> str:
    return quote(unquote_plus(text), safe="-_.~")


def _key(secret: str, day: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, scope.region, scope.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
