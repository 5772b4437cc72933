"""`serinus lint`: every problem of spec files. Needs no cluster."""

import json

import click

from serinus.cli.exits import Exit
from serinus.cli.specfile import lint_file


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Text, or JSON.")
def lint(files: tuple[str, ...], output: str) -> int:
    """Check spec files (-: standard input): all problems of all of them, each with its place and a way on.

    \b
    Exit codes: 0 no problems; 2 problems.
    """
    problems = [problem for file in files for problem in lint_file(file)]
    if output == "json":
        click.echo(json.dumps({"files": len(files), "problems": [problem.data() for problem in problems]}, indent=2))
    else:
        for problem in problems:
            click.echo(problem.text())
        click.echo(f"{len(files)} file{'s' * (len(files) != 1)}, {len(problems)} problem{'s' * (len(problems) != 1)}")
    return Exit.REFUSED if problems else Exit.DONE
