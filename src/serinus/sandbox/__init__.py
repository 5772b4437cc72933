"""The embedded cluster: a Kubernetes API, its controllers, a kubelet and a Service proxy, as ordinary processes.

It imports nothing else of ours, so that it cannot share the product's mistakes.
"""
