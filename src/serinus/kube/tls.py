"""Trust and client certificates: from PEM to what the sockets need, with nothing left on a disk."""

import contextlib
import os
import re
import ssl
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from .config import ClientCertificate, Cluster
from .errors import ConfigError

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class _NamedContext(ssl.SSLContext):
    """A context that expects one fixed name of the server, whatever address is dialled, also through a proxy."""

    expected_name: str | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: Any = None,
    ) -> ssl.SSLObject:
        name = self.expected_name or server_hostname
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


def tls_context(cluster: Cluster, certificate: ClientCertificate | None, where: str) -> ssl.SSLContext:
    """What to trust and what to show when connecting to the cluster. Raises ConfigError for bad certificates."""
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.expected_name = cluster.tls_server_name
    if cluster.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        _trust(context, cluster, where)
    if certificate is not None:
        _show(context, certificate, where)
    return context


def _trust(context: ssl.SSLContext, cluster: Cluster, where: str) -> None:
    # Any certificate that is trusted ends the chain, and clusters' authorities often break RFC 5280's fine points.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    pem = cluster.ca_pem
    if cluster.ca_file is not None:
        try:
            pem = cluster.ca_file.read_bytes()
        except OSError as error:
            raise _unusable(where, f"cannot read {cluster.ca_file}: {error.strerror}") from None
    if pem is None:
        context.load_default_certs()
        return
    blocks = _CERTIFICATE.findall(pem)
    if not blocks:
        raise _unusable(where, "the certificate authority is not a PEM certificate")
    try:
        context.load_verify_locations(cadata=b"\n".join(blocks).decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError):
        raise _unusable(where, "the certificate authority is not a valid certificate") from None


def _show(context: ssl.SSLContext, certificate: ClientCertificate, where: str) -> None:
    with _as_file(certificate.certificate_pem) as certificate_path, _as_file(certificate.key_pem) as key_path:
        try:
            # The password is given so that an encrypted key is an error, and not a question on the terminal.
            context.load_cert_chain(certificate_path, key_path, password="")
        except (ssl.SSLError, ValueError, OSError):
            raise _unusable(where, "the client certificate and its key are not valid, or do not fit together") from None


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path from which OpenSSL can read: memory where the system has such files, else a file removed at once."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("serinus")
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        descriptor, path = tempfile.mkstemp()
        try:
            os.write(descriptor, content)
            os.close(descriptor)
            yield path
        finally:
            os.unlink(path)


def _unusable(where: str, why: str) -> ConfigError:
    return ConfigError("TLS cannot be set up", file=where, why=why, hint="Correct the certificates in the kubeconfig")
