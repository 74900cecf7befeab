"""Many configurations at once: an optimizer whose hyper-parameters are arrays (N,), and as many starts."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import Float64, Int

from optide.base.arithmetic import THREADS
from optide.base.errors import ParameterError
from optide.problem import arguments
from optide.problem.arguments import Start
from optide.problem.optimizer import Optimizer
from optide.problem.parameters import Parameters, parameters

Item = TypeVar("Item")
Found = TypeVar("Found")

IN_TURN, BESIDE = 256, 2**17
"""Lanes of a call of a compiled program, if nothing else is asked for: solved in turn, and side by side."""


PORTIONS = 8
"""Calls for each thread, where there are several: as none takes as long as another, they end at about the same time."""


class Lanes(NamedTuple):
    """N configurations.

    Attributes:
        optimizers: hyper-parameters (N,).
        theta0s: (N, *S).
        given: the starts as they were given.
    """

    optimizers: Optimizer
    theta0s: Float64[np.ndarray, " N *S"]
    given: Parameters

    def taken(self, places: Int[np.ndarray, " n"] | np.integer) -> tuple[Optimizer, np.ndarray]:
        """Some of them, or one."""
        return jax.tree.map(lambda leaf: leaf[places], self.optimizers), np.asarray(self.theta0s[places])

    def only(self, places: Int[np.ndarray, " n"]) -> "Lanes":
        """Some of them, by themselves."""
        return Lanes(*self.taken(places), self.given)

    def in_shards(self, shard: int | None, solve: Callable[[Any, int], Any], *, beside: bool, threads: int = 1) -> Any:
        """What a compiled program makes of all of them, shard after shard, in arrays of NumPy.

        Args:
            shard: lanes of a call, of `lanes_of_call`; if it is None, as many as there are, or side by side the next
                power of two, whose program is there for other numbers as well.
            solve: is given as many as a shard has, and how many of them count.
            beside: whether it solves them side by side.
            threads: of the processor, that call the program side by side.
        """
        count = len(self.theta0s)
        length = shard or (min(BESIDE, 1 << (count - 1).bit_length()) if beside else min(IN_TURN, count))

        def part(place: tuple[int, int]) -> Any:
            first, here = place
            places = np.resize(np.arange(first, first + here), length)
            found = jax.device_get(solve(self.taken(places), here))
            # to NumPy at once: taking lanes apart in JAX would compile a program for each slice
            return jax.tree.map(lambda leaf: leaf[:here], found)

        portion = length if threads == 1 else min(length, -(-count // (PORTIONS * threads)))
        parts = by_threads(part, [*_cut(count, portion)], threads)
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def lanes_of_call(shard: Any) -> int | None:
    """A number of lanes, or None, as it is given.

    Raises:
        ParameterError: it is something else.
    """
    return None if shard is None else arguments.at_least(1, "shard", shard)


def at_once(beside: Any) -> bool:
    """Whether lanes are solved side by side, as it is given; if it is None, on a GPU.

    Raises:
        ParameterError: it is something else.
    """
    if beside is None:
        return on_gpu()
    if not isinstance(beside, bool | np.bool_):
        raise ParameterError("beside", beside, "True, False or None")
    return bool(beside)


def on_gpu() -> bool:
    """Whether JAX computes on something that is as soon ready with many numbers as with one."""
    return jax.default_backend() != "cpu"


def processor() -> AbstractContextManager[object]:
    """Have JAX compute on the processor of the machine, where it has one beside its GPU."""
    if not on_gpu():
        return nullcontext()
    try:
        found: AbstractContextManager[object] = jax.default_device(jax.devices("cpu")[0])
    except RuntimeError:
        return nullcontext()
    return found


def threads() -> int:
    """How many threads JAX has on the processor: as many as the process may use, unless `optide.pin` says otherwise."""
    try:
        return max(1, int(os.environ.get(THREADS, "")))
    except ValueError:  # JAX ignores what is no number, too
        may_use = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
        return len(may_use(0))


def by_threads(solve: Callable[[Item], Found], items: Sequence[Item], threads: int) -> list[Found]:
    """What JAX makes of some items on the processor, side by side.

    Where one fails, or the user interrupts, no other is begun, and those that are under way end first: a process that
    ends before its threads do is aborted.
    """

    def elsewhere(item: Item) -> Found:
        # another thread has none of this one's settings
        with processor(), jax.enable_x64(True), np.errstate(all="ignore"):
            return solve(item)

    if threads == 1:
        return [*map(solve, items)]
    found = [*map(solve, items[:1])]  # compiles the program
    with ThreadPoolExecutor(threads) as pool:
        return [*found, *pool.map(elsewhere, items[1:])]


def _cut(count: int, length: int) -> Iterator[tuple[int, int]]:
    return ((first, min(length, count - first)) for first in range(0, count, length))


def lanes(optimizers: object, theta0s: Start) -> Lanes:
    """As many configurations as the longest of the arrays that are given.

    Args:
        optimizers: one whose hyper-parameters are arrays (N,), or numbers for all lanes.
        theta0s: ``(N, *S)``: its first axis is that of the lanes.  For all lanes alike: a number, or ``(1, *S)``.  Or a
            tree of such arrays.

    Raises:
        ParameterError: they are something else, or of several lengths.
    """
    numbers, given = arguments.numbers_of(optimizers), parameters("theta0s", theta0s, lanes=True)
    starts = given.theta0
    sizes = {name: np.shape(value) for name, value in numbers.hyperparameters.items()} | {"theta0s": starts.shape[:1]}
    if many := next((name for name, size in sizes.items() if len(size) > 1), None):
        raise ParameterError(many, getattr(numbers, many), "a number, or an array (N,) with one for each lane")
    try:
        (count,) = np.broadcast_shapes((1,), *sizes.values())
    except ValueError:
        found = {name: size[0] for name, size in sizes.items() if size}
        raise ParameterError("lanes", found, "one number N, or 1, for all that has a leading axis") from None
    return Lanes(
        jax.tree.map(lambda leaf: np.broadcast_to(leaf, count), numbers),
        np.broadcast_to(starts, (count, *starts.shape[1:])),
        given,
    )
