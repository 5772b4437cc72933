"""The spec file's reference and example against the code."""

from pathlib import Path

from docs.reference.generate import reference, schema
from serinus.cli.specfile import lint_file

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_page_is_what_the_description_says() -> None:
    assert (DOCS / "reference" / "spec.md").read_text() == reference(), "write it again: ./run docs"


def test_the_schema_in_the_docs_is_what_the_description_says() -> None:
    assert (DOCS / "reference" / "canary.schema.json").read_text() == schema(), "write it again: ./run docs"


def test_the_example_has_no_problems() -> None:
    assert lint_file(str(DOCS / "examples" / "serinus.yaml")) == ()
