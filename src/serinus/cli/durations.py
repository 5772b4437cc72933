"""A length of time on the command line: `90s`, `10m`, `1h30m` as in a spec file; a plain number means seconds."""

import re

import click

from serinus.core.description import DURATION_PATTERN, DURATION_SECONDS_MAX, seconds_of

HINT = "a time such as 90, 90s, 10m or 1h30m"


def with_unit(text: str) -> str:
    """The duration as a spec file has it: a plain number gets its unit."""
    return f"{text}s" if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else text


def duration_text(seconds: float) -> str:
    """The shortest way to write it: `10m`, `1h30m`, `15s`."""
    whole, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(whole), 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest:g}s" if rest else ""]
    return "".join(parts) or "0s"


class Duration(click.ParamType[float]):
    """An option's value in seconds, from `seconds_min` to a year."""

    name = "TIME"

    def __init__(self, seconds_min: float) -> None:
        self.seconds_min = seconds_min

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Defaults are seconds already; what was typed is read. Fails with what would be right."""
        if isinstance(value, float):
            return value
        text = with_unit(value.strip())
        if not re.fullmatch(DURATION_PATTERN, text):
            self.fail(f"{value!r} is not {HINT}", param, ctx)
        seconds = seconds_of(text)
        if not self.seconds_min <= seconds <= DURATION_SECONDS_MAX:
            least, most = duration_text(self.seconds_min), duration_text(DURATION_SECONDS_MAX)
            self.fail(f"{value!r} is not from {least} to {most}", param, ctx)
        return seconds
