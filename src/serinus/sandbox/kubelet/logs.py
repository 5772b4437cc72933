"""Log files of containers: one per run, the current and the one before kept, each bounded in size."""

import contextlib
import os
from pathlib import Path

LOG_BYTES_MAX = 1024 * 1024


class ContainerLog:
    """The logs of one container, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = -1

    def next_run(self) -> Path:
        """The file for the run that begins now; the run before stays readable, older ones go."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._run += 1
        self._path(self._run - 2).unlink(missing_ok=True)
        self._path(self._run).touch()
        return self._path(self._run)

    def read(self, previous: bool) -> bytes | None:
        """What the current run, or the one before it, has written, its last LOG_BYTES_MAX; None when there is none."""
        try:
            with self._path(self._run - int(previous)).open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                stream.seek(max(0, size - LOG_BYTES_MAX))
                return stream.read()
        except FileNotFoundError:
            return None

    def trim(self) -> None:
        """Cut a log that has grown too long to its later half. The writer appends, so it goes on behind the cut."""
        path = self._path(self._run)
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size <= LOG_BYTES_MAX:
                return
            with path.open("rb") as stream:
                stream.seek(-LOG_BYTES_MAX // 2, os.SEEK_END)
                kept = stream.read()
            os.truncate(path, 0)
            with path.open("ab") as stream:
                stream.write(kept[kept.find(b"\n") + 1 :])

    def _path(self, run: int) -> Path:
        return self._folder / f"{run}.log"
