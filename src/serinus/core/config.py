"""ConfigMaps and Secrets that go with a release: which copies it makes, and what stands in the way. Pure.

Under `config: versioned` what the pod template names is copied under a name that ends in a hash of its content, and
the new version's template names the copies. Reading the objects is `kube/copying.py`'s job.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

NAME_LENGTH_MAX = 253
DIGEST_LENGTH = 10


class ConfigKind(enum.Enum):
    """What can be copied; the value is the API's kind."""

    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"


class ConfigCopy(msgspec.Struct, frozen=True):
    """One copy that goes with the release: it stands for `named` of production's template, and is made of `original`.

    `named` is the original itself, or the copy that an earlier release made of it.
    """

    kind: ConfigKind
    named: str
    original: str
    name: str


class ConfigPlan(msgspec.Struct, frozen=True):
    """The copies of a release, and of which kinds there may be any, older ones included."""

    copies: tuple[ConfigCopy, ...] = ()
    kinds: tuple[ConfigKind, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedConfig:
    """One object that a pod template names, as it was read. `digest`: of the original's content today, in hex.

    `missing`: the name of the one that does not exist. Neither: it may not be read, which the rights will tell.
    """

    kind: ConfigKind
    named: str
    original: str
    optional: bool = False
    digest: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class SeenCopy:
    """A copy of ours that is there. `deleting`: this run has asked for its end."""

    kind: ConfigKind
    name: str
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Copies:
    """The release's copies that are not there, and those of ours that nothing names: no Deployment, no ReplicaSet."""

    missing: tuple[ConfigCopy, ...] = ()
    unused: tuple[SeenCopy, ...] = ()


def copy_name(original: str, digest: str) -> str:
    """ORIGINAL-DIGEST, within the 253 characters of a name. The digest tells apart names that were cut."""
    base = original[: NAME_LENGTH_MAX - DIGEST_LENGTH - 1].rstrip("-.")
    return f"{base}-{digest[:DIGEST_LENGTH]}"


def plan_config(named: Iterable[NamedConfig], kinds: Iterable[ConfigKind]) -> ConfigPlan:
    """The copies of what can be copied; the rest is left as the template has it."""
    copies = (
        ConfigCopy(each.kind, each.named, each.original, copy_name(each.original, each.digest))
        for each in named
        if each.digest
    )
    return ConfigPlan(tuple(copies), tuple(sorted(set(kinds), key=lambda kind: kind.value)))
