"""What a pipeline's log shows: one plain line per change, in the manner of the Codefresh step; or JSON lines.

Writing never ends a rollout: a closed pipe is noticed once, and the rollout goes on unseen.
"""

import contextlib
import json
import sys
from collections.abc import Iterable
from typing import Protocol, TextIO

from serinus.core.progress import Progress
from serinus.core.survey import Problem
from serinus.ports import Clock, Reporter

HEALTH_CODES = frozenset({"leaving", "trouble", "share_lost"})


class Writer(Protocol):
    """A Reporter that can also say a plain sentence."""

    def report(self, progress: Progress) -> None:
        """See `ports.Reporter`."""

    def say(self, sentence: str) -> None:
        """Something that is no change of the rollout."""


class PlainWriter:
    """`[CANARY] ...` lines with the time of day."""

    def __init__(self, clock: Clock, stream: TextIO) -> None:
        self._clock = clock
        self._stream = stream

    def report(self, progress: Progress) -> None:
        """One line, and one more per line of evidence."""
        kind = "CANARY HEALTH" if progress.code in HEALTH_CODES else "CANARY"
        self._line(kind, progress.sentence)
        lines = progress.data.get("lines")
        if progress.code == "leaving" and isinstance(lines, list):
            for line in lines:
                self._line(kind, f"  {line}")

    def say(self, sentence: str) -> None:
        """One line."""
        self._line("CANARY", sentence)

    def _line(self, kind: str, text: str) -> None:
        write_line(self._stream, f"{self._clock.now():%H:%M:%S} [{kind}] {text}")


class JsonWriter:
    """JSON Lines: `{"time": ..., "code": ..., "sentence": ..., ...}`."""

    def __init__(self, clock: Clock, stream: TextIO) -> None:
        self._clock = clock
        self._stream = stream

    def report(self, progress: Progress) -> None:
        """One object."""
        head = {"time": self._clock.now().isoformat(), "code": progress.code, "sentence": progress.sentence}
        write_line(self._stream, json.dumps({**head, **{k: v for k, v in progress.data.items() if k not in head}}))

    def say(self, sentence: str) -> None:
        """One object of code `note`."""
        self.report(Progress("note", sentence))


def write_line(stream: TextIO, line: str) -> None:
    """Write and flush; a reader that has gone is no error of ours."""
    with contextlib.suppress(BrokenPipeError, ValueError, OSError):
        stream.write(line + "\n")
        stream.flush()


def writer_for(kind: str, clock: Clock) -> Writer:
    """The writer that `--output` names."""
    return JsonWriter(clock, sys.stdout) if kind == "json" else PlainWriter(clock, sys.stdout)


def problems_text(problems: Iterable[Problem]) -> str:
    """All problems, each with where, why and what to do."""
    blocks = [f"{p.what}\n  where: {p.where}\n  why:   {p.why}\n  do:    {p.hint}" for p in problems]
    return "\n".join(f"serinus: {block}" for block in blocks)


__all__ = ["Reporter", "Writer", "problems_text", "write_line", "writer_for"]
