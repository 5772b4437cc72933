"""An embedded Kubernetes API server, in memory, as small as Serinus, kubectl and the stories allow.

`serve` starts it. Not its job: controllers, scheduling, running pods. They are clients of this API, like any other.
"""

from serinus.sandbox.api.server import Server, serve
from serinus.sandbox.api.users import User

__all__ = ["Server", "User", "serve"]
