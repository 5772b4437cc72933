"""The way to a service: who asks, and every trouble in words without a secret in them."""

import datetime
import socket
import ssl
from pathlib import Path

import pytest

from serinus.metrics.config import Access, Basic, Bearer, FromEnvironment, FromFile, Literal, SigV4, Tls
from serinus.metrics.http import Ask, open_http
from serinus.ports import Trouble
from tests.fakes.clock import FakeClock
from tests.fakes.server import answer, hang_up, never, scripted_server
from tests.metrics.support import way


async def header_sent(access: Access, name: str, **environment: str) -> str | None:
    async with scripted_server() as server, way(access, environment) as http:
        server.then(answer({}))
        await http.send(Ask("GET", f"{server.url}/x"), 5.0)
        return server.seen[0].headers.get(name)


async def test_a_token_comes_from_the_environment_or_a_file_or_is_given(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("of the file\n")
    assert await header_sent(Access(Bearer(FromEnvironment("T"))), "Authorization", T="t-1") == "Bearer t-1"
    assert await header_sent(Access(Bearer(FromFile(file))), "Authorization") == "Bearer of the file"
    assert await header_sent(Access(Bearer(Literal("given"))), "Authorization") == "Bearer given"


async def test_a_token_that_is_rotated_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with scripted_server() as server, way(Access(Bearer(FromFile(file)))) as http:
        for token in ("one", "two"):
            file.write_text(token)
            server.then(answer({}))
            await http.send(Ask("GET", server.url), 5.0)
        assert [seen.headers["Authorization"] for seen in server.seen] == ["Bearer one", "Bearer two"]


async def test_user_and_password_headers_of_ones_own_and_aws_signatures() -> None:
    assert await header_sent(Access(Basic("me", Literal("pass"))), "Authorization") == "Basic bWU6cGFzcw=="
    assert await header_sent(Access(headers={"X-Scope-OrgID": Literal("shop")}), "X-Scope-OrgID") == "shop"
    keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s"}
    signed = await header_sent(Access(SigV4("eu-central-1")), "Authorization", **keys)
    assert signed is not None
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-central-1/aps/aws4_request")


@pytest.mark.parametrize(
    ("auth", "reason"),
    [
        (Bearer(FromEnvironment("MISSING")), "environment variable MISSING is not set"),
        (Bearer(FromFile(Path("not-there"))), "file not-there cannot be read"),
        (SigV4("eu-central-1"), "there are no AWS credentials"),
    ],
)
async def test_a_secret_that_cannot_be_had_is_trouble_before_anything_is_sent(
    auth: Bearer | SigV4, reason: str
) -> None:
    async with scripted_server() as server, way(Access(auth)) as http:
        with pytest.raises(Trouble, match=reason):
            await http.send(Ask("GET", server.url), 5.0)
        assert server.seen == []


async def test_no_answer_in_time_no_listener_and_a_broken_connection_are_trouble() -> None:
    async with scripted_server() as server, way() as http:
        server.then(never()).then(hang_up())
        with pytest.raises(Trouble, match=r"gave no answer within 0\.05 s"):
            await http.send(Ask("GET", f"{server.url}/?key=hidden"), 0.05)
        with pytest.raises(Trouble, match="gave no answer: Server disconnected") as caught:
            await http.send(Ask("POST", f"{server.url}/?key=hidden"), 5.0)
        assert "hidden" not in str(caught.value)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(Trouble, match="gave no answer"):
                await http.send(Ask("GET", f"http://127.0.0.1:{taken.getsockname()[1]}/"), 5.0)


async def test_an_answer_above_the_limit_is_trouble() -> None:
    async with scripted_server() as server, way() as http:
        server.then(answer("x" * (8 * 1024 * 1024 + 1)))
        with pytest.raises(Trouble, match="answers with more than 8 MiB"):
            await http.send(Ask("GET", server.url), 10.0)


async def test_a_redirect_is_not_followed_as_it_would_take_secrets_along() -> None:
    async with scripted_server() as server, way() as http:
        server.then(answer("", 302, Location="http://elsewhere.example/"))
        reply = await http.send(Ask("GET", server.url), 5.0)
    assert reply.status == 302


async def test_certificates_that_cannot_be_used_are_trouble(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"certificates cannot be used \(.*missing\.crt\)"):
        async with open_http(Access(tls=Tls(tmp_path / "missing.crt")), FakeClock(), {}, "t"):
            raise AssertionError


async def test_both_sides_show_certificates_where_that_is_asked_for(tmp_path: Path) -> None:
    ca, certificate, key = pair(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    server_side.load_verify_locations(ca)
    server_side.verify_mode = ssl.CERT_REQUIRED
    async with scripted_server(server_side) as server:
        server.then(answer({}))
        async with way(Access(tls=Tls(ca, certificate, key))) as http:
            assert (await http.send(Ask("GET", server.url), 5.0)).status == 200
        async with way(Access(tls=Tls(ca))) as http:
            with pytest.raises(Trouble, match="gave no answer"):
                await http.send(Ask("GET", server.url), 5.0)
        async with way() as http:
            with pytest.raises(Trouble, match="is not trusted"):
                await http.send(Ask("GET", server.url), 5.0)


def pair(folder: Path) -> tuple[Path, Path, Path]:
    """A self-signed certificate for 127.0.0.1, which is its own authority, and its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "tls.crt", folder / "tls.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(encoding, kind, serialization.NoEncryption()))
    return certificate_file, certificate_file, key_file
