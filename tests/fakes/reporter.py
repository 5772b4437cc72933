"""The fake of the Reporter port: it remembers."""

from serinus.core.progress import Progress


class FakeReporter:
    def __init__(self) -> None:
        self.heard: list[Progress] = []

    def report(self, progress: Progress) -> None:
        self.heard.append(progress)

    @property
    def codes(self) -> list[str]:
        return [progress.code for progress in self.heard]

    def sentences(self, code: str) -> list[str]:
        return [progress.sentence for progress in self.heard if progress.code == code]
