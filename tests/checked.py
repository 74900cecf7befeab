"""What checks the annotations of the library in the tests: shapes and dtypes by jaxtyping, all else by beartype."""

from beartype import BeartypeConf, beartype

FOR_USERS = {"run_discrete", "solve_batch", "solve_ide", "solve_lanes"}
"""They check what they are given themselves, in words for a user; the tests give them what is wrong."""

# an int is a float to a type checker
_check = beartype(conf=BeartypeConf(is_pep484_tower=True))


def checked(function):
    """A function that checks its annotations at each call."""
    # JAX makes a pytree anew with tracers or placeholders in place of its arrays
    return function if function.__name__ in {"__init__", *FOR_USERS} else _check(function)
