"""Waiting for a condition with a deadline that names it, and following a collection meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from serinus.sandbox.rest import Mirror

DEADLINE_SECONDS = 30
LOOK_AGAIN_SECONDS = 0.02


async def until(what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once the condition holds; TimeoutError says what did not come true."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                if await condition():
                    return
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
    except TimeoutError:
        raise TimeoutError(f"not seen within {DEADLINE_SECONDS} s: {what}") from None


@contextlib.asynccontextmanager
async def following(mirror: Mirror) -> AsyncIterator[None]:
    """Keep the mirror up to date inside the block; it has been filled when the block starts."""
    task = asyncio.create_task(mirror.run())
    try:
        await mirror.synced.wait()
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
