"""Errors that a user can act on: one line each, naming what, where and what is allowed."""


class OptideError(Exception):
    """Base of every error that optide raises on purpose."""


class ParameterError(OptideError, ValueError):
    """A parameter is outside its range."""

    def __init__(self, name: str, value: object, allowed: str):
        super().__init__(f"{name} = {value!r} is not allowed: {name} must be {allowed}")


class NonFiniteError(OptideError, FloatingPointError):
    """A trajectory left the finite numbers."""


class ConvergenceError(OptideError, ArithmeticError):
    """A solver that must converge did not."""
