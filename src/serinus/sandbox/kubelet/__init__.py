"""A kubelet whose pods are processes: runs what an API server, embedded or real, binds to its nodes."""

from serinus.sandbox.kubelet.kubelet import Kubelet
from serinus.sandbox.kubelet.settings import NodeSettings, Settings

__all__ = ["Kubelet", "NodeSettings", "Settings"]
