"""The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY mean for a server, read as kubectl (Go) reads them.

aiohttp's own reading of the environment is not used: it knows no networks in NO_PROXY, and it would send passwords from
~/.netrc along.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_from_environment(server: str, environment: Mapping[str, str]) -> str | None:
    """The address of the proxy for `server`, or None to go there directly. Loopback servers never use one."""
    parts = urlsplit(server)
    proxy = _variable(environment, f"{parts.scheme}_proxy")
    host = (parts.hostname or "").lower()
    if not proxy or host == "localhost" or _is_loopback(host):
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    entries = [entry.strip().lower() for entry in _variable(environment, "no_proxy").split(",")]
    if any(_excludes(entry, host, port) for entry in entries if entry):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper()) or environment.get(name) or ""


def _excludes(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, separator, wanted_port = entry.rpartition(":")
    if separator and wanted_port.isdigit() and (name.startswith("[") or ":" not in name):
        if int(wanted_port) != port:
            return False
        entry = name.strip("[]")
    if address is not None:
        return address == _address(entry)
    if entry.startswith("*."):
        entry = entry[1:]
    return host.endswith(entry) if entry.startswith(".") else host == entry or host.endswith(f".{entry}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_loopback
