"""Which containers get which image, and what version that makes. By container name, never by text."""

import hashlib
import re

from serinus.core.spec import Image, Spec
from serinus.core.survey import DeploymentFacts, Problem

NAME_PART = re.compile(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?")
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def split_image(image: str) -> tuple[str, str | None, str | None]:
    """(repository, tag, digest) of an image name; a port in the registry's name is no tag."""
    name, _, digest = image.partition("@")
    slash, colon = name.rfind("/"), name.rfind(":")
    if colon > slash:
        return name[:colon], name[colon + 1 :], digest or None
    return name, None, digest or None


def version_of(image: str) -> str | None:
    """The version that an image's name tells: its tag, or the first 12 characters of its digest; None: neither."""
    _, tag, digest = split_image(image)
    if tag is not None:
        return tag
    return digest.rpartition(":")[2][:12] if digest else None


def short_hash(text: str, length: int = 8) -> str:
    """The start of a SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def name_part(version: str) -> str:
    """The version as part of an object's name: itself where that is valid, else a short hash of it."""
    return version if NAME_PART.fullmatch(version) else short_hash(version)


def label_value(version: str) -> str:
    """The version as a label's value: itself where that is valid, else a short hash of it."""
    return version if LABEL_VALUE.fullmatch(version) else short_hash(version)


def choose_images(spec: Spec, stable: DeploymentFacts, current: str | None) -> dict[str, str] | Problem:
    """The new image of each container that changes.

    With images given: by container name, else the only container, else the one with the same repository. With a version
    alone: the tag of the image that carries the current version is replaced.
    """
    where = f"Deployment {stable.name}, spec.template.spec.containers"
    if not spec.images:
        return _by_version(spec, stable, current, where)
    chosen: dict[str, str] = {}
    for image in spec.images:
        if version_of(image.image) is None:
            return Problem(
                f"image {image.image!r} has neither a tag nor a digest",
                "--image",
                "without one nobody can say which version it is, nor go back to it",
                f"write {image.image}:TAG",
            )
        container = _container_for(image, stable)
        if container is None:
            names = ", ".join(f"{name} ({value})" for name, value in sorted(stable.images.items()))
            why = f"it has {names}"
            hint = f"name the container: --image CONTAINER={image.image}"
            return Problem(f"no container for image {image.image!r}", where, why, hint)
        chosen[container] = image.image
    return chosen


def _container_for(image: Image, stable: DeploymentFacts) -> str | None:
    if image.container is not None:
        return image.container if image.container in stable.images else None
    if len(stable.images) == 1:
        return next(iter(stable.images))
    repository = split_image(image.image)[0]
    same = [name for name, value in stable.images.items() if split_image(value)[0] == repository]
    return same[0] if len(same) == 1 else None


def _by_version(spec: Spec, stable: DeploymentFacts, current: str | None, where: str) -> dict[str, str] | Problem:
    if spec.version is None:
        return Problem(
            "nothing to release", "the command line", "no image and no version given", "give --image or --version"
        )
    carrying = {name: image for name, image in stable.images.items() if version_of(image) == current}
    if len(stable.images) == 1 and not carrying:
        carrying = dict(stable.images)
    repositories = {split_image(image)[0] for image in carrying.values()}
    if len(repositories) != 1:
        images = ", ".join(f"{name}={image}" for name, image in sorted(stable.images.items()))
        return Problem(
            f"cannot tell which image is to become version {spec.version}",
            where,
            f"{len(carrying)} of its images carry the current version {current!r}: {images}",
            "give --image CONTAINER=IMAGE:TAG",
        )
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", spec.version):
        return Problem(
            f"version {spec.version!r} is no image tag",
            "--version",
            "a tag has at most 128 letters, digits, '_', '.' and '-'",
            "give --image IMAGE:TAG beside --version",
        )
    return {name: f"{split_image(image)[0]}:{spec.version}" for name, image in carrying.items()}
