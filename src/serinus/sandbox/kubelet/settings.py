"""What can be set on the kubelet, with the sandbox's defaults."""

from dataclasses import dataclass, field

from serinus.sandbox.networks import POD_RANGE


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """One node that the kubelet registers: its name, and what pods may ask for there, as Kubernetes quantities."""

    name: str
    cpu: str = "16"
    memory: str = "32Gi"
    pods: int = 110
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """`pod_network`: where pods get addresses; each must be one that this machine can bind, and no other kubelet's:
    `serinus.sandbox.networks.claim_network` finds such a one.

    `node_address` and `endpoint_port` are where an API server finds the kubelet's own endpoint (0: there is none).
    A failed container is restarted at once, then after `back_off_seconds`, doubled each time up to
    `back_off_seconds_max`, and afresh once it ran for `back_off_reset_seconds`. Image pulls are repeated likewise.
    """

    pod_network: str = POD_RANGE
    node_address: str = "127.0.0.1"
    endpoint_port: int = 0
    back_off_seconds: float = 1.0
    back_off_seconds_max: float = 30.0
    back_off_reset_seconds: float = 600.0
