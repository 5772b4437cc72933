"""The fake of the Store port: one saved text with a version, shared by all the runners that are handed it."""

from collections.abc import Callable

from serinus.core.record import Command, NewerFormat, Record, Unreadable, decode, decode_command, encode
from serinus.ports import LostRace, Saved, Trouble


class FakeStore:
    """`before_save` is called before a save is looked at: the moment to be faster, or to fail."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.version = 0
        self.saves = 0
        self.before_save: Callable[[], None] | None = None
        self._command: str | None = None
        self._read: tuple[str, Record] | None = None  # the text that was decoded last, and as what

    def load(self) -> Saved | None:
        if self.text is None:
            return None
        try:
            command = decode_command(self._command) if self._command is not None else None
            if self._read is None or self._read[0] is not self.text:
                self._read = self.text, decode(self.text)
            return Saved(self._read[1], str(self.version), command)
        except (NewerFormat, Unreadable) as error:
            raise Trouble(f"the saved record: {error}") from error

    async def save(self, record: Record, version: str | None) -> Saved:
        if self.before_save is not None:
            self.before_save()
        if version != (None if self.text is None else str(self.version)):
            raise LostRace(f"version {version} is not the latest, {self.version}")
        self.saves += 1
        self.put(encode(record))
        return Saved(record, str(self.version), (self.load() or Saved(record, "")).command)

    def put(self, text: str) -> None:
        """Somebody writes, unasked."""
        self.text = text
        self.version += 1

    def command(self, command: Command) -> None:
        """A person's word."""
        self._command = encode(command)
        self.version += 1
