"""The pure core: what was asked (`spec`), what it means (`plan`), where a rollout is (`state`), and how it moves
(`transition`). No I/O, no clock, no dice, no logging, no async: `now` is a field of what was observed.
"""
