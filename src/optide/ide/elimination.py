"""Linear algebra of the blocks: eliminate forwards in time, substitute backwards."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float64

UNROLLED = 8
"""Terms of a sum up to which it is written out: quicker to run, slower to compile."""


class Linear(NamedTuple):
    """Blocks linearised: residual + to_past z + to_own x + to_next y, and the past of the next block likewise.

    Of one block, or of n with a leading axis.
    """

    to_past: Float64[Array, " *n Q P"]
    to_own: Float64[Array, " *n Q Q"]
    to_next: Float64[Array, " *n Q Q"]
    past_to_past: Float64[Array, " *n P P"]
    past_to_own: Float64[Array, " *n P Q"]
    past_to_next: Float64[Array, " *n P Q"]


def product(a: Float64[Array, " *n i j"], b: Float64[Array, " *n j k"]) -> Float64[Array, " *n i k"]:
    """a @ b, as a sum in a fixed order that XLA fuses; a BLAS would choose its order by the processor."""
    if a.shape[-1] > UNROLLED:
        return jnp.sum(a[..., None] * b[..., None, :, :], axis=-2)
    return jnp.asarray(sum(a[..., :, i, None] * b[..., None, i, :] for i in range(a.shape[-1])))


Eliminated = tuple[tuple[Array, ...], Array]
"""What elimination makes of a matrix and of its right-hand sides, and the sign of the determinant so far."""


def solve(
    matrix: Float64[Array, " Q Q"], *rights: Float64[Array, " Q _"]
) -> tuple[tuple[Float64[Array, " Q _"], ...], Float64[Array, ""]]:
    """matrix^-1 right for each right, and the sign of the determinant.

    Gauss-Jordan elimination with partial pivoting.  The right-hand sides are kept apart, so that
    JAX can tell that the solution is linear in each.
    """
    size = len(matrix)
    if size == 1:
        return tuple(right / matrix for right in rights), jnp.sign(matrix[0, 0])
    rows = jnp.arange(size)

    def eliminate(i: Array, carry: Eliminated) -> Eliminated:
        (matrix, *rights), sign = carry
        pivot = jnp.argmax(jnp.where(rows < i, -1.0, jnp.abs(matrix[:, i])))
        divisor = matrix[pivot, i]
        factors = jnp.where(rows == pivot, matrix[i, i], matrix[:, i]) / divisor  # of the rows, two of them swapped
        sign = sign * jnp.sign(divisor) * jnp.where(pivot == i, 1.0, -1.0)

        def step(part: Array) -> Array:
            chosen = part[pivot]
            part = part.at[pivot].set(part[i]) - factors[:, None] * chosen[None]
            return part.at[i].set(chosen / divisor)

        return tuple(map(step, (matrix, *rights))), sign

    (_, *solutions), sign = jax.lax.fori_loop(0, size, eliminate, ((matrix, *rights), jnp.ones(())))
    return tuple(solutions), sign


def gain(linear: Linear) -> Float64[Array, " Q"]:
    """The sum of the absolute derivatives of each equation of a block with respect to past, own and next."""
    parts = jnp.concatenate((linear.to_past, linear.to_own, linear.to_next), axis=1)
    return product(jnp.abs(parts), jnp.ones((parts.shape[1], 1)))[:, 0]


def begin(linear: Linear, to_own: Float64[Array, " P Q"], to_next: Float64[Array, " P Q"]) -> Linear:
    """Chain rule for the first block, whose past depends on itself and on the next block."""
    return linear._replace(
        to_own=linear.to_own.at[0].add(product(linear.to_past[0], to_own)),
        to_next=linear.to_next.at[0].add(product(linear.to_past[0], to_next)),
        past_to_own=linear.past_to_own.at[0].add(product(linear.past_to_past[0], to_own)),
        past_to_next=linear.past_to_next.at[0].add(product(linear.past_to_past[0], to_next)),
    )


class Solved(NamedTuple):
    """The solution of a linear system.

    Attributes:
        x: of each block.
        gains: of each equation (see `gain`).
        sign: of the determinant.
    """

    x: Float64[Array, " n Q"]
    gains: Float64[Array, " n Q"]
    sign: Float64[Array, ""]


def solve_blocks(linear: Linear, residual: Float64[Array, " n Q"]) -> Solved:
    """The x of all blocks with residual + linear x = 0.

    The past of the first block and the block after the last are fixed.
    """

    def forwards(
        carry: tuple[Array, Array, Array], row: tuple[Linear, Array]
    ) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
        z, Z, sign = carry  # d past = z + Z x
        linear, residual = row
        matrix = linear.to_own + product(linear.to_past, Z)
        right = -residual[:, None] - product(linear.to_past, z)
        (a, b), new = solve(matrix, right, -linear.to_next)  # x = a + b y
        through = product(linear.past_to_past, Z) + linear.past_to_own
        z = product(linear.past_to_past, z) + product(through, a)
        # gains here, where the derivatives are at hand: outside, XLA computes them a second time
        return (z, product(through, b) + linear.past_to_next, sign * new), (a, b, gain(linear))

    def backwards(y: Array, found: tuple[Array, Array]) -> tuple[Array, Array]:
        a, b = found
        x = a + product(b, y)
        return x, x

    past, own = linear.past_to_own.shape[1:]
    start = jnp.zeros((past, 1)), jnp.zeros((past, own)), jnp.ones(())
    (_, _, sign), (a, b, gains) = jax.lax.scan(forwards, start, (linear, residual))
    _, x = jax.lax.scan(backwards, jnp.zeros((own, 1)), (a, b), reverse=True)
    return Solved(x[..., 0], gains, sign)
