"""Exit codes: stable, documented in README.md, one meaning each."""

from enum import IntEnum
from typing import assert_never

from serinus.core.reasons import COULD_NOT_TELL, Outcome, Reason
from serinus.core.state import Finished


class Exit(IntEnum):
    """What a pipeline may rely on."""

    DONE = 0  # promoted, or nothing to do
    ROLLED_BACK = 1
    REFUSED = 2  # wrong input, or refused before anything was touched
    UNDECIDED = 3  # could not tell, or the cluster did not answer
    ABORTED = 4  # by a person
    SUPERSEDED = 5  # another version is released in its place
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "promoted, or nothing to do",
    Exit.ROLLED_BACK: "rolled back",
    Exit.REFUSED: "wrong input, or refused before anything was touched",
    Exit.UNDECIDED: "could not tell, or the cluster did not answer",
    Exit.ABORTED: "aborted by a person",
    Exit.SUPERSEDED: "superseded: another version is released in its place",
    Exit.INTERRUPTED: "interrupted: taken back, or parked where it is",
}


def exit_of(finished: Finished) -> Exit:
    """The exit code of a finished rollout."""
    match finished.outcome:
        case Outcome.PROMOTED:
            return Exit.DONE
        case Outcome.ROLLED_BACK:
            return Exit.UNDECIDED if finished.reason in COULD_NOT_TELL else Exit.ROLLED_BACK
        case Outcome.ABORTED:
            return Exit.INTERRUPTED if finished.reason is Reason.INTERRUPTED else Exit.ABORTED
        case Outcome.SUPERSEDED:
            return Exit.SUPERSEDED
        case Outcome.STUCK:
            return Exit.UNDECIDED
        case _:
            assert_never(finished.outcome)
