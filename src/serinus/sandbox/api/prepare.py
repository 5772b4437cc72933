"""What the API server decides about a new object beyond defaults: first status, addresses, generated selectors."""

import copy
import ipaddress
import random

from serinus.sandbox.api.custom import established
from serinus.sandbox.api.errors import Cause, StatusError, invalid
from serinus.sandbox.api.kinds import (
    DAEMON_SET,
    DEFINITION,
    HPA,
    JOB,
    NAMESPACE,
    NODE,
    PDB,
    POD,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    SERVICE,
    STATEFUL_SET,
    Kind,
    Raw,
)
from serinus.sandbox.api.podspec import quality_of_service
from serinus.sandbox.api.store import Store

SERVICE_CIDR = "127.96.0.0/16"
_RESERVED = 16
_FIRST_STATUS: dict[Kind, Raw] = {
    REPLICA_SET: {"replicas": 0},
    REPLICATION_CONTROLLER: {"replicas": 0},
    STATEFUL_SET: {"replicas": 0, "availableReplicas": 0},
    DAEMON_SET: {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    },
    HPA: {"desiredReplicas": 0, "currentMetrics": None},
    PDB: {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
}
_NODE_PORTS = range(30000, 32768)


class Addresses:
    """Cluster IPs and node ports of Services. What is taken is read from the store, so nothing needs releasing."""

    def __init__(self, store: Store, cidr: str = SERVICE_CIDR) -> None:
        self._store = store
        self._network = ipaddress.ip_network(cidr)

    def assign(self, raw: Raw) -> None:
        """Gives a Service what its type needs and it does not have; raises StatusError 422 for an address in use."""
        spec = raw["spec"]
        if spec["type"] == "ExternalName":
            return
        others = [entry.raw for entry in self._store.collection(SERVICE).entries.values()]
        others = [each for each in others if each["metadata"]["uid"] != raw["metadata"]["uid"]]
        self._assign_cluster_ip(raw, {each["spec"].get("clusterIP") for each in others})
        if spec["type"] in ("NodePort", "LoadBalancer"):
            taken = {port.get("nodePort") for each in others for port in each["spec"].get("ports") or []}
            for port in spec.get("ports") or []:
                if not port.get("nodePort"):
                    port["nodePort"] = random.choice([each for each in _NODE_PORTS if each not in taken])
                taken.add(port["nodePort"])

    def _assign_cluster_ip(self, raw: Raw, taken: set[str | None]) -> None:
        spec, name = raw["spec"], raw["metadata"]["name"]
        wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or []), None)
        if not wanted:
            wanted = self._free(name, taken)
        elif wanted != "None" and (wanted in taken or not self._inside(wanted)):
            why = "provided IP is already allocated" if wanted in taken else "provided IP is not in the valid range"
            message = f'Invalid value: ["{wanted}"]: failed to allocate IP {wanted}: {why}'
            raise invalid(SERVICE, name, [Cause("spec.clusterIPs", message)])
        spec["clusterIP"] = wanted
        spec["clusterIPs"] = [wanted]

    def _inside(self, address: str) -> bool:
        try:
            return ipaddress.ip_address(address) in self._network
        except ValueError:
            return False

    def _free(self, name: str, taken: set[str | None]) -> str:
        """A random free address; the first few of the range are left to those who want a certain one."""
        hosts = range(min(_RESERVED, self._network.num_addresses // 2), self._network.num_addresses - 1)
        for place in random.sample(hosts, min(len(hosts), len(taken) + 1)):
            address = str(self._network[place])
            if address not in taken:
                return address
        message = "Internal error occurred: failed to allocate a serviceIP: range is full"
        raise StatusError(500, "InternalError", f"{message} (service {name})")


def prepare_new(kind: Kind, raw: Raw, addresses: Addresses) -> None:
    """Sets what creation decides, after defaults were filled in."""
    if kind.has_status and kind != NODE:
        raw["status"] = copy.deepcopy(_FIRST_STATUS.get(kind, {}))
    if kind == POD:
        raw["status"] = {"phase": "Pending", "qosClass": quality_of_service(raw["spec"])}
    elif kind == NAMESPACE:
        raw["status"] = {"phase": "Active"}
    elif kind == SERVICE:
        raw["status"] = {"loadBalancer": {}}
        addresses.assign(raw)
    elif kind == DEFINITION:
        raw["status"] = established(raw)
    elif kind == JOB:
        _generate_selector(raw)


def _generate_selector(raw: Raw) -> None:
    """A Job selects its pods by its own uid."""
    spec, metadata = raw["spec"], raw["metadata"]
    if spec.get("manualSelector"):
        return
    uid, name = metadata["uid"], metadata["name"]
    labels = spec["template"]["metadata"].setdefault("labels", {})
    labels |= {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    metadata["labels"] = metadata.get("labels") or dict(labels)
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
