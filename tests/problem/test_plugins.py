"""Optimizers and objectives from outside: a file that a configuration names."""

import dataclasses
import subprocess
import sys
from importlib.metadata import EntryPoint

import jax
import numpy as np
import optax
import pytest

from conftest import ROOT
from optide import run_discrete, solve_ide
from optide.base.errors import ConfigError
from optide.data import layout
from optide.objectives import quadratic
from optide.problem import plugins
from optide.problem.registry import (
    ATLAS,
    HYPERPARAMETERS,
    OBJECTIVES,
    OPTIMIZERS,
    RESERVED,
    STATES,
    quantities,
    symbols,
)
from optide.studies import atlas

IDEAS = ROOT / "examples" / "ideas" / "ideas.py"


@pytest.fixture
def ideas():
    plugins.load([IDEAS])
    yield {**OPTIMIZERS, **OBJECTIVES}
    plugins.unload(IDEAS)


@pytest.mark.parametrize(
    ("name", "hyperparameters", "transformation"),
    [
        ("adamw", {"beta1": 0.9, "beta2": 0.99, "decay": 0.1}, optax.adamw(0.02, 0.9, 0.99, weight_decay=0.1)),
        ("adamw", {"beta1": 0.0, "beta2": 0.9, "decay": 0.0}, optax.adam(0.02, 0.0, 0.9)),
        ("heavy_ball", {"beta": 0.7}, optax.sgd(0.02, momentum=0.7)),
    ],
)
def test_its_algorithms_are_those_of_optax(ideas, name, hyperparameters, transformation):
    for objective, start in ((quadratic, np.asarray(1.0)), (ideas["rosenbrock"], np.asarray([-0.2, 0.1]))):
        optimizer = ideas[name](0.02 if objective is quadratic else 0.0005, **hyperparameters)
        scaled = optax.chain(transformation, optax.scale(float(optimizer.learning_rate) / 0.02))
        theta, state, path = jax.numpy.asarray(start), scaled.init(jax.numpy.asarray(start)), []
        with jax.numpy_dtype_promotion("standard"):  # optax counts in int32
            for _ in range(60):
                path.append(theta)
                updates, state = scaled.update(jax.grad(objective)(theta), state, theta)
                theta = optax.apply_updates(theta, updates)
        found = run_discrete(optimizer, objective, start, 60)
        # the same operations in another order, 60 times
        np.testing.assert_allclose(found.theta, np.stack(path), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("lookahead", [0, 1])
@pytest.mark.parametrize(
    ("name", "hyperparameters"), [("adamw", {"beta2": 0.99, "decay": 0.3}), ("heavy_ball", {"beta": 0.6})]
)
def test_its_equations_are_followed_by_its_algorithms(ideas, name, hyperparameters, lookahead):
    """The algorithm is a scheme of first order for the equation: half the learning rate, half the gap."""
    gaps = []
    for rate in (0.02, 0.01):
        optimizer = ideas[name](rate, **hyperparameters)
        steps = round(1 / rate)
        solution = solve_ide(optimizer, quadratic, 1.0, steps, substeps=4, lookahead=lookahead)
        assert solution.converged
        gaps.append(np.abs(solution.theta[::4] - run_discrete(optimizer, quadratic, 1.0, steps).theta).max())
    assert 1.6 < gaps[0] / gaps[1] < 2.6


def test_what_it_defines_can_be_named_like_what_is_built_in(ideas):
    assert quantities("heavy_ball", 2) == ("theta[0]", "theta[1]", "loss", "m[0]", "m[1]")
    assert symbols("decay") == ("λ", r"\lambda")
    assert symbols("m[1]") == ("m[1]", "m_{1}")
    assert symbols("beta2", "adamw") == symbols("beta2") == ("β₂", r"\beta_2")
    assert ideas["heavy_ball"].title == "heavy ball"
    assert [*plugins.used("adamw", "quadratic")] == ["ideas.py"]
    assert plugins.used("adam", "quadratic") == {}
    plugins.load([IDEAS])  # once


def test_a_symbol_is_that_of_the_optimizer_whose_it_is(tmp_path):
    path = tmp_path / "mine.py"
    told = GOOD.replace("default=0.5", r"default=0.5, symbol=r'\gamma', text='γ'").replace('State("m")', 'State("p")')
    path.write_text(told)
    plugins.load([path])
    try:
        assert symbols("beta", "mine") == ("γ", r"\gamma")
        assert symbols("beta", "rmsprop") == symbols("beta") == ("β", r"\beta")
        assert symbols("m[1]", "mine") == ("m[1]", "p_{1}")
        assert symbols("m[1]") == ("m[1]", "m_{1}")
    finally:
        plugins.unload(path)


def test_nothing_of_it_is_left():
    plugins.load([IDEAS])
    plugins.unload(IDEAS)
    assert not {"adamw", "heavy_ball"} & {*OPTIMIZERS}
    assert "rosenbrock" not in OBJECTIVES


def test_naming_it_needs_no_jax():
    code = (
        f"import sys; from optide.problem import plugins; plugins.load([{str(IDEAS)!r}]); print('jax' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


GOOD = """
from optide.extend import Memory, Objective, Optimizer, State, UNIT_INTERVAL, hyperparameter, jnp

class Mine(Optimizer):
    beta = hyperparameter(UNIT_INTERVAL, default=0.5)
    states = {"m": State("m")}
    def step(self, k, theta, g, state):
        m = self.beta * state["m"] + g
        return theta - self.learning_rate * m, {"m": m}
    def memories(self):
        return {"m": Memory(1, 1 / self.learning_rate, (1 - self.beta) / self.learning_rate)}
    def velocity(self, u, theta, g, state):
        return -state["m"]
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    def velocity", "def velocity", "line 4: class Mine lacks velocity"),
        ('states = {"m": State("m")}', "pass", "line 4: class Mine lacks states"),
        ('states = {"m": State("m")}', "states = {}", """class Mine: states {}: must be like {"m": State("m")}"""),
        ("def velocity(self, u, theta,", "def velocity(self, u,", "must be velocity(self, u, theta, g, state)"),
        ("default=0.5", "default=1.5", "class Mine: beta = 1.5: the default must be in [0, 1)"),
        ('"m": Memory', '"n": Memory', "memories n: must be those of states, m"),
        ("self.beta) / self", "self.gamma) / self", "line 11: AttributeError: 'Mine' object has no attribute 'gamma'"),
        ("class Mine(Optimizer):", "class Mine(Optimizer)", "line 4: expected ':'"),
        ("import Memory,", "import Memroy,", "line 2: ImportError: cannot import name 'Memroy'"),
        ("class Mine", "class Adam", "line 4: class Adam: there is a adam already"),
        ('states = {"m"', 'name = "Ours"; states = {"m"', "name 'Ours': must be a letter, then"),
        ("class Mine(Optimizer)", "class Mine", "defines no subclass of Optimizer and no Objective"),
        ("class Mine", 'bad = Objective("bad", jnp.sum, data=("x.csv",))\n\nclass Mine', "'x.csv': there is no such"),
        ("class Mine", 'bad = Objective("bad", jnp.sum, ((1.0,), 1.0))\n\nclass Mine', "all must have as many numbers"),
        ("class Mine", 'bad = Objective("bad", 3)\n\nclass Mine', "loss 3: must be a function of theta"),
        ("class Mine", 'bad = Objective("bad", jnp.sum, (jnp.nan,))\n\nclass Mine', "minima (nan,): must be finite"),
        # not that of jnp.sum, in a file of JAX
        ("class Mine", 'bad = Objective("Bad", jnp.sum)\n\nclass Mine', "mine.py: objective Bad: name 'Bad': must be"),
        ("class Mine", 'b, c = Objective("b", jnp.sum), Objective("b", jnp.max)\n\nclass Mine', "there is a b already"),
        ("class Mine", 'b = Objective("mine", jnp.sum)\n\nclass Mine', "line 6: class Mine: there is a mine already"),
        ('states = {"m"', 'name = "loss"; states = {"m"', "name 'loss': this is the name of a column of traces"),
        ('states = {"m"', 'name = "v"; states = {"m"', "name 'v': this is the name of a column of traces"),
        ('states = {"m"', 'name = 3; states = {"m"', "name 3: must be a letter, then"),
        ('states = {"m"', 'title = 3; states = {"m"', "title 3: must be a text"),
        ('states = {"m"', 'name: str = "a"; states = {"m"', "TypeError: Mine.name: must be a hyperparameter(...)"),
        ("beta = hyperparameter(UNIT_INTERVAL, default=0.5)", "beta: float = 0.5", "Mine.beta: must be a hyperparam"),
        ('states = {"m": State("m")}', 'states = ["m"]', """states ['m']: must be like {"m": State("m")}"""),
        ("default=0.5", "default='0.5'", "beta = '0.5': the default must be in [0, 1)"),
        ("default=0.5", "default=None", "beta = None: the default must be in [0, 1)"),
        ("default=0.5", "optional=True", "line 5: TypeError: hyperparameter(optional=True): needs a default"),
        ("UNIT_INTERVAL, def", "(0, 1), def", "mine.py, line 5: Type"),
        ("beta", "name", "TypeError: Mine.name: no name for a hyper-parameter, as each optimizer has it otherwise"),
        ("beta", "steps", "hyper-parameter 'steps': this is the name of a column of every trace"),
        ("beta", "region", "hyper-parameter 'region': this is the name of a column of the atlas"),
        ("beta", "equation_gap", "hyper-parameter 'equation_gap': this is the name of a column of the atlas"),
        ("beta", "v", "hyper-parameter 'v': this is the name of a state"),
        ('"m"', '"theta"', "state 'theta': this is the name of a column of every trace"),
        ('"m"', '"beta1"', "state 'beta1': this is the name of a hyper-parameter"),
        ('"m"', '"m[0]"', "state 'm[0]': must be a letter, then letters, digits and _"),
        ("step(self, k, theta", "step(self, theta, k", "step(self, theta, k, g, state): must be step(self, k, theta,"),
        ("return {", "3, {", "line 4: class Mine: memories None: must be those of states, m"),
        ("Memory(1,", "max(1,", "memory m = 2.0: must be a Memory of power 1 or 2"),
        ("Memory(1,", "Memory(3,", "memory m = Memory(power=3, weight=2.0, rate=1.0): must be a Memory of power"),
        ("Memory(1,", "Memory(1, 'much',", "mine.py, line 11: TypeError: "),
        ("1 / self.learning_rate,", "'much',", "weight='much', rate=1.0): its weight and its rate must be numbers"),
        ("1 / self.learning_rate,", "[1.0, 2.0],", "its weight and its rate must be numbers"),
        ('State("m")', "State(3)", "line 4: class Mine: 3, said of m: must be a text"),
        ('State("m")', 'State("m", None)', "line 4: class Mine: None, said of m: must be a text"),
        ("class Mine", 'bad = Objective("bad", lambda: 0)\n\nclass Mine', "loss(): must be a function of theta"),
        ("class Mine", 'bad = Objective("bad", lambda x, y: 0)\nclass Mine', "loss(x, y): must be a function of theta"),
        ("class Mine", 'bad = Objective("bad", jnp.sum, (), 3)\nclass Mine', "3, said of the objective: must be"),
        ("class Mine", "raise SystemExit(3)\nclass Mine", "line 4: SystemExit: 3"),
        ("class Mine", "raise BaseException('x')\nclass Mine", "line 4: BaseException: x"),
        ("class Mine", "class E(Exception):\n    __str__ = None\nraise E\nclass Mine", "line 6: E: (and it cannot say"),
        ("class Mine", "raise ValueError('two\\nlines')\nclass Mine", "line 4: ValueError: two lines"),
        ("class Mine", "\0class Mine", "mine.py: SyntaxError: source code string cannot contain null bytes"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_file_and_line(tmp_path, old, new, message):
    path = tmp_path / "mine.py"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1) if old == "return {" else GOOD.replace(old, new))
    with pytest.raises(ConfigError) as error:
        plugins.load([path])
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert {*OPTIMIZERS} == {"adagrad", "rmsprop", "adam"}
    assert {*OBJECTIVES} == {"quadratic", "double_well", "regression"}


@pytest.mark.parametrize("word", ["description", "symbol", "text"])
def test_what_is_said_of_a_hyperparameter_is_a_text(tmp_path, word):
    """In a process of its own: here a check of all types comes first."""
    path = tmp_path / "mine.py"
    path.write_text(GOOD.replace("default=0.5", f"{word}=3"))
    run = subprocess.run(
        [sys.executable, "-m", "optide.command.main", "list", "--plugin", path],
        capture_output=True,
        text=True,
        check=False,
    )
    message = f"optide: error: {path}, line 4: class Mine: 3, said of beta: must be a text\n"
    assert (run.returncode, run.stdout, run.stderr) == (2, "", message)


def test_every_column_that_is_no_hyperparameter_and_no_state_is_reserved():
    columns = {*layout.given().names, *layout.computed().names} - {*HYPERPARAMETERS, *STATES}
    assert columns == RESERVED
    of_atlas = {*atlas.schema([]).names, "region"} - {*HYPERPARAMETERS} - RESERVED
    assert [name for name in of_atlas if not ATLAS.fullmatch(name)] == []


def test_two_names_of_one_objective_are_one(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(GOOD + '\nbowl = Objective("bowl", jnp.sum)\nalias = bowl\n')
    plugins.load([path])
    try:
        assert plugins.PLUGINS[path.resolve()].names == ("mine", "bowl")
    finally:
        plugins.unload(path)


@pytest.mark.parametrize("other", ["plug-in", "data"])
def test_files_of_one_name_are_refused_as_one_digest_would_stand_for_both(tmp_path, other):
    first, second = tmp_path / "a" / "mine.py", tmp_path / "b" / "mine.py"
    for path, name in ((first, "b"), (second, "c")):
        path.parent.mkdir()
        (path.parent / "x.csv").write_text(name)
        path.write_text(
            f'from optide.extend import Objective, jnp\n{name} = Objective("{name}", jnp.sum, data=("x.csv",))\n'
        )
    if other == "data":
        second = second.rename(second.with_name("other.py"))
    plugins.load([first])
    try:
        with pytest.raises(ConfigError) as error:
            plugins.load([second])
    finally:
        plugins.unload(first)
    one, another = (second, first) if other == "plug-in" else (second.with_name("x.csv"), first.with_name("x.csv"))
    assert str(error.value) == f"{one}: must have another name than {another}, as results go by the names of files"
    assert {"b", "c"}.isdisjoint(OBJECTIVES)


def test_what_goes_wrong_later_is_blamed_on_its_line(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(GOOD.replace('state["m"] + g', 'state["mm"] + g'))
    plugins.load([path])
    try:
        with pytest.raises(ConfigError, match=r"mine\.py, line 8: KeyError: 'mm'"), plugins.blamed():
            run_discrete(OPTIMIZERS["mine"](0.1), quadratic, 1.0, 3)
        with pytest.raises(ZeroDivisionError), plugins.blamed():
            print(1 / 0)
    finally:
        plugins.unload(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.py: No such file or directory; a plug-in is a Python file"):
        plugins.load([tmp_path / "absent.py"])
    with pytest.raises(ConfigError, match=r"^'a\\x00b\.py': no file has such a name; a plug-in is a Python file$"):
        plugins.load(["a\0b.py"])


def test_its_digest_is_that_of_the_file_and_its_data(tmp_path):
    def digest():
        plugins.load([path])
        (found,) = plugins.used("mine").values()
        plugins.unload(path)
        return found

    path, data = tmp_path / "mine.py", tmp_path / "x.csv"
    data.write_text("1")
    path.write_text(GOOD + '\nbowl = Objective("bowl", jnp.sum, data=("x.csv",))\n')
    first = digest()
    assert digest() == first
    data.write_text("2")
    assert digest() != first
    data.write_text("1")
    path.write_text(path.read_text() + "# \n")
    assert digest() != first


def test_installed_packages_are_found(tmp_path, monkeypatch):
    (tmp_path / "an_installed_idea.py").write_text(GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("mine", "an_installed_idea", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry] if group == entry.group else [])
    plugins.load([])
    try:
        assert OPTIMIZERS["mine"](0.1).beta == 0.5
        assert [*plugins.used("mine")] == ["an_installed_idea.py"]
    finally:
        plugins.unload(tmp_path / "an_installed_idea.py")


def test_an_installed_package_that_fails_is_named(monkeypatch):
    entry = EntryPoint("mine", "a_package_there_is_not", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry])
    with pytest.raises(ConfigError, match=r"^optide\.plugins: mine = a_package_there_is_not: ModuleNotFoundError: No"):
        plugins.load([])


def test_an_optimizer_is_a_frozen_dataclass_and_a_pytree(ideas):
    one = ideas["adamw"](0.1, decay=0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.decay = 0.1
    assert jax.tree.leaves(one) == [0.1, 0.9, 0.999, 1e-8, 0.5]
    assert jax.tree.map(lambda leaf: leaf, one) == one
