"""A condition that does not flicker."""


class Steady:
    """Holds until several looks in a row say otherwise, and then the other way round."""

    def __init__(self, *, falls_after: int, rises_after: int) -> None:
        """Hold.

        Args:
            falls_after: So many bad looks in a row end it.
            rises_after: So many good ones in a row bring it back.
        """
        self.holds = True
        self._needed = {True: falls_after, False: rises_after}
        self._against = 0

    def see(self, good: bool) -> bool:
        """Take in a look; returns whether it holds."""
        self._against = 0 if good == self.holds else self._against + 1
        if self._against >= self._needed[self.holds]:
            self.holds, self._against = not self.holds, 0
        return self.holds

    def fall(self) -> None:
        """Hold no more, whatever was seen before."""
        self.holds, self._against = False, 0
