"""The releases of field/peers-measured.md, by Serinus: same load and sizes, on a real control plane or embedded.

    python -m bench.peers [--cluster real]

4 pods, 100 requests/s with a new connection each, steps 25, 50, 75 % of 10 s. Prints a line per release: how it ended,
after how long, requests sent and failed. Exits with 1 when a figure that is to be beaten was not.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.real.__main__ import INSIDE, enter, set_up_network
from tests.stories import manifests
from tests.stories.cluster import Cluster, running_cluster
from tests.stories.place import open_place

STEPS = ("--steps", "25,50,75", "--bake", "10")


@dataclass(frozen=True, slots=True)
class Release:
    """A release, and what it must come to. `failed_max`: requests that users may lose."""

    name: str
    image: str
    options: tuple[str, ...]
    code: int
    failed_max: int


RELEASES = (
    Release("good", "demo/checkout:v2", (), 0, 0),
    Release("100 % errors, smoke test", "demo/checkout:v5-errors", ("--smoke-http", "/"), 1, 50),
    Release("crash loop (dies every 5 s)", "demo/checkout:v6-crash5", (), 1, 50),
    Release("the demo's v3 (dies after 3 s)", "demo/checkout:v3", (), 1, 50),
    Release("dies at once", "demo/checkout:v7-crash-on-start", (), 1, 0),
    Release("unpullable", "demo/checkout:v8-unpullable", (), 1, 0),
)


async def measure(cluster: Cluster, release: Release) -> bool:
    """Run one release under load and print what it came to; whether that is good enough."""
    async with open_place(cluster) as place:
        await place.in_production(manifests.in_place(4))
        async with place.users(100, "new") as traffic:
            began = time.monotonic()
            result = await place.serinus(
                "deploy", manifests.SERVICE, "--image", release.image, *STEPS, *release.options
            )
            took = time.monotonic() - began
        failed = len(traffic.failed)
        good = result.code == release.code and failed <= release.failed_max
        ended = {0: "promoted", 1: "rolled back"}.get(result.code, f"exit code {result.code}")
        print(
            f"{release.name:31} {ended:12} after {took:5.1f} s, {failed:4} of {traffic.sent} failed, "
            f"at most {release.failed_max}, least ready pods {place.least_ready()}: {'ok' if good else 'NOT MET'}",
            flush=True,
        )
        return good


async def _main() -> int:
    with tempfile.TemporaryDirectory(prefix="serinus-bench-") as folder:
        async with running_cluster(Path(folder)) as cluster:
            met = [await measure(cluster, release) for release in RELEASES]
    return 0 if all(met) else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description="What peers were measured at.")
    parser.add_argument("--cluster", choices=["embedded", "real"], default="embedded")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside_namespace:
        set_up_network()
    elif options.cluster == "real":
        return enter("bench.peers", [])
    return asyncio.run(_main())


if __name__ == "__main__":
    sys.exit(main())
