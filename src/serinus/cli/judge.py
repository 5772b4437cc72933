"""`serinus judge`: the judge by itself, on recordings."""

import importlib

import click

COMMANDS = {
    "replay": ("serinus.cli.replay", "Feed recorded readings through the judge."),
}


class _Lazy(click.Group):
    """Commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command


@click.group(cls=_Lazy)
def judge() -> None:
    """Try the judge on recordings: the same judge that decides on a rollout, without a cluster."""
