"""What is kept of one rollout beside its record, for people to read afterwards: readings, and what happened when.

The record (`core/record.py`) is what a rollout needs to go on, and is never thinned; this is what explains it, and is.
"""

from datetime import datetime

import msgspec

from serinus.judge.packing import NotARecording, pack, unpack
from serinus.judge.policy import Policy
from serinus.judge.recording import Recording

FORMAT = 1
MOMENTS_MAX = 120
SENTENCE_LENGTH_MAX = 240


class Moment(msgspec.Struct, frozen=True):
    """Something that happened, at `t` seconds since the rollout began; code and sentence are those of a Progress."""

    t: float
    code: str
    sentence: str


class Kept(msgspec.Struct):
    """All that is kept. `policy`: what the readings were judged by; None: nobody looked at metrics."""

    rollout: str
    started: datetime
    policy: Policy | None = None
    moments: list[Moment] = []
    recording: Recording = msgspec.field(default_factory=Recording)


class _Packed(msgspec.Struct):
    format: int
    rollout: str
    started: datetime
    policy: Policy | None
    moments: list[Moment]
    readings: str


class _Head(msgspec.Struct):
    format: int


def note(kept: Kept, moment: Moment) -> None:
    """Take in one more moment, in place. Of too many the first ones stay, and of the others the newest."""
    sentence = moment.sentence
    if len(sentence) > SENTENCE_LENGTH_MAX:
        sentence = sentence[: SENTENCE_LENGTH_MAX - 1] + "…"
    kept.moments.append(msgspec.structs.replace(moment, t=round(moment.t, 3), sentence=sentence))
    if len(kept.moments) > MOMENTS_MAX:
        del kept.moments[MOMENTS_MAX // 2]


def encode_kept(kept: Kept) -> str:
    """As JSON text. The recording is thinned, in place, until it fits (see `packing.BYTES_MAX`)."""
    packed = _Packed(FORMAT, kept.rollout, kept.started, kept.policy, kept.moments, pack(kept.recording))
    return msgspec.json.encode(packed).decode()


def decode_kept(text: str) -> Kept:
    """From JSON text. Raises NotARecording, also for what a newer Serinus wrote."""
    try:
        found = msgspec.json.decode(text, type=_Head).format
        if found > FORMAT:
            raise NotARecording(f"kept in format {found}, and this version of Serinus reads up to {FORMAT}")
        packed = msgspec.json.decode(text, type=_Packed)
    except msgspec.DecodeError as error:
        raise NotARecording(str(error)) from error
    return Kept(packed.rollout, packed.started, packed.policy, packed.moments, unpack(packed.readings))
