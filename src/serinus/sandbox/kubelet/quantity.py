"""Kubernetes quantities ("500m", "64Mi") as numbers."""

_SUFFIXES = {
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}


def parse_quantity(text: str | int | float) -> float:
    """The number a quantity means. Raises ValueError when it is none."""
    text = str(text)
    number = text.rstrip("mkMGTKi")
    suffix = text[len(number) :]
    if suffix not in _SUFFIXES:
        raise ValueError(f"{text!r} is not a quantity: unknown suffix {suffix!r}")
    return float(number) * _SUFFIXES[suffix]
