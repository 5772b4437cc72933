"""kubectl as a user of the real control plane: the one that the lock installs beside Python."""

import asyncio
import shutil
import sys
from pathlib import Path

from tests.real.plane import ADMIN, ControlPlane


async def kubectl(plane: ControlPlane, *arguments: str, user: str = ADMIN) -> str:
    """What kubectl printed. Fails the test when kubectl does."""
    program = shutil.which("kubectl", path=Path(sys.executable).parent) or shutil.which("kubectl")
    assert program, "no kubectl beside Python, nor on PATH"
    kubeconfig = plane.kubeconfig(user)
    # Without a home directory kubectl would keep its cache in the current one.
    environment = {"KUBECONFIG": str(kubeconfig), "KUBECACHEDIR": str(kubeconfig.parent / "kubectl-cache")}
    process = await asyncio.create_subprocess_exec(
        program, *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()
