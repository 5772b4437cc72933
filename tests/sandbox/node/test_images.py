import pytest

from serinus.sandbox import images
from serinus.sandbox.images import ImageNotFound, InvalidImageName, pull


@pytest.mark.parametrize("tag", ["v1", "v2", "v5", "v17", "v1.2.3"])
def test_an_ordinary_version_has_no_fault(tag: str) -> None:
    assert pull(f"demo/checkout:{tag}").environment == {images.VERSION: tag}


@pytest.mark.parametrize(
    ("tag", "fault"),
    [
        ("v3", {images.CRASH_AFTER_SECONDS: "3"}),
        ("v4", {images.ERROR_RATE: "0.05"}),
        ("v5-errors", {images.ERROR_RATE: "1.0"}),
        ("v5-errors5", {images.ERROR_RATE: "0.05"}),
        ("v5-crash10", {images.CRASH_AFTER_SECONDS: "10"}),
        ("v5-crash-on-start", {images.CRASH_ON_START: "true"}),
        ("v5-slow-start", {images.START_SECONDS: "5"}),
        ("v5-slow-errors5", {images.LATENCY_MS: "15", images.ERROR_RATE: "0.05"}),
        ("v5-crash-late", {images.CRASH_AFTER_SECONDS: "3", images.HARM_AFTER_SECONDS: "20"}),
        ("v5-late", {images.ERROR_RATE: "1.0", images.HARM_AFTER_SECONDS: "20"}),
    ],
)
def test_a_tag_names_its_faults(tag: str, fault: dict[str, str]) -> None:
    assert pull(f"demo/checkout:{tag}").environment == fault | {images.VERSION: tag}


@pytest.mark.parametrize(
    "name",
    ["demo/checkout:v5-unpullable", "demo/checkout:latest", "demo/checkout", "nginx:1.27", "demo/checkout:v5-odd"],
)
def test_a_name_outside_the_registry_is_not_found(name: str) -> None:
    with pytest.raises(ImageNotFound, match=r"failed to pull image .*: not found"):
        pull(name)


@pytest.mark.parametrize("name", ["Demo/Checkout:v1", "demo/checkout:", "demo checkout", "demo//checkout", ":v1", ""])
def test_a_name_that_is_no_reference_is_invalid(name: str) -> None:
    with pytest.raises(InvalidImageName, match="invalid reference format"):
        pull(name)


def test_a_process_image_is_a_command_line() -> None:
    image = pull("process://python -c 'print(1, 2)'")
    assert image.command == ("python", "-c", "print(1, 2)")
    assert image.is_process


def test_an_unclosed_quote_in_a_process_image_is_an_invalid_name() -> None:
    with pytest.raises(InvalidImageName, match="No closing quotation"):
        pull("process://sh -c 'oops")
