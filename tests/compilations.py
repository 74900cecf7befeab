"""What JAX compiles, counted."""

import contextlib
from collections.abc import Iterator

import jax.monitoring

_COMPILED = "/jax/core/compile/backend_compile_duration"
_seen: list[str] = []


def _hear(event: str, duration: float, **_: object) -> None:
    if event == _COMPILED:
        _seen.append(event)


jax.monitoring.register_event_duration_secs_listener(_hear)


@contextlib.contextmanager
def counted() -> Iterator[list[str]]:
    """A list that has one entry for each program compiled in the context, once it is left."""
    before, found = len(_seen), []
    yield found
    found.extend(_seen[before:])
