"""What the API server refuses: names, labels, required fields, fields that may not change."""

from serinus.sandbox.api.kinds import Kind, Raw


def check_new(kind: Kind, raw: Raw) -> None:
    """Raises StatusError 422 with every broken field."""


def check_update(kind: Kind, old: Raw, new: Raw) -> None:
    """Raises StatusError 422 with every broken field, those that may not change included."""
