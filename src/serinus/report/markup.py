"""HTML and SVG that cannot be broken into: whatever is not markup of ours is escaped when it is put in."""

from collections.abc import Iterable, Sequence
from html import escape

from serinus.report.words import is_number

SHORT_ROWS = 16
"""A table of at most so many rows is not torn apart on paper."""
VOID = frozenset({"meta", "line", "rect", "circle", "path", "use"})


class Markup(str):
    """Text that is markup already. Only this module makes it of anything else."""

    __slots__ = ()


Child = Markup | str | None


def element(name: str, attributes: dict[str, str | float | None] | None = None, *children: Child) -> Markup:
    """`<name attributes>children</name>`. Attributes and children that are None are left out."""
    given = (attributes or {}).items()
    opened = "".join(f' {key}="{_escaped(_attribute(value))}"' for key, value in given if value is not None)
    if name in VOID and not any(children):
        return Markup(f"<{name}{opened}/>")
    inner = "".join(child if isinstance(child, Markup) else _escaped(child) for child in children if child is not None)
    return Markup(f"<{name}{opened}>{inner}</{name}>")


def joined(children: Iterable[Markup]) -> Markup:
    """One after the other."""
    return Markup("".join(children))


def style_sheet(text: str) -> Markup:
    """Our own CSS, which must not be escaped."""
    return Markup(f"<style>{text}</style>")


def data_table(identifier: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table with a caption, its first column the rows' heads; a wide one can be scrolled with the keyboard."""
    numeric = [all(is_number(row[column]) for row in rows) for column in range(len(head))]
    heads = [
        element("th", {"scope": "col", "class": _side(right)}, cell) for cell, right in zip(head, numeric, strict=True)
    ]
    body = [
        element(
            "tr",
            None,
            element("th", {"scope": "row", "class": _side(numeric[0])}, row[0]),
            *(element("td", {"class": _side(right)}, cell) for cell, right in zip(row[1:], numeric[1:], strict=True)),
        )
        for row in rows
    ]
    table = element(
        "table",
        None,
        element("caption", {"id": identifier}, caption),
        element("thead", None, element("tr", None, *heads)),
        element("tbody", None, *body),
    )
    kind = "wide short" if len(rows) <= SHORT_ROWS else "wide"
    return element("div", {"class": kind, "role": "region", "tabindex": "0", "aria-labelledby": identifier}, table)


def _side(right: bool) -> str | None:
    return "number" if right else None


def _attribute(value: str | float | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _escaped(text: str) -> str:
    """Escaped, and without the control characters that no document may hold."""
    kept = "".join(character if character >= " " or character in "\n\t" else "\ufffd" for character in text)
    return escape(kept, quote=True)
