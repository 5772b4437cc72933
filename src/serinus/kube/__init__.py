"""The only door to Kubernetes.

Here: kubeconfig and authentication (`kubeconfig`, `credentials`, `exec_plugin`), transport with typed errors and
retries (`transport`, `errors`), verbs (`client`), live copies of collections (`informer`), the lock (`lease`).
Not here: any opinion about rollouts. Start reading at `client.py`.
"""
