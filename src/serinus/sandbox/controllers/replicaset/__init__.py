"""The ReplicaSet controller: `plan` decides, `controller` is the loop."""
