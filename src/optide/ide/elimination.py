"""Linear algebra of the blocks: eliminate forwards in time, substitute backwards."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array

UNROLLED = 8
"""Terms of a sum up to which it is written out: quicker to run, slower to compile."""


class Linear(NamedTuple):
    """Blocks linearised: residual + to_past z + to_own x + to_next y, and the past of the next block likewise.

    Attributes:
        to_past, to_own, to_next: (n, Q, P), (n, Q, Q), (n, Q, Q).
        past_to_past, past_to_own, past_to_next: (n, P, P), (n, P, Q), (n, P, Q).
    """

    to_past: Array
    to_own: Array
    to_next: Array
    past_to_past: Array
    past_to_own: Array
    past_to_next: Array


def product(a: Array, b: Array) -> Array:
    """a @ b, as a sum in a fixed order that XLA fuses; a BLAS would choose its order by the processor."""
    if a.shape[-1] > UNROLLED:
        return jnp.sum(a[..., None] * b[..., None, :, :], axis=-2)
    return sum(a[..., :, i, None] * b[..., None, i, :] for i in range(a.shape[-1]))


def solve(matrix: Array, *rights: Array) -> tuple[tuple[Array, ...], Array]:
    """matrix^-1 right for each right (Q, m), and the sign of the determinant.

    Gauss-Jordan elimination with partial pivoting.  The right-hand sides are kept apart, so that
    JAX can tell that the solution is linear in each.
    """
    size = len(matrix)
    if size == 1:
        return tuple(right / matrix for right in rights), jnp.sign(matrix[0, 0])
    rows = jnp.arange(size)

    def eliminate(i, carry):
        (matrix, *rights), sign = carry
        pivot = jnp.argmax(jnp.where(rows < i, -1.0, jnp.abs(matrix[:, i])))
        divisor = matrix[pivot, i]
        factors = jnp.where(rows == pivot, matrix[i, i], matrix[:, i]) / divisor  # of the rows, two of them swapped
        sign = sign * jnp.sign(divisor) * jnp.where(pivot == i, 1.0, -1.0)

        def step(part):
            chosen = part[pivot]
            part = part.at[pivot].set(part[i]) - factors[:, None] * chosen[None]
            return part.at[i].set(chosen / divisor)

        return tuple(map(step, (matrix, *rights))), sign

    (_, *solutions), sign = jax.lax.fori_loop(0, size, eliminate, ((matrix, *rights), jnp.ones(())))
    return tuple(solutions), sign


def gain(linear: Linear) -> Array:
    """The sum of the absolute derivatives of each equation of a block with respect to past, own and next, (Q,)."""
    parts = jnp.concatenate((linear.to_past, linear.to_own, linear.to_next), axis=1)
    return product(jnp.abs(parts), jnp.ones((parts.shape[1], 1)))[:, 0]


def begin(linear: Linear, to_own: Array, to_next: Array) -> Linear:
    """Chain rule for the first block, whose past depends on itself (P, Q) and on the next block (P, Q)."""
    return linear._replace(
        to_own=linear.to_own.at[0].add(product(linear.to_past[0], to_own)),
        to_next=linear.to_next.at[0].add(product(linear.to_past[0], to_next)),
        past_to_own=linear.past_to_own.at[0].add(product(linear.past_to_past[0], to_own)),
        past_to_next=linear.past_to_next.at[0].add(product(linear.past_to_past[0], to_next)),
    )


class Solved(NamedTuple):
    """The solution of a linear system.

    Attributes:
        x: (n, Q).
        gains: of each equation (see `gain`), (n, Q).
        sign: of the determinant.
    """

    x: Array
    gains: Array
    sign: Array


def solve_blocks(linear: Linear, residual: Array) -> Solved:
    """The x of all blocks with residual + linear x = 0.

    The past of the first block and the block after the last are fixed.

    Args:
        residual: (n, Q).
    """

    def forwards(carry, row):
        z, Z, sign = carry  # d past = z + Z x
        linear, residual = row
        matrix = linear.to_own + product(linear.to_past, Z)
        right = -residual[:, None] - product(linear.to_past, z)
        (a, b), new = solve(matrix, right, -linear.to_next)  # x = a + b y
        through = product(linear.past_to_past, Z) + linear.past_to_own
        z = product(linear.past_to_past, z) + product(through, a)
        # gains here, where the derivatives are at hand: outside, XLA computes them a second time
        return (z, product(through, b) + linear.past_to_next, sign * new), (a, b, gain(linear))

    def backwards(y, found):
        a, b = found
        x = a + product(b, y)
        return x, x

    past, own = linear.past_to_own.shape[1:]
    start = jnp.zeros((past, 1)), jnp.zeros((past, own)), jnp.ones(())
    (_, _, sign), (a, b, gains) = jax.lax.scan(forwards, start, (linear, residual))
    _, x = jax.lax.scan(backwards, jnp.zeros((own, 1)), (a, b), reverse=True)
    return Solved(x[..., 0], gains, sign)
