"""Points in clusters around their means, for kmeans: the algorithm of Lloyd."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Point = tuple[float, ...]
MOST_STEPS = 50_000_000


@dataclass(frozen=True, slots=True)
class Partition:
    """The number of each point's cluster, from 0, the centroids, and the sum of distances."""

    numbers: list[int]
    centroids: list[Point]
    distortion: float


@dataclass(slots=True)
class Means:
    """How clusters are sought: starts, iterations at most, tolerance and distance."""

    starts: int
    iterations: int
    tolerance: float
    distance: Callable[[Point, Point], float]
    steps: int = 0

    def partition(self, points: Sequence[Point], count: int) -> Partition:
        """The best partition of all starts, clusters in the order of their first points."""
        found = [
            self._settled(points, self._start(points, count, number))
            for number in range(min(self.starts, len(points)))
        ]
        best = min(found, key=lambda one: one.distortion)
        order = {number: place for place, number in enumerate(dict.fromkeys(best.numbers))}
        return Partition(
            [order[number] for number in best.numbers],
            [best.centroids[number] for number in order],
            best.distortion,
        )

    def _start(self, points: Sequence[Point], count: int, number: int) -> list[Point]:
        """Points far from one another: each the farthest from those before, from one of them on."""
        found = [points[number * len(points) // self.starts]]
        nearest = [math.inf] * len(points)
        while len(found) < count:
            self._count(len(points) * len(points[0]))
            nearest = [
                min(far, self.distance(point, found[-1]))
                for far, point in zip(nearest, points, strict=True)
            ]
            place = max(range(len(points)), key=nearest.__getitem__)
            if nearest[place] <= 0:
                break
            found.append(points[place])
        return found

    def _settled(self, points: Sequence[Point], centroids: list[Point]) -> Partition:
        numbers: list[int] = []
        for _ in range(self.iterations):
            numbers = self._assigned(points, centroids)
            moved = _means(points, numbers, centroids)
            farthest = max(map(self.distance, moved, centroids))
            centroids = moved
            if farthest <= self.tolerance:
                break
        numbers = self._assigned(points, centroids)
        distortion = math.fsum(
            self.distance(point, centroids[number])
            for point, number in zip(points, numbers, strict=True)
        )
        return Partition(numbers, centroids, distortion)

    def _assigned(self, points: Sequence[Point], centroids: list[Point]) -> list[int]:
        self._count(len(points) * len(centroids) * len(points[0]))
        found = []
        for point in points:
            distances = [self.distance(point, one) for one in centroids]
            found.append(distances.index(min(distances)))
        return found

    def _count(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise Unsupported(
                "kmeans over so many rows, fields and clusters",
                hints=["narrow the search, or set fewer reps or a smaller k"],
            )


def _means(points: Sequence[Point], numbers: list[int], centroids: list[Point]) -> list[Point]:
    """The mean of each cluster's points; a cluster without any stays where it is."""
    members: list[list[Point]] = [[] for _ in centroids]
    for point, number in zip(points, numbers, strict=True):
        members[number].append(point)
    return [
        tuple(math.fsum(column) / len(column) for column in zip(*own, strict=True)) if own else old
        for own, old in zip(members, centroids, strict=True)
    ]


def _cityblock(one: Point, other: Point) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def _squared(one: Point, other: Point) -> float:
    return sum((a - b) * (a - b) for a, b in zip(one, other, strict=True))


def _cosine(one: Point, other: Point) -> float:
    """1 less the cosine of the angle between; 1 where a point is the origin, 0 where both are."""
    lengths = math.hypot(*one) * math.hypot(*other)
    if not lengths:
        return 0.0 if one == other else 1.0
    share = sum(a * b for a, b in zip(one, other, strict=True)) / lengths
    return max(1.0 - share, 0.0)


DISTANCES: dict[str, Callable[[Point, Point], float]] = {
    **dict.fromkeys(("l1", "l1norm", "cityblock", "cb"), _cityblock),
    **dict.fromkeys(("l2", "l2norm", "sq", "sqeuclidean"), _squared),
    **dict.fromkeys(("cos", "cosine"), _cosine),
}
