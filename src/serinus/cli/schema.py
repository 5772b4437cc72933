"""`serinus schema`: the format of spec files, for editors and for clusters."""

import json

import click

from serinus.cli.exits import Exit
from serinus.core.schema import custom_resource_definition, json_schema


@click.command()
@click.option("--crd", is_flag=True, help="The CustomResourceDefinition of the Canary resource instead.")
def schema(crd: bool) -> int:
    """Print the JSON Schema (draft 2020-12) of spec files.

    \b
    Editors use it when a file begins with a comment that names it:
      # yaml-language-server: $schema=canary.schema.json
    """
    click.echo(json.dumps(custom_resource_definition() if crd else json_schema(), indent=2, ensure_ascii=False))
    return Exit.DONE
