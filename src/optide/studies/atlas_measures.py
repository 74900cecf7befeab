"""What is measured of curves in the atlas: those of many configurations at once, (N, n), whatever made them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float64, Int

from optide.numerics import elementary, metrics

NEAR = 0.01
"""How far from a minimum theta may be and have settled: what figure 1 calls within reach of it."""
CROSSED = 1e-3
"""How far beyond the minimum theta must come to have crossed it: less is the end of an approach."""
FAR = 10
"""How many times as far from a minimum as it began, and as 1, theta must end to have diverged."""
SETTLES, OSCILLATES, UNDER_WAY, DIVERGES, RESTS = "settles", "oscillates", "under way", "diverges", "rests"
BEHAVIOURS = {
    SETTLES: f"theta is within {NEAR} of a minimum from some step on",
    OSCILLATES: "it has not settled, and crosses the minimum at least twice in the second half of the run",
    RESTS: "it has not moved by the end, as on a maximum",
    UNDER_WAY: "none of these",
    DIVERGES: f"it leaves the finite numbers, or ends more than {FAR} times as far from the minimum as it began",
}

Columns = dict[str, np.ndarray]
"""By name, (N,) each."""


def measured(theta: Float64[np.ndarray, " N n"], first: int, minima: Sequence[float]) -> Columns:
    """What is measured of each curve by itself.

    Args:
        theta: N curves.
        first: the step to which its first value belongs.
        minima: of the objective; where none is known, only ends are measured.

    Returns:
        For each curve its end, the nearest minimum to that (`basin`; NaN midway between two), the first step from which
        on theta stays `NEAR` it (`settling_step`; -1 if there is none), the rate of the approach, per step (NaN where
        none can be fitted, see `optide.numerics.metrics.decay_fit`), how often theta crosses it (`oscillations`), and
        the name of the behaviour ("" where no minimum is known).
    """
    count, n = theta.shape
    end = theta[:, -1]
    finite = np.isfinite(theta).all(axis=1)
    if not minima:
        behaviour = np.where(finite, "", DIVERGES)
        none, never = np.full(count, np.nan), np.full(count, -1)
        return {
            "end": end, "settling_step": never, "decay_rate": none, "oscillations": never, "basin": none,
            "behaviour": behaviour,
        }  # fmt: skip
    basin = _nearest(end, minima)
    # where a run leaves the finite numbers, from something, so that nothing below is undefined
    distance = np.where(finite[:, None] & np.isfinite(basin)[:, None], theta - basin[:, None], np.inf)
    outline = np.maximum.accumulate(np.abs(distance)[:, ::-1], axis=1)[:, ::-1]
    near = outline <= NEAR
    settled = near[:, -1]
    sides = _sides(distance)
    half = n // 2
    start = np.maximum(np.abs(distance[:, 0]), 1.0)
    still = (theta == theta[:, :1]).all(axis=1)
    behaviour = np.select(
        [~finite, settled, still, np.isnan(basin), outline[:, -(n // 4)] > FAR * start, _changes(sides[:, half:]) > 1],
        [DIVERGES, SETTLES, RESTS, UNDER_WAY, DIVERGES, OSCILLATES],
        UNDER_WAY,
    )
    return {
        "end": end,
        "settling_step": np.where(settled, first + near.argmax(axis=1), -1),
        "decay_rate": decay_rates(np.where(np.isfinite(distance), distance, 0.0)),
        "oscillations": np.where(finite & np.isfinite(basin), _changes(sides), -1),
        "basin": basin,
        "behaviour": behaviour,
    }


def compared(
    discrete: Float64[np.ndarray, " N n"], equation: Float64[np.ndarray, " N m"], first: int
) -> dict[str, Float64[np.ndarray, " N"]]:
    """The largest and the root-mean-square gap between both models, at equal times.

    Args:
        discrete: from step 0 on.
        equation: from step `first` on; NaN in all of a curve that is none.
        first: of the equation.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        difference = np.abs(equation - discrete[:, first : first + equation.shape[1]])
        # one after another, so that the order of the sum is no processor's
        squares = np.add.accumulate(np.square(difference), axis=1)[:, -1]
        return {"gap": difference.max(axis=1), "gap_rms": np.sqrt(squares / difference.shape[1])}


def decay_rates(distance: Float64[np.ndarray, " N n"]) -> Float64[np.ndarray, " N"]:
    """The rate of `optide.numerics.metrics.decay_fit`, per step, of many curves; NaN where none can be fitted."""
    outline = np.maximum.accumulate(np.abs(distance)[:, ::-1], axis=1)[:, ::-1]
    start, end = outline[:, :1], outline[:, -1:]
    floor = np.maximum(metrics.FIT_FLOOR * start, 2 * end)
    window = (outline <= metrics.FIT_START * start) & (outline >= floor) & (outline > 0)
    steps = window.sum(axis=1)
    enough = steps >= metrics.SMALLEST_WINDOW
    rows = np.maximum(steps, 1)
    y = elementary.log(np.where(window, outline, 1.0))
    x = np.where(window, np.arange(distance.shape[1], dtype=float), 0.0)

    def total(values: np.ndarray) -> np.ndarray:
        summed: np.ndarray = np.add.accumulate(values, axis=1)[:, -1]
        return summed

    dx = np.where(window, x - (total(x) / rows)[:, None], 0.0)
    dy = np.where(window, y - (total(y) / rows)[:, None], 0.0)
    squares = total(np.square(dx))
    found: np.ndarray = np.where(enough, -total(dx * dy) / np.where(squares > 0, squares, 1.0), np.nan)
    return found


def _nearest(end: Float64[np.ndarray, " N"], minima: Sequence[float]) -> Float64[np.ndarray, " N"]:
    """As `optide.numerics.metrics.nearest`, of many."""
    apart = np.abs(end[:, None] - np.asarray(minima))
    least = apart.min(axis=1)
    tie = (apart == least[:, None]).sum(axis=1) > 1
    return np.where(tie | ~np.isfinite(end), np.nan, np.asarray(minima)[apart.argmin(axis=1)])


def _sides(distance: Float64[np.ndarray, " N n"]) -> Int[np.ndarray, " N n"]:
    """On which side of the minimum theta was last by more than `CROSSED`: -1 or 1, or 0 if it never was."""
    side = np.where(np.abs(distance) > CROSSED, np.sign(distance), 0).astype(int)
    last = np.maximum.accumulate(np.where(side != 0, np.arange(distance.shape[1]), 0), axis=1)
    return np.take_along_axis(side, last, axis=1)


def _changes(sides: Int[np.ndarray, " N n"]) -> Int[np.ndarray, " N"]:
    """How often it came to the other side."""
    changed: Bool[np.ndarray, " N n"] = sides[:, 1:] * sides[:, :-1] < 0
    counts: np.ndarray = changed.sum(axis=1)
    return counts
