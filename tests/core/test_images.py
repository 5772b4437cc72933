"""Which container gets which image, and what version an image's name tells."""

import pytest

from serinus.core.images import LABEL_VALUE, NAME_PART, choose_images, label_value, name_part, split_image, version_of
from serinus.core.spec import Image, Spec
from serinus.core.survey import DeploymentFacts, Problem

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("checkout", ("checkout", None, None)),
        ("checkout:v1", ("checkout", "v1", None)),
        ("registry:5000/shop/checkout", ("registry:5000/shop/checkout", None, None)),
        ("registry:5000/shop/checkout:v1", ("registry:5000/shop/checkout", "v1", None)),
        (f"checkout@{DIGEST}", ("checkout", None, DIGEST)),
        (f"registry:5000/checkout:v1@{DIGEST}", ("registry:5000/checkout", "v1", DIGEST)),
    ],
)
def test_an_images_name_has_a_repository_a_tag_and_a_digest(image: str, parts: tuple[str, str, str]) -> None:
    assert split_image(image) == parts


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("checkout:v1", "v1"),
        (f"checkout:v1@{DIGEST}", "v1"),
        (f"checkout@{DIGEST}", "abababababab"),
        ("registry:5000/checkout", None),
    ],
)
def test_the_version_is_the_tag_or_the_start_of_the_digest(image: str, version: str | None) -> None:
    assert version_of(image) == version


@pytest.mark.parametrize("version", ["v1", "1-2-3", "a" * 32])
def test_a_valid_version_is_part_of_a_name_as_it_is(version: str) -> None:
    assert name_part(version) == version


@pytest.mark.parametrize("version", ["V1", "1.2.3", "a" * 33, "v1-", "v_1", ""])
def test_another_version_is_hashed_in_names(version: str) -> None:
    assert name_part(version) != version
    assert NAME_PART.fullmatch(name_part(version))


def test_versions_that_are_no_label_values_are_hashed_in_labels() -> None:
    assert label_value("1.2.3_RC1") == "1.2.3_RC1"
    for version in ("v1+build", "a" * 64, "-v1"):
        assert label_value(version) != version
        assert LABEL_VALUE.fullmatch(label_value(version))


def deployment(**images: str) -> DeploymentFacts:
    return DeploymentFacts("checkout", "uid", 4, 4, True, False, images, {}, {}, {})


def choose(*images: str, version: str | None = None, current: str | None = "v1", **existing: str) -> object:
    parsed = tuple(Image(*reversed(image.split("="))) if "=" in image else Image(image) for image in images)
    return choose_images(Spec("shop", "checkout", version, parsed), deployment(**existing), current)


PAIR = {"app": "shop/checkout:v1", "proxy": "mesh/proxy:1.9"}


def test_the_only_container_gets_the_image_whatever_its_repository() -> None:
    assert choose("elsewhere/checkout:v2", app="shop/checkout:v1") == {"app": "elsewhere/checkout:v2"}


def test_a_container_is_found_by_its_name() -> None:
    assert choose("proxy=elsewhere:2", **PAIR) == {"proxy": "elsewhere:2"}


def test_a_container_is_found_by_its_repository() -> None:
    assert choose("mesh/proxy:2.0", "shop/checkout:v2", **PAIR) == {
        "app": "shop/checkout:v2",
        "proxy": "mesh/proxy:2.0",
    }


@pytest.mark.parametrize("image", ["other/checkout:v2", "sidecar=shop/checkout:v2"])
def test_an_image_without_a_container_is_refused_with_what_there_is(image: str) -> None:
    problem = choose(image, **PAIR)
    assert isinstance(problem, Problem)
    assert problem.why == "it has app (shop/checkout:v1), proxy (mesh/proxy:1.9)"


def test_an_image_that_fits_two_containers_is_refused() -> None:
    assert isinstance(choose("shop/checkout:v2", app="shop/checkout:v1", worker="shop/checkout:v1"), Problem)


def test_an_image_without_a_version_is_refused() -> None:
    problem = choose("shop/checkout", **PAIR)
    assert isinstance(problem, Problem)
    assert "neither a tag nor a digest" in problem.what


def test_a_version_alone_replaces_the_tag_of_the_image_that_carries_the_current_one() -> None:
    assert choose(version="v2", **PAIR) == {"app": "shop/checkout:v2"}


def test_a_version_alone_replaces_the_tag_of_all_containers_of_one_repository() -> None:
    chosen = choose(version="v2", app="shop/checkout:v1", worker="shop/checkout:v1")
    assert chosen == {"app": "shop/checkout:v2", "worker": "shop/checkout:v2"}


def test_a_version_alone_is_enough_for_an_only_container_of_any_tag() -> None:
    assert choose(version="v2", current="other", app="registry:5000/checkout:v1") == {
        "app": "registry:5000/checkout:v2"
    }


@pytest.mark.parametrize("images", [PAIR | {"app": "shop/checkout:v0"}, PAIR | {"proxy": "mesh/proxy:v1"}])
def test_a_version_alone_is_refused_when_no_one_repository_carries_the_current_one(images: dict[str, str]) -> None:
    problem = choose(version="v2", **images)
    assert isinstance(problem, Problem)
    assert "cannot tell which image" in problem.what


def test_a_version_that_is_no_tag_is_refused() -> None:
    problem = choose(version="v2+build", **PAIR)
    assert isinstance(problem, Problem)
    assert "is no image tag" in problem.what


def test_neither_image_nor_version_is_nothing_to_release() -> None:
    problem = choose(**PAIR)
    assert isinstance(problem, Problem)
    assert problem.what == "nothing to release"
