"""Create, read, update: the rules between a request and the store. Knows nothing of HTTP.

Deletion has a file of its own (`deletion.py`), and so have patches; both come back here to be checked and stored.
"""

from collections.abc import Callable
from dataclasses import dataclass

from serinus.sandbox.api import deletion, metadata
from serinus.sandbox.api.defaults import fill_defaults
from serinus.sandbox.api.errors import already_exists, bad_request, forbidden, not_found
from serinus.sandbox.api.kinds import NAMESPACE, POD, SERVICE, Kind, Raw
from serinus.sandbox.api.managers import Owner, apply, record_update, settle_times
from serinus.sandbox.api.prepare import SERVICE_CIDR, Addresses, prepare_new
from serinus.sandbox.api.quota import check_quota
from serinus.sandbox.api.shape import check_shape
from serinus.sandbox.api.store import Entry, Key, Store, encode
from serinus.sandbox.api.validation import check_new, check_update

Alter = Callable[[Raw], Raw]
"""From a copy of the object as it is to the object as it is wished."""


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Who writes (`manager`, for managedFields), and whether it only rehearses (`dry_run`)."""

    manager: str = "unknown"
    dry_run: bool = False


class Registry:
    """The API without its wire: every method takes and returns whole objects, and refuses with StatusError."""

    def __init__(self, store: Store, service_cidr: str = SERVICE_CIDR) -> None:
        self.store = store
        self._addresses = Addresses(store, service_cidr)
        for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self.create(NAMESPACE, "", {"metadata": {"name": name}})

    def read(self, kind: Kind, namespace: str, name: str) -> Entry:
        """Raises StatusError 404."""
        return self.store.read(kind, (namespace, name))

    def create(self, kind: Kind, namespace: str, raw: Raw, options: WriteOptions | None = None) -> Entry:
        """Fills, checks and stores a new object; the object given is not changed."""
        options = options or WriteOptions()
        metadata.check_type(kind, raw)
        new = metadata.normal_form(kind, raw)
        check_shape(kind, new)
        metadata.start(kind, namespace, new)
        name = new["metadata"]["name"]
        if kind.namespaced:
            self._check_namespace(kind, namespace, name)
        fill_defaults(kind, new)
        check_new(kind, new)
        key = (namespace if kind.namespaced else "", name)
        taken = self.store.get(kind, key)
        if taken is not None:
            raise already_exists(kind, name, leaving="deletionTimestamp" in taken.raw["metadata"])
        check_quota(self.store, kind, namespace, name)
        prepare_new(kind, new, self._addresses)
        if kind.has_status:
            new["status"] = new.pop("status", {})
        if not new["metadata"].get("managedFields"):
            record_update(kind, None, new, options.manager, "")
        return self._save(kind, key, new, options)

    def update(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        alter: Alter,
        subresource: str = "",
        options: WriteOptions | None = None,
    ) -> Entry:
        """Reads, alters, checks and stores; what did not change in effect is not written."""
        options = options or WriteOptions()
        old = self.read(kind, namespace, name)
        wished = alter(old.copy())
        metadata.check_type(kind, wished)
        new = self.checked(kind, old.raw, wished, subresource)
        if new == old.raw:
            return old
        record_update(kind, old.raw, new, options.manager, subresource)
        return self.commit(kind, old, new, options)

    def apply(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        config: Raw,
        subresource: str = "",
        options: WriteOptions | None = None,
        *,
        force: bool = False,
    ) -> tuple[Entry, bool]:
        """Server-side apply; the object and whether it was made by this. Raises StatusError 409 on a conflict."""
        options = options or WriteOptions()
        metadata.check_type(kind, config)
        if config.get("metadata", {}).get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        owner = Owner(options.manager, "Apply", subresource)
        old = self.store.get(kind, (namespace, name))
        if old is None:
            if subresource or config.get("metadata", {}).get("uid"):
                raise not_found(kind, name)
            new = apply(kind, None, config, owner, force)
            new["metadata"] |= {"name": name}
            return self.create(kind, namespace, new, options), True
        merged = apply(kind, old.copy(), config, owner, force)
        new = self.checked(kind, old.raw, merged, subresource)
        new["metadata"]["managedFields"] = merged["metadata"]["managedFields"]
        settle_times(old.raw, new)
        if new == old.raw:
            return old, False
        return self.commit(kind, old, new, options), False

    def checked(self, kind: Kind, old: Raw, wished: Raw, subresource: str) -> Raw:
        """The wished object with everything that this write may not touch put back, filled and validated."""
        new = metadata.normal_form(kind, wished)
        check_shape(kind, new)
        given_version = new["metadata"].get("resourceVersion", "")
        metadata.inherit(kind, old, new)
        if subresource == "status":
            # Annotations may come with a status: a Deployment's revision is written so, or it would count as a change.
            annotations = new["metadata"].get("annotations")
            new = old | {"status": new.get("status") or {}}
            new["metadata"] = {key: value for key, value in old["metadata"].items() if key != "annotations"}
            if annotations:
                new["metadata"]["annotations"] = annotations
        elif kind.has_status:
            new["status"] = old.get("status", {})
        if subresource == "status":
            return new
        fill_defaults(kind, new)
        if kind == SERVICE:
            _keep_addresses(old, new)
        check_update(kind, old, new, given_version)
        if kind == SERVICE:
            self._addresses.assign(new)
        metadata.count_generation(kind, old, new)
        return new

    def commit(self, kind: Kind, old: Entry, new: Raw, options: WriteOptions) -> Entry:
        """Stores a checked update, or removes the object when the update took its last finalizer."""
        key = (new["metadata"].get("namespace", ""), new["metadata"]["name"])
        if deletion.is_complete(kind, new):
            if options.dry_run:
                return encode(new, old.version)
            entry = self.store.remove(kind, key, new)
            deletion.finish_namespace(self.store, key[0])
            return entry
        return self._save(kind, key, new, options)

    def bind(self, namespace: str, name: str, binding: Raw, options: WriteOptions | None = None) -> None:
        """Puts a pod on a node, once. Raises StatusError 409 for a pod that has one."""
        options = options or WriteOptions()
        old = self.read(POD, namespace, name)
        deletion.check_may_bind(old.raw)
        new = old.copy()
        new["spec"]["nodeName"] = (binding.get("target") or {}).get("name", "")
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": metadata.timestamp()}
        others = [each for each in new["status"].get("conditions") or [] if each["type"] != "PodScheduled"]
        new["status"]["conditions"] = [*others, scheduled]
        record_update(POD, old.raw, new, options.manager, "binding")
        self.commit(POD, old, new, options)

    def _check_namespace(self, kind: Kind, namespace: str, name: str) -> None:
        entry = self.store.get(NAMESPACE, ("", namespace))
        if entry is None:
            raise not_found(NAMESPACE, namespace)
        if entry.raw["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            raise forbidden(kind, name, why, [cause])

    def _save(self, kind: Kind, key: Key, new: Raw, options: WriteOptions) -> Entry:
        if options.dry_run:
            return encode(new, 0)
        return self.store.put(kind, key, new)


def _keep_addresses(old: Raw, new: Raw) -> None:
    """A Service written back without its cluster IP keeps it."""
    before, after = old["spec"], new["spec"]
    if after["type"] == "ExternalName" or before["type"] == "ExternalName":
        return
    for field in ("clusterIP", "clusterIPs"):
        if not after.get(field) and before.get(field):
            after[field] = before[field]
    node_ports = {port["port"]: port["nodePort"] for port in before.get("ports") or [] if port.get("nodePort")}
    if after["type"] != "ClusterIP":
        for port in after.get("ports") or []:
            if not port.get("nodePort") and port["port"] in node_ports:
                port["nodePort"] = node_ports[port["port"]]
