"""How the page looks: two palettes, on the screen and on paper. Contrasts are checked by tests/report/test_style.py.

Orange and blue are told apart with any colour vision; every line has its own dashes and marks besides.
"""

LIGHT = {
    "paper": "#ffffff",
    "panel": "#f3f4f6",
    "ink": "#1a1d21",
    "muted": "#50565f",
    "rule": "#c9ced6",
    "axis": "#7c838d",
    "canary": "#b3420a",
    "stable": "#0b5cad",
    "baseline": "#5b3a9b",
    "harm": "#b00020",
    "good": "#0f6b3a",
    "errors": "#a3157e",
    "latency": "#00696b",
    "restarts": "#7a4f01",
    "gauges": "#50565f",
}
DARK = {
    "paper": "#14171b",
    "panel": "#1f242a",
    "ink": "#e8eaed",
    "muted": "#aab2bd",
    "rule": "#3a414b",
    "axis": "#7c8590",
    "canary": "#ff9d5c",
    "stable": "#76b7ff",
    "baseline": "#c3a6ff",
    "harm": "#ff8a8f",
    "good": "#6fd19a",
    "errors": "#ff8fd8",
    "latency": "#5fd4d6",
    "restarts": "#e5b567",
    "gauges": "#aab2bd",
}
TEXT_COLOURS = ("ink", "muted", "harm", "good", "canary", "stable")
LINE_COLOURS = ("axis", "canary", "stable", "baseline", "harm", "errors", "latency", "restarts", "gauges")

_RULES = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main, header, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.5rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .2rem 0 .6rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 0; }
p, ul { margin: .5rem 0; }
a { color: var(--stable); }
.skip { position: absolute; left: -100rem; }
.skip:focus { position: static; }
:focus-visible { outline: 3px solid var(--stable); outline-offset: 2px; }
.verdict { display: inline-block; font-weight: 700; padding: .1rem .7rem; border: 2px solid currentColor;
  border-radius: .4rem; }
.verdict.good { color: var(--good); }
.verdict.harm { color: var(--harm); }
.verdict.open { color: var(--muted); }
.lead { font-size: 1.1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 1rem 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--panel); padding: .7rem .9rem; border-radius: .4rem; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; margin: .5rem 0; }
code, pre { font: .875rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.wide { overflow-x: auto; margin: .8rem 0 1.4rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 700; padding: .2rem 0 .4rem; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
thead th { color: var(--muted); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 600; }
th.number, td.number { text-align: right; white-space: nowrap; }
.note { color: var(--muted); font-size: .9rem; }
figure { margin: 1.2rem 0 1.8rem; }
figcaption p { margin: .1rem 0 .4rem; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.4rem; list-style: none; padding: 0; margin: .2rem 0;
  font-size: .9rem; }
.legend svg { width: 2.6rem; height: .8rem; vertical-align: baseline; margin-right: .4rem; }
svg.plot { display: block; width: 100%; height: auto; }
svg text { fill: var(--muted); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
svg .strong { fill: var(--ink); font-weight: 700; }
.grid { stroke: var(--rule); stroke-width: 1; }
.axis { stroke: var(--axis); stroke-width: 1; }
.event { stroke: var(--axis); stroke-width: 1; stroke-dasharray: 2 4; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.asked { stroke: var(--ink); stroke-dasharray: 9 4; }
.total { stroke: var(--ink); stroke-width: 3; }
.weakest { stroke: var(--ink); stroke-width: 1.4; stroke-dasharray: 6 3; }
.threshold { stroke: var(--harm); stroke-width: 2; stroke-dasharray: 12 4 3 4; }
.canary { stroke: var(--canary); }
.stable { stroke: var(--stable); stroke-dasharray: 7 4; }
.baseline { stroke: var(--baseline); stroke-dasharray: 2 4; }
.errors { stroke: var(--errors); stroke-dasharray: 8 4; }
.latency { stroke: var(--latency); stroke-dasharray: 3 4; }
.restarts { stroke: var(--restarts); stroke-dasharray: 12 4 2 4; }
.gauges { stroke: var(--gauges); stroke-dasharray: 1 5; }
.mark { stroke-dasharray: none; stroke-width: 1.6; fill: var(--paper); }
.band { stroke: none; opacity: .22; }
.band.canary, .bar.canary { fill: var(--canary); }
.band.stable, .bar.stable { fill: var(--stable); }
.band.baseline, .bar.baseline { fill: var(--baseline); }
.bar { stroke-dasharray: none; stroke-width: 1.2; }
.bar.stable, .bar.baseline { fill: var(--paper); }
.pin { fill: var(--paper); stroke: var(--ink); stroke-width: 1.6; }
.pin.warning { stroke: var(--harm); stroke-width: 2.2; }
footer { color: var(--muted); font-size: .9rem; padding-top: 1rem; padding-bottom: 2rem; }
"""

_PAPER = """
@page { size: A4; margin: 14mm; }
@media print {
  body { font-size: 10.5pt; }
  main, header, footer { max-width: none; padding: 0; }
  .skip { display: none; }
  h2, h3, caption, figcaption { break-after: avoid; }
  figure, tr, pre { break-inside: avoid; }
  .wide { overflow: visible; }
  .short { break-inside: avoid; }
  svg text { font-size: 15px; }
  thead { display: table-header-group; }
}
"""


def style_text() -> str:
    """The whole style sheet. Paper is always light."""
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}"
    return f":root {{ color-scheme: light dark; {_variables(LIGHT)} }}\n{dark}\n{_RULES}{_PAPER}"


def _variables(palette: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in palette.items())
