"""JAX, imported when it is first used: whoever only needs names and symbols of what is solved never waits for it."""

import importlib
from typing import TYPE_CHECKING, Any


class Lazy:
    """A module that is imported when an attribute of it is first asked for."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)

    def __repr__(self) -> str:
        return f"<module {self._name!r}, imported on first use>"


if TYPE_CHECKING:
    import jax
    import jax.numpy as jnp
    from jax import Array
else:
    jax, jnp = Lazy("jax"), Lazy("jax.numpy")
    Array = Any

__all__ = ["Array", "Lazy", "jax", "jnp"]
