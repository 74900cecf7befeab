"""Linear algebra of the equations: eliminate forwards in time, substitute backwards."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float64

from optide.ide.equations import Linear, Rows

UNROLLED = 8
"""Terms of a sum up to which it is written out: quicker to run, slower to compile."""


def product(a: Float64[Array, " *n i j"], b: Float64[Array, " *m j k"]) -> Float64[Array, " *l i k"]:
    """a @ b, as a sum in a fixed order that XLA fuses; a BLAS would choose its order by the processor."""
    if a.shape[-1] == 1:
        return a * b
    if a.shape[-1] > UNROLLED:
        return jnp.sum(a[..., None] * b[..., None, :, :], axis=-2)
    return jnp.asarray(sum(a[..., :, i, None] * b[..., None, i, :] for i in range(a.shape[-1])))


Carry = tuple[Array, Array, Array]
"""Nodes j - 2 .. j and memories j + shift - 1, with their derivatives; and the sign of the determinant so far."""
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


class Solved(NamedTuple):
    """The solution of a linear system.

    Attributes:
        x: of each node.
        gain: the sum of the absolute derivatives of each equation by nodes.
        sign: of the determinant.
    """

    x: Float64[Array, " n D"]
    gain: Float64[Array, " n D"]
    sign: Float64[Array, ""]


def solve_rows(linear: Linear, residual: Float64[Array, " n D"], shift: int) -> Solved:
    """The changes x of all nodes with residual + linear x = 0; beyond the last, nothing changes.

    Whatever is known of nodes up to j and of memories is kept as a number, (D, 1), and derivatives by the `unknown`
    nodes after j, (D, unknown D), of which an equation eliminates the first.

    Args:
        shift: see `optide.ide.equations.Layout`.
    """
    (K, D, columns), lead = linear.start.shape, len(linear.rows.cell) - len(residual)
    further = columns // D + 1
    # the nodes after j by themselves: nothing of them is known
    ahead = np.eye(further * D).reshape(further, D, -1)

    def forwards(carry: Carry, row: tuple[Rows, Array]) -> tuple[Carry, tuple[Array, Array, Array]]:
        (known, known_by, sign), (rows, residual) = carry, row

        def follow(nodes: Array, memory: Array) -> tuple[Array, Array]:
            """The same nodes and memories a cell later, and what the equation makes of them."""
            after = jnp.sum(product(rows.cell, nodes[None, shift : shift + 4]), axis=1)
            after = rows.decay[:, None, None] * memory + after
            left = jnp.sum(product(rows.node, nodes[1:4]), axis=0)
            left = left + jnp.sum(rows.memory[..., None] * jnp.stack([memory, after]), axis=(0, 1))
            return jnp.concatenate([nodes[1:4], after]), left

        known_by = jnp.pad(known_by, ((0, 0), (0, 0), (0, D)))
        later, left = follow(jnp.concatenate([known[:3], jnp.zeros((further, D, 1))]), known[3:])
        later_by, left_by = follow(jnp.concatenate([known_by[:3], ahead]), known_by[3:])
        (a, b), own = solve(left_by[:, :D], -(left + residual[:, None]), -left_by[:, D:])
        first = later_by[..., :D]
        # gains here, where the derivatives are at hand: outside, XLA computes them a second time
        gain = jnp.sum(jnp.abs(rows.node), axis=(0, 2))
        gain = gain + jnp.sum(jnp.abs(rows.memory[1]) * jnp.sum(jnp.abs(rows.cell), axis=(1, 3)), axis=0)
        carry = later + product(first, a[None]), later_by[..., D:] + product(first, b[None]), sign * own
        return carry, (a[:, 0], b, gain)

    def backwards(after: Array, found: tuple[Array, Array]) -> tuple[Array, Array]:
        a, b = found
        x = a + product(b, after.reshape(-1, 1))[:, 0]
        return jnp.concatenate([x[None], after[:-1]]), x

    start = jnp.zeros((3 + K, D, 1)), jnp.concatenate([jnp.zeros((3, D, columns)), linear.start]), jnp.ones(())
    known = jnp.concatenate([jnp.zeros((lead, D)), residual])
    (*_, sign), (a, b, gain) = jax.lax.scan(forwards, start, (linear.rows, known))
    _, x = jax.lax.scan(backwards, jnp.zeros((further - 1, D)), (a, b), reverse=True)
    return Solved(x[lead:], gain[lead:], sign)
