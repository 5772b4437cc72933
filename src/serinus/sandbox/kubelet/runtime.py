"""What every pod of one kubelet shares."""

from dataclasses import dataclass
from pathlib import Path

import aiohttp

from serinus.sandbox.kubelet.events import Events
from serinus.sandbox.kubelet.settings import Settings
from serinus.sandbox.processes import Processes
from serinus.sandbox.rest import Api


@dataclass(frozen=True, slots=True)
class Runtime:
    """`http` is for probes and hooks; files of a pod lie in `workdir`/UID."""

    api: Api
    processes: Processes
    events: Events
    http: aiohttp.ClientSession
    workdir: Path
    settings: Settings
