"""Times as the Kubernetes API writes them."""

import time


def api_time(seconds: float | None = None) -> str:
    """RFC 3339 with whole seconds, of now or of a time in seconds since 1970."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
