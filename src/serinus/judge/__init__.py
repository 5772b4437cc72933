"""The judge: pure. Readings in, a verdict with its evidence out. It moves nothing: `core/transition.py` does."""
