"""docs/reference/events.md against the code."""

from pathlib import Path

from serinus.core.notices import WARNINGS, NoticeReason

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "events.md"


def test_every_event_is_documented_with_its_type_and_no_other_is() -> None:
    rows = [line.split("|")[1:3] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    documented = {(name.strip().strip("`"), kind.strip()) for name, kind in rows}
    assert documented == {(reason.value, "Warning" if reason in WARNINGS else "Normal") for reason in NoticeReason}
