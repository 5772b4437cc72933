"""A credential plugin for tests: writes down that it ran, and prints what PLUGIN_ANSWER says.

Run as a program. PLUGIN_LOG: a file that gets one line per run, the KUBERNETES_EXEC_INFO. In the answer, %RUN% becomes
the number of this run.
"""

import os
import sys
from pathlib import Path


def main() -> int:
    log = Path(os.environ["PLUGIN_LOG"])
    with log.open("a") as file:
        file.write(os.environ["KUBERNETES_EXEC_INFO"] + "\n")
    run = len(log.read_text().splitlines())
    sys.stdout.write(os.environ["PLUGIN_ANSWER"].replace("%RUN%", str(run)))
    sys.stderr.write(os.environ.get("PLUGIN_COMPLAINT", ""))
    return int(os.environ.get("PLUGIN_EXIT", "0"))


sys.exit(main())
