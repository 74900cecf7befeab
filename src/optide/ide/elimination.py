"""Linear algebra of the equations: eliminate forwards in time, substitute backwards."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
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


Carry = tuple[Array, Array, Array, Array, Array]
"""What is known of the nodes up to j, and of memories, with its derivatives; and the sign of the determinant so far."""
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

    Whatever is known of nodes up to j and of memories is kept as a number and derivatives by the `unknown` nodes
    after j, of which an equation eliminates the first.

    Args:
        shift: see `optide.ide.equations.Layout`.
    """
    (K, unknown, D, _), lead = linear.start.shape, len(linear.rows.own) - len(residual)
    known = jnp.concatenate([jnp.zeros((lead, D)), residual])

    def forwards(carry: Carry, row: tuple[Rows, Array]) -> tuple[Carry, tuple[Array, Array, Array]]:
        # of nodes j - 2 .. j, (3, D) and (3, unknown, D, D); of memories j + shift - 1, (K, D) and (K, unknown, D, D)
        node, node_by, memory, memory_by, sign = carry
        rows, residual = row
        node_by, memory_by = (jnp.pad(part, ((0, 0), (0, 1), (0, 0), (0, 0))) for part in (node_by, memory_by))
        V, V_by = rows.decay[:, None] * memory, rows.decay[:, None, None, None] * memory_by
        for m in range(4):
            corner, place = rows.cell[:, m], shift - 2 + m
            if place > 0:
                V_by = V_by.at[:, place - 1].add(corner)
            else:
                V = V + product(corner, node[2 + place][None, :, None])[..., 0]
                V_by = V_by + product(corner[:, None], node_by[2 + place][None])
        total = residual + product(rows.here, node[2][:, None])[:, 0] + rows.before * node[1]
        total = total + jnp.sum(rows.old * memory + rows.new * V, axis=0)
        by = product(rows.here[None], node_by[2]) + rows.before * node_by[1]
        by = by + jnp.sum(rows.old[:, None, :, None] * memory_by + rows.new[:, None, :, None] * V_by, axis=0)
        by = by.at[0].add(rows.own)
        (a, b), new = solve(by[0], -total[:, None], -jnp.moveaxis(by[1:], 0, 1).reshape(D, unknown * D))
        b = jnp.moveaxis(b.reshape(D, unknown, D), 1, 0)

        def replaced(value: Array, value_by: Array) -> tuple[Array, Array]:
            first = value_by[:, 0]
            return value + product(first, a[None])[..., 0], value_by[:, 1:] + product(first[:, None], b[None])

        nodes, memories = replaced(node[1:], node_by[1:]), replaced(V, V_by)
        node, node_by = jnp.concatenate([nodes[0], a.T]), jnp.concatenate([nodes[1], b[None]])
        # gains here, where the derivatives are at hand: outside, XLA computes them a second time
        felt = jnp.sum(jnp.abs(rows.cell), axis=(1, 3))
        gain = jnp.sum(jnp.abs(rows.own) + jnp.abs(rows.here), axis=1) + jnp.abs(rows.before)
        gain = gain + jnp.sum(jnp.abs(rows.new) * felt, axis=0)
        return (node, node_by, *memories, sign * new), (a[:, 0], b, gain)

    def backwards(after: Array, found: tuple[Array, Array]) -> tuple[Array, Array]:
        a, b = found
        x = a + jnp.sum(product(b, after[..., None])[..., 0], axis=0)
        return jnp.concatenate([x[None], after[:-1]]), x

    start = jnp.zeros((3, D)), jnp.zeros((3, unknown, D, D)), jnp.zeros((K, D)), linear.start, jnp.ones(())
    (*_, sign), (a, b, gain) = jax.lax.scan(forwards, start, (linear.rows, known))
    _, x = jax.lax.scan(backwards, jnp.zeros((unknown, D)), (a, b), reverse=True)
    return Solved(x[lead:], gain[lead:], sign)
