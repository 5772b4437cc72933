"""The fake of the Recordings port: the texts, newest three, in a dictionary."""

from serinus.judge.kept import Kept, decode_kept, encode_kept
from serinus.ports import Trouble


class FakeRecordings:
    """`trouble`: what every call is answered with, if it is set."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.saves = 0
        self.trouble: Trouble | None = None

    async def load(self) -> tuple[Kept, ...]:
        if self.trouble is not None:
            raise self.trouble
        found = [decode_kept(text) for text in self.texts.values()]
        return tuple(sorted(found, key=lambda kept: kept.started, reverse=True))

    async def save(self, kept: Kept) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.saves += 1
        self.texts[kept.rollout] = encode_kept(kept)
        for old in (await self.load())[3:]:
            del self.texts[old.rollout]
