"""What the docstrings of public names say: every argument, what is returned, every attribute, and every error."""

import ast
import dataclasses
import inspect
import re
import textwrap
from types import FunctionType

import pytest

import documented
from optide.base.errors import OptideError
from optide.problem.objectives import Objective
from optide.problem.optimizer import Optimizer

SOURCE = re.compile(r"arXiv:\d|JMLR|equation \(")


def functions():
    """Those with an entry of their own, and the methods of classes that have one, by full name."""
    for name, public in documented.ENTRIES.items():
        if isinstance(public, FunctionType):
            yield name, inspect.unwrap(public)
        elif isinstance(public, type) and not issubclass(public, Exception):
            for own, member in vars(public).items():
                method = getattr(member, "__func__", member)
                # a method without a docstring has that of the class above, as `step` of Adam
                if isinstance(method, FunctionType) and not own.startswith("_") and method.__doc__:
                    yield f"{name}.{own}", inspect.unwrap(method)


FUNCTIONS = dict(functions())
RECORDS = {
    name: public
    for name, public in documented.ENTRIES.items()
    if isinstance(public, type) and (dataclasses.is_dataclass(public) or issubclass(public, tuple))
}


def body(function):
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    return tree


def known(node, names):
    """What a name, or an attribute of one, is in a module; None if that is found only as it runs."""
    try:
        return eval(ast.unparse(node), dict(names)) if isinstance(node, ast.Name | ast.Attribute) else None
    except (NameError, AttributeError):
        return None


def raised(function):
    """The errors that a function raises itself, and those that functions of optide which it calls say they raise."""
    for node in ast.walk(body(function)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield known(node.exc.func, function.__globals__).__name__
        if isinstance(node, ast.Call):
            called = known(node.func, function.__globals__)
            if (getattr(called, "__module__", "") or "").startswith("optide.") and not isinstance(called, type):
                yield from documented.told(called.__doc__, "Raises")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_returns_and_raises(name):
    function = FUNCTIONS[name]
    text, signature = function.__doc__, inspect.signature(function)
    parameters = {one for one in signature.parameters if one not in ("self", "cls")}
    assert documented.told(text, "Args") == parameters
    # one that takes nothing is called what it returns, as an attribute is
    returns = parameters and signature.return_annotation not in (None, "None")
    assert bool(documented.section(text, "Returns")) == bool(returns)
    assert {*raised(function)} - {"NotImplementedError"} <= documented.told(text, "Raises")


def test_the_errors_of_what_is_called_are_errors_of_the_caller():
    assert {*raised(FUNCTIONS["optide.data.traces.metadata"])} == {"FileError"}
    assert {*raised(FUNCTIONS["optide.solve_ide"])} >= {"ParameterError", "NonFiniteError", "ObjectiveError"}
    assert {*raised(FUNCTIONS["optide.extend.hyperparameter"])} == {"TypeError"}


@pytest.mark.parametrize("name", RECORDS)
def test_a_class_says_what_it_has(name):
    public = RECORDS[name]
    fields = {*getattr(public, "_fields", ())} or {field.name for field in dataclasses.fields(public)}
    # hyper-parameters have a description, which the page shows
    own = {one for one, of in public.vocabulary().items() if of.description} if issubclass(public, Optimizer) else set()
    assert documented.told(public.__doc__, "Attributes") | own == fields


@pytest.mark.parametrize("name", documented.ENTRIES)
def test_every_name_says_what_it_is_and_what_is_of_a_paper_where_it_is_from(name):
    public = documented.ENTRIES[name]
    if isinstance(public, Objective):
        assert "shape" in (public.loss.__doc__ or "")
        assert SOURCE.search(public.loss.__doc__)
    elif isinstance(public, type) and issubclass(public, Optimizer) and public is not Optimizer:
        assert SOURCE.search(public.__doc__)
    elif isinstance(public, type) and issubclass(public, OptideError):
        assert public.__doc__
