"""Signatures against the vectors that AWS publishes for implementers, and where credentials are found."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from serinus.metrics.config import NoSecret
from serinus.metrics.sigv4 import Credentials, Scope, find_credentials, signed_headers

EXAMPLE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


def authorization(method: str, url: str, service: str = "service", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return signed_headers(EXAMPLE, Scope("us-east-1", service), NOW, method, url, named, b"")["Authorization"]


@pytest.mark.parametrize(
    ("method", "target", "signature"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        ("GET", "/ሴ", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        ("GET", "/?ሴ=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
        (
            "GET",
            "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ),
    ],
)
def test_the_published_vectors(method: str, target: str, signature: str) -> None:
    credential = "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    expected = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host;x-amz-date, Signature={signature}"
    assert authorization(method, f"https://example.amazonaws.com{target}") == expected


def test_the_published_vector_with_a_header() -> None:
    told = authorization("POST", "https://example.amazonaws.com/", My_Header1="value1")
    assert told.endswith("Signature=c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c")


def test_the_published_example_of_a_real_service() -> None:
    url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
    told = authorization("GET", url, "iam", Content_Type="application/x-www-form-urlencoded; charset=utf-8")
    assert told.endswith("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")


def test_a_token_of_temporary_credentials_is_sent_and_signed() -> None:
    credentials = Credentials("AKID", "secret", "a token")
    headers = signed_headers(credentials, Scope("eu-central-1", "aps"), NOW, "GET", "https://x.example/", {}, b"")
    assert headers["X-Amz-Security-Token"] == "a token"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token" in headers["Authorization"]
    assert "secret" not in repr(credentials)
    assert "a token" not in repr(credentials)


def test_credentials_come_from_the_environment_first() -> None:
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}
    assert find_credentials(environment, "default") == Credentials("a", "b", "c")


def test_credentials_come_from_a_profile_of_the_shared_file(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = a\n[ci]\naws_access_key_id = k\naws_secret_access_key = s%1\n")
    environment = {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
    assert find_credentials(environment, "ci") == Credentials("k", "s%1")
    with pytest.raises(NoSecret, match="has no aws_secret_access_key"):
        find_credentials(environment, "default")
    with pytest.raises(NoSecret, match="has no other"):
        find_credentials(environment, "other")


def test_without_any_it_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(NoSecret, match=r"AWS_ACCESS_KEY_ID is not set, and .*/.aws/credentials cannot be read"):
        find_credentials({"HOME": str(tmp_path)}, "default")
