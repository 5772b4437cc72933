"""Serinus: automated canary releases for ordinary Kubernetes Deployments.

Read `core/transition.py` first: every rule that moves a rollout stands there.
"""

__version__ = "0.1.0"
