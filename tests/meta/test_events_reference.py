"""docs/reference/events.md against the code."""

from serinus.core.notices import WARNINGS, NoticeReason
from tests.meta.test_docs import tables


def test_every_event_is_documented_with_its_type_and_no_other_is() -> None:
    documented = {(row[0], row[1]) for row in tables("event", "type")}
    assert documented == {(reason.value, "Warning" if reason in WARNINGS else "Normal") for reason in NoticeReason}
