"""How many actors each running job should have; decides, and does nothing."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from interference_service.domain.job import Priority

WEIGHTS = MappingProxyType({Priority.LOW: 1, Priority.NORMAL: 2, Priority.HIGH: 4})
"""Actors are shared in this proportion."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A running job that shares the actors.

    Attributes:
        priority: Its priority.
        age: Its place in the order of arrival; the lower, the earlier.
        wants: Actors that it could use now.
    """

    priority: Priority
    age: int
    wants: int

    @property
    def order(self) -> tuple[int, int]:
        """Sorts the job that comes first to the front: by priority, then by age."""
        return -self.priority.rank, self.age


def shares(claims: Sequence[Claim], actors: int) -> list[int]:
    """Actors for each job: one each while they last, then in proportion to the weights.

    Where there are fewer actors than jobs, those of the highest priority have one, the older first.
    Further actors go one by one to the job that has the fewest for its weight, counting the one it
    would get (D'Hondt's method). So one actor more never makes the share of a job smaller.

    Args:
        claims: The jobs; no two of the same age.
        actors: Actors that there are.

    Returns:
        The shares, in the order of the claims: no job has more than it wants, and all of them
        together the lesser of what there is and what is wanted.
    """
    given = [0] * len(claims)
    order = sorted(range(len(claims)), key=lambda index: claims[index].order)
    wanting = [index for index in order if claims[index].wants > 0]
    for index in wanting[:actors]:
        given[index] = 1
    left = actors - sum(given)
    heap = [_next(index, 1, claims[index]) for index in wanting if claims[index].wants > 1]
    heapq.heapify(heap)
    while left > 0 and heap:
        index = heapq.heappop(heap)[-1]
        given[index] += 1
        left -= 1
        if given[index] < claims[index].wants:
            heapq.heappush(heap, _next(index, given[index], claims[index]))
    return given


def _next(index: int, given: int, claim: Claim) -> tuple[float, tuple[int, int], int]:
    return (given + 1) / WEIGHTS[claim.priority], claim.order, index
