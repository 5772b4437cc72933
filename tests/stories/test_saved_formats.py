"""What is saved by another version of Serinus: an older one's is read, a newer one's is refused before anything."""

import json
from pathlib import Path

import pytest

from serinus.core.record import FORMAT
from serinus.sandbox.rest import Raw
from tests.core import test_record_formats
from tests.stories import manifests
from tests.stories.manifests import SERVICE
from tests.stories.place import Place

GOLDEN = Path(test_record_formats.__file__).parent / "golden"
V2 = "demo/checkout:v2"
COMMANDS = {
    "deploy": ("deploy", SERVICE, "--image", V2),
    "plan": ("plan", SERVICE, "--image", V2),
    "abort": ("abort", SERVICE),
    "status": ("status", SERVICE),
    "pause": ("pause", SERVICE),
    "history": ("history", SERVICE),
    "explain": ("explain", SERVICE),
    "undo": ("undo", SERVICE),
    "guard": ("guard", "run", SERVICE, "--after", "15s"),
}


def saved(text: str) -> Raw:
    """The ConfigMap of the Service, with this as its record."""
    labels = {"app.kubernetes.io/managed-by": "serinus", "serinus.dev/service": SERVICE}
    metadata = {"name": f"serinus-{SERVICE}", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"state": text}}


async def test_a_newer_format_is_refused_in_words_by_every_command(place: Place) -> None:
    await place.in_production([*manifests.in_place(1), saved(json.dumps({"format": FORMAT + 1, "shape": "unknown"}))])
    for name, words in COMMANDS.items():
        result = await place.serinus(*words)
        assert result.code == 2, (name, result.output, result.errors)
        assert f"saved in format {FORMAT + 1}, and this version of Serinus reads up to {FORMAT}" in result.errors
        assert "run that newer version" in result.errors
        assert "Traceback" not in result.errors
    listed = await place.serinus("list")
    assert f"saved in format {FORMAT + 1}" in listed.output
    assert await place.traces() == []


@pytest.mark.parametrize("line", [2, 6], ids=["under way", "finished"])
async def test_what_format_1_had_saved_is_explained(place: Place, line: int) -> None:
    text = (GOLDEN / "records-format-1.jsonl").read_text().splitlines()[line]
    await place.in_production([*manifests.in_place(1), saved(text)])
    explained = await place.serinus("explain", SERVICE)
    history = await place.serinus("history", SERVICE)
    assert (explained.code, history.code) == (0, 0), explained.errors
    assert "v1 -> v2" in explained.output
    assert "v0 -> v1  promoted" in history.output
