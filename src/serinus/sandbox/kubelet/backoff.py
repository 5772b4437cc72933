"""How long to wait before a container is started, or an image pulled, once more."""

from serinus.sandbox.kubelet.settings import Settings


class BackOff:
    """The first repetition comes at once, as a kubelet's does; then pauses double up to a limit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._next_seconds = 0.0

    def next_seconds(self, ran_seconds: float) -> float:
        """The pause before the next try, after a try that held for so long."""
        if ran_seconds >= self._settings.back_off_reset_seconds:
            self._next_seconds = 0.0
        pause_seconds = self._next_seconds
        doubled = 2 * pause_seconds or self._settings.back_off_seconds
        self._next_seconds = min(doubled, self._settings.back_off_seconds_max)
        return pause_seconds
