"""`serinus judge`: the judge by itself, on recordings."""

import importlib

import click

COMMANDS = {
    "replay": ("serinus.cli.replay", "replay", "Feed recorded readings through the judge."),
    "power": ("serinus.cli.power", "power_command", "Simulate rollouts: false alarms, and times until harm is found."),
}


class _Lazy(click.Group):
    """Commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, function, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), function)
        return command


@click.group(cls=_Lazy)
def judge() -> None:
    """Try the judge on recordings: the same judge that decides on a rollout, without a cluster."""
