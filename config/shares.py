"""How many connections each worker of this host holds: a page of memory that they share.

The workers wait on one listening socket, and whoever wakes first takes. Of 32 connections that come together one
worker would hold 28 and the other 4: one core idles while the other's clients queue. So whoever holds more than
another lets that one go first (config/listening.py). The page also says who is being replaced, so that nobody leaves before
whoever takes the place is there.
"""

import mmap
import os

# Ages of workers grow by one a start: two that live at a time are never this far apart.
SEATS = 256


class Shares:
    """Made before the workers are forked. Each has a seat: its process id and its number of connections."""

    def __init__(self) -> None:
        # Behind the seats: the age of the last worker that is being replaced, and by how many.
        self._cells = memoryview(mmap.mmap(-1, SEATS * 8 + 8)).cast("i")
        self._seat: int | None = None
        self._age = 0

    def sit(self, age: int) -> None:
        """This process is the worker of that age from now on."""
        self._age, self._seat = age, age % SEATS * 2
        self.tell(0)
        self._cells[self._seat] = os.getpid()

    def leave(self) -> None:
        if self._seat is not None:
            self._cells[self._seat], self._seat = 0, None

    def tell(self, connections: int) -> None:
        if self._seat is not None:
            self._cells[self._seat + 1] = connections

    def least_of_others(self) -> int | None:
        """The connections of the living worker that has fewest; None for who has no seat, or is alone."""
        if self._seat is None:
            return None
        others = [seat for seat in range(0, SEATS * 2, 2) if self._cells[seat] and seat != self._seat]
        return min((self._cells[seat + 1] for seat in others if self._lives(seat)), default=None)

    def replace(self, last_age: int, count: int) -> None:
        """`count` new workers are about to be started in place of those up to `last_age`. For the master."""
        self._cells[-2], self._cells[-1] = last_age, count

    def may_leave(self) -> bool:
        """Whether this worker is not being replaced, or all who replace it are there."""
        last_age, count = self._cells[-2], self._cells[-1]
        seats = [age % SEATS * 2 for age in range(last_age + 1, last_age + SEATS // 4)]
        return self._age > last_age or sum(self._cells[seat] != 0 and self._lives(seat) for seat in seats) >= count

    def _lives(self, seat: int) -> bool:
        try:
            os.kill(self._cells[seat], 0)
        except ProcessLookupError:  # killed: it could not leave
            self._cells[seat] = 0
            return False
        return True


SHARES = Shares()
