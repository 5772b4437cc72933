"""The fake of the Notifier port: it remembers."""

from serinus.core.notices import Notice


class FakeNotifier:
    def __init__(self) -> None:
        self.heard: list[Notice] = []
        self.closed = 0

    def notify(self, notice: Notice) -> None:
        self.heard.append(notice)

    async def close(self) -> None:
        self.closed += 1
