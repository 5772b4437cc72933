"""The entry point. Commands are imported when they are called: `serinus --version` loads nothing but click."""

import contextlib
import importlib
import os
import sys

import click

from serinus import __version__

COMMANDS = {
    "deploy": ("serinus.cli.deploy", "Release a new version as a canary, and take it back if it is worse."),
    "plan": ("serinus.cli.plan", "Show what deploy would do: steps, shares, pods, times."),
    "lint": ("serinus.cli.lint", "Check spec files: all problems at once, with line and column."),
    "schema": ("serinus.cli.schema", "Print the JSON Schema of spec files, or the CRD."),
    "status": ("serinus.cli.status", "Show where a rollout is, and who drives it."),
    "watch": ("serinus.cli.status", "Show where a rollout is until it has finished."),
    "promote": ("serinus.cli.people", "Go to the next step without waiting; approve a step that waits for it."),
    "pause": ("serinus.cli.people", "Hold a rollout where it is; every pause has an end."),
    "resume": ("serinus.cli.people", "Let a paused rollout go on."),
    "history": ("serinus.cli.history", "How the last rollouts ended."),
    "explain": ("serinus.cli.explain", "Why a rollout is where it is, or ended as it did; and the exit codes."),
    "list": ("serinus.cli.history", "Every Service that was released by Serinus."),
    "abort": ("serinus.cli.abort", "Take a running rollout back."),
    "retry": ("serinus.cli.again", "Release the version again that was taken back last."),
    "undo": ("serinus.cli.again", "Go back to the version before the last one that was promoted."),
    "guard": ("serinus.cli.guard", "Take a rollout back by itself when its runner never comes back."),
    "codefresh": ("serinus.cli.codefresh", "Deploy from the environment variables of the Codefresh step."),
    "judge": ("serinus.cli.judge", "Try the judge: replay recordings, simulate its power."),
    "doctor": ("serinus.cli.doctor", "Look at what a release would rest on: doctor metrics."),
    "demo": ("serinus.cli.demo", "A good release and two bad ones on the embedded cluster."),
    "sandbox": ("serinus.cli.sandbox", "Start the embedded cluster and keep it up."),
}


class Lazy(click.Group):
    """A group whose commands are looked up by name, and imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module; the command has the module's name."""
        if cmd_name not in COMMANDS:
            return None
        try:
            module = importlib.import_module(COMMANDS[cmd_name][0])
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] == "serinus":
                raise
            hint = "install it with the embedded cluster's packages: pip install 'serinus[sandbox]'"
            raise click.ClickException(
                f"{cmd_name} needs the package {error.name}, which is not here; {hint}"
            ) from error
        command: click.Command = getattr(module, "list_" if cmd_name == "list" else cmd_name)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Read the words; this prints help, and whoever reads that may have had enough."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except BrokenPipeError:
            raise click.exceptions.Exit(0) from None

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. A reader of what it prints that has had enough, as `head` has, is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(0) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="serinus", message="%(prog)s %(version)s")
def cli() -> None:
    """Automated canary releases for ordinary Kubernetes Deployments."""


def main() -> None:
    """Run the command line; the one boundary where errors become words and exit codes."""
    sys.exit(_let_go_of_output(_code()))


def _code() -> int:
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except OSError as error:
        _complain(f"serinus: cannot print what was asked for: {error.strerror or error}")
        return 3
    return code if isinstance(code, int) else 0


def _complain(sentence: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(sentence, err=True)


def _let_go_of_output(code: int) -> int:
    """What could not be printed is not tried again by the interpreter, whose exit code would then be the command's."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code
