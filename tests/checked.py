"""What checks the annotations of the library in the tests: shapes and dtypes by jaxtyping, all else by beartype."""

from beartype import BeartypeConf, beartype

FOR_USERS = {"run_discrete", "solve_batch", "solve_ide", "solve_lanes"}
"""They check what they are given themselves, in words for a user; the tests give them what is wrong."""

# an int is a float to a type checker
_check = beartype(conf=BeartypeConf(is_pep484_tower=True))
_made = {}


def checked(function):
    """A function that checks its annotations at each call: all that jaxtyping wants of it, which calls ours itself.

    Of one that is defined in another it wants it whenever that is called, and gets what was made the first time.
    """
    # JAX makes a pytree anew with tracers or placeholders in place of its arrays
    if function.__name__ in {"__init__", *FOR_USERS}:
        return function
    optional = len(function.__defaults__ or ()), *(function.__kwdefaults__ or ())
    place = function.__module__, function.__qualname__, function.__code__, optional
    annotations, made = _made.get(place, (None, None))
    if annotations != function.__annotations__:
        made = _check(function)
        _made[place] = function.__annotations__, made
    return made
