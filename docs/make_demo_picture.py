"""Plays the demo and draws docs/demo.svg, its view at the end: `.venv/bin/python docs/make_demo_picture.py`."""

import asyncio
import io
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.live import Live

from serinus.cli.demo_live import LiveScreen
from serinus.cli.demo_run import perform

PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS, ROWS = 92, 27


def main() -> None:
    sink = io.StringIO()
    console = Console(file=sink, force_terminal=True, width=COLUMNS, height=ROWS, highlight=False)
    screen = LiveScreen(Live(console=console, auto_refresh=False))
    with tempfile.TemporaryDirectory(prefix="serinus-demo-") as folder:
        asyncio.run(perform(Path(folder), keeps=False, screen=screen))
    recorder = Console(file=sink, record=True, force_terminal=True, width=COLUMNS, height=ROWS, highlight=False)
    recorder.print(screen.picture(recorder))
    svg = recorder.export_svg(title="serinus demo", unique_id="demo")
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))  # nothing is fetched to show it


if __name__ == "__main__":
    main()
