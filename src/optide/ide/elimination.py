"""Linear algebra of the blocks: eliminate forwards in time, substitute backwards."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array


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
    return sum(a[..., :, i, None] * b[..., None, i, :] for i in range(a.shape[-1]))


def solve(matrix: Array, right: Array) -> tuple[Array, Array]:
    """matrix^-1 right by Gauss-Jordan elimination with partial pivoting, and the sign of the determinant.

    Args:
        matrix: (Q, Q).
        right: (Q, m).
    """
    size = matrix.shape[0]
    if size == 1:
        return right / matrix, jnp.sign(matrix[0, 0])

    def eliminate(i, carry):
        tableau, sign = carry
        rows = jnp.arange(size)
        pivot = jnp.argmax(jnp.where(rows < i, -1.0, jnp.abs(tableau[:, i])))
        chosen, displaced = tableau[pivot], tableau[i]
        tableau = tableau.at[pivot].set(displaced)
        sign = sign * jnp.where(pivot == i, 1.0, -1.0) * jnp.sign(chosen[i])
        row = chosen / chosen[i]
        tableau = tableau.at[i].set(row)
        factor = jnp.where(rows == i, 0.0, tableau[:, i])
        return tableau - factor[:, None] * row[None], sign

    tableau, sign = jax.lax.fori_loop(0, size, eliminate, (jnp.concatenate([matrix, right], axis=1), jnp.ones(())))
    return tableau[:, size:], sign


def solve_blocks(linear: Linear, residual: Array) -> tuple[Array, Array]:
    """The x of all blocks with residual + linear x = 0, and the sign of the determinant.

    The past of the first block and the block after the last are fixed.

    Args:
        residual: (n, Q).
    """
    past, own = linear.past_to_own.shape[1:]
    constant = jnp.zeros(1 + own).at[0].set(1.0)  # picks the first column: what does not depend on x
    given = jnp.concatenate([residual[..., None], linear.to_next], axis=2)
    ahead = jnp.pad(linear.past_to_next, ((0, 0), (0, 0), (1, 0)))

    def forwards(carry, row):
        known, sign = carry  # dpast = known (1, x)
        linear, given, ahead = row
        onto = product(linear.to_past, known)
        found, new = solve(linear.to_own + onto[:, 1:], -given - onto[:, :1] * constant)  # x = found (1, y)
        passed = product(linear.past_to_past, known)
        known = product(passed[:, 1:] + linear.past_to_own, found) + passed[:, :1] * constant + ahead
        return (known, sign * new), found

    def backwards(y, found):
        x = found[:, :1] + product(found[:, 1:], y)
        return x, x

    start = jnp.zeros((past, 1 + own)), jnp.ones(())
    (_, sign), found = jax.lax.scan(forwards, start, (linear, given, ahead))
    _, x = jax.lax.scan(backwards, jnp.zeros((own, 1)), found, reverse=True)
    return x[..., 0], sign


def begin(linear: Linear, to_own: Array, to_next: Array) -> Linear:
    """Chain rule for the first block, whose past depends on itself (P, Q) and on the next block (P, Q)."""
    return linear._replace(
        to_own=linear.to_own.at[0].add(product(linear.to_past[0], to_own)),
        to_next=linear.to_next.at[0].add(product(linear.to_past[0], to_next)),
        past_to_own=linear.past_to_own.at[0].add(product(linear.past_to_past[0], to_own)),
        past_to_next=linear.past_to_next.at[0].add(product(linear.past_to_past[0], to_next)),
    )
