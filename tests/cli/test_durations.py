"""Times on the command line: every command reads them alike."""

import click
import pytest
from click.testing import CliRunner

from serinus.cli.durations import Duration, duration_text

SECONDS = {"90": 90.0, "90s": 90.0, "10m": 600.0, "1h30m": 5400.0, "1.5h": 5400.0, "20500ms": 20.5, "15": 15.0}


@click.command()
@click.option("--after", type=Duration(15.0), default=600.0)
def command(after: float) -> None:
    click.echo(f"{after:g}")


@pytest.mark.parametrize(("text", "seconds"), SECONDS.items())
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert CliRunner().invoke(command, ["--after", text]).output == f"{seconds:g}\n"


def test_a_default_is_in_seconds() -> None:
    assert CliRunner().invoke(command, []).output == "600\n"


@pytest.mark.parametrize("text", ["", "10 minutes", "-5", "1d", "m", "nan"])
def test_what_is_no_time_is_refused_with_what_would_be_one(text: str) -> None:
    result = CliRunner().invoke(command, ["--after", text])
    assert result.exit_code == 2
    assert f"{text!r} is not a time such as 90, 90s, 10m or 1h30m" in result.output


@pytest.mark.parametrize("text", ["14s", "9000h"])
def test_what_is_too_short_or_too_long_is_refused_with_its_bounds(text: str) -> None:
    result = CliRunner().invoke(command, ["--after", text])
    assert result.exit_code == 2
    assert f"{text!r} is not from 15s to 8784h" in result.output


@pytest.mark.parametrize(
    ("seconds", "text"), [(600.0, "10m"), (5400.0, "1h30m"), (15.0, "15s"), (0.5, "0.5s"), (0.0, "0s")]
)
def test_a_time_is_written_in_its_shortest_form(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
