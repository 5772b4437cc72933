"""The embedded cluster's controllers: Deployment, ReplicaSet, Job, EndpointSlice, garbage collection.

They are ordinary clients of the Kubernetes API, so they serve a real API server as well. Each is a pure `plan` and a
thin loop over it. Namespaces and pods' processes are not theirs.
"""

from serinus.sandbox.controllers.run import NAMES, run_controllers

__all__ = ["NAMES", "run_controllers"]
