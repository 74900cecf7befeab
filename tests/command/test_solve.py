"""`optide solve`, `compare` and `list`: the library's numbers, mistakes in one line, and options by the classes."""

import inspect
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import optide.settings
from conftest import ROOT
from optide import Adam, run_discrete, solve_ide
from optide.base import progress
from optide.base.errors import INTERRUPTED, ParameterError
from optide.command import options, waiting
from optide.command.main import FAILED, MISUSED, main
from optide.command.solve import NOT_CONVERGED
from optide.data import seal
from optide.ide.methods import METHODS
from optide.ide.solve import STARTS
from optide.problem import plugins
from optide.problem.objectives import double_well
from optide.problem.registry import OPTIMIZERS
from optide.studies import single

STEPS = 12
ADAM = ("--optimizer", "adam", "--learning-rate", "0.1", "--beta1", "0.8")
ASKED = (*ADAM, "--objective", "double_well", "--theta0", "0.1", "--steps", str(STEPS))
OPTIMIZER = Adam(0.1, beta1=0.8)

OWN = """
from optide.extend import REAL, UNIT_INTERVAL, Memory, Optimizer, State, hyperparameter, jnp, objective


class Pulled(Optimizer):
    beta = hyperparameter(UNIT_INTERVAL, description="Decay.")
    order = hyperparameter(REAL, default=1.0)
    states = {"m": State("m")}

    def step(self, k, theta, g, state):
        m = self.beta * state["m"] + g
        return theta - self.learning_rate * self.order * m, {"m": m}

    def memories(self):
        return {"m": Memory(power=1, weight=1 / self.learning_rate, rate=(1 - self.beta) / self.learning_rate)}

    def velocity(self, u, theta, g, state):
        return -self.order * state["m"]


@objective(minima=[0])
def corner(theta):
    return jnp.sum(jnp.abs(theta))


@objective()
def broken(theta):
    return theta.nonsense
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A plug-in in the working directory, forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "own.py"
    path.write_text(OWN)
    yield path
    if path.resolve() in plugins.PLUGINS:
        plugins.unload(path)


def error(capsys, code, *arguments):
    """The one line that a command fails with."""
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line.removeprefix("optide: error: ")


def answer(capsys, *arguments, code=0):
    """What a command prints as JSON."""
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("given", "keywords"),
    [
        ([], {}),
        (["--t-start", "one_step", "--lookahead", "0"], {"t_start": "one_step", "lookahead": 0}),
        (["--substeps", "3", "--order", "2", "--save-every", "2"], {"substeps": 3, "order": 2, "save_every": 2}),
        (["--method", "picard", "--t-start", "0.05"], {"method": "picard", "t_start": 0.05}),
    ],
)
def test_the_numbers_are_those_of_solve_ide(capsys, given, keywords):
    found = answer(capsys, "solve", *ASKED, *given)
    expected = solve_ide(OPTIMIZER, double_well, 0.1, STEPS, **keywords)
    points = found["points"]
    for name, values in {"t": expected.t, "u": expected.u, "theta": expected.theta, **expected.state}.items():
        assert points[name] == values.tolist(), name
    # the loss by NumPy: a few roundings of a number of order 1
    np.testing.assert_allclose(points["loss"], (expected.theta**2 - 1) ** 2 / 4, rtol=0, atol=1e-15)
    assert found["equation"] == {
        **{name: getattr(expected, name) for name in ("converged", "iterations", "residual", "ambiguous", "message")}
    }
    assert found["configuration"]["hyperparameters"] == {"beta1": 0.8, "beta2": 0.999, "eps": 1e-8}


def test_what_is_printed_for_people_are_the_message_and_the_end(capsys):
    assert main(["solve", *ASKED]) == 0
    title, message, end = capsys.readouterr().out.splitlines()
    expected = solve_ide(OPTIMIZER, double_well, 0.1, STEPS)
    assert title.startswith("adam beta1=0.8 beta2=0.999 ")
    assert title.endswith(f" on double_well from theta0 = 0.1, {STEPS} steps, by march")
    assert message == expected.message
    assert end.startswith(f"at step {STEPS - 1}: theta = {expected.theta[-1]:.10g}, loss = ")
    # memories are at u, a step later, as `compare` counts them
    m, v = (expected.state[name][-1] for name in ("m", "v"))
    assert end.endswith(f"; at step {STEPS}: m = {m:.10g}, v = {v:.10g}")
    assert main(["solve", *ASKED, "--lookahead", "0"]) == 0
    assert capsys.readouterr().out.count("at step") == 1


def test_the_models_are_compared_at_equal_steps(capsys):
    found = answer(capsys, "compare", *ASKED)["quantities"]
    run, solution = run_discrete(OPTIMIZER, double_well, 0.1, STEPS), solve_ide(OPTIMIZER, double_well, 0.1, STEPS)
    gaps = np.abs(run.theta - solution.theta)
    assert found["theta"] == {
        **{"step": STEPS - 1, "algorithm": run.theta[-1], "equation": solution.theta[-1]},
        **{"largest_gap": gaps.max(), "at_step": int(np.argmax(gaps)), "rms_gap": np.sqrt(np.mean(gaps**2))},
    }
    # the memory at u = t + alpha is the state after one more update
    later = np.abs(run.state["m"][1:] - solution.state["m"][:-1])
    assert found["m"]["largest_gap"] == later.max()
    assert found["m"]["at_step"] == 1 + np.argmax(later)
    assert main(["compare", *ASKED]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows[3:-1]] == ["theta", "loss", "m", "v"]
    assert rows[3][-1] == str(found["theta"]["at_step"])


def test_the_page_says_what_happens(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
    commands = re.findall(r"^optide ((?:solve|compare|list)\b.*)$", page, flags=re.MULTILINE)
    assert len(commands) == 4
    plugin = ROOT / "examples" / "ideas" / "ideas.py"
    try:
        assert [main(shlex.split(command)) for command in commands] == [0] * 4
    finally:
        plugins.unload(plugin)
    (table,) = re.findall(r"^ +algorithm +equation.*?\)$", page, flags=re.MULTILINE | re.DOTALL)
    assert f"\n{table}\n" in capsys.readouterr().out
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE)]
    assert codes == [0, FAILED, MISUSED, NOT_CONVERGED, INTERRUPTED]


def test_an_interrupt_ends_a_solve_that_python_would_not_let_go_of(tmp_path):
    (tmp_path / "deaf.py").write_text("""
import os, signal
from optide.extend import objective

@objective(minima=[0.0])
def deaf(theta):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        pass  # as a compiled program goes on
    return theta**2
""")
    asked = ["--plugin", "deaf.py", *ADAM, "--objective", "deaf", "--theta0", "1", "--steps", "9"]
    # as at a terminal: what a shell starts in the background ignores interrupts, and tests may be
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from optide.command.main import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "solve", *asked]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    # which a shell gives as 130
    assert (found.returncode, found.stdout, found.stderr) == (-signal.SIGINT, "", "")


def test_refined_and_thinned_points_are_compared_where_they_are_steps(capsys):
    found = answer(capsys, "compare", *ASKED, "--substeps", "6", "--save-every", "4")["quantities"]
    run = run_discrete(OPTIMIZER, double_well, 0.1, STEPS)
    every_second = solve_ide(OPTIMIZER, double_well, 0.1, STEPS, substeps=6, save_every=12)
    assert found["theta"]["largest_gap"] == np.abs(run.theta[::2] - every_second.theta).max()
    assert found["theta"]["step"] % 2 == 0


def test_models_without_an_equal_step_are_not_compared(capsys):
    line = error(capsys, 2, "compare", *ASKED, "--t-start", "0.05")
    assert line.startswith("--t-start = 0.05 is not allowed: --t-start must be a whole number of steps")


def test_every_element_of_theta_is_compared(capsys):
    found = answer(capsys, "compare", *ASKED, "--theta0", "0.1,-0.3")
    assert [*found["quantities"]] == ["theta[0]", "theta[1]", "loss", "m[0]", "m[1]", "v[0]", "v[1]"]
    assert found["quantities"]["theta[1]"]["equation"] < 0 < found["quantities"]["theta[0]"]["equation"]


@pytest.mark.parametrize("theta0", ["0.1", "0.1,-0.3"])
def test_points_and_a_picture_are_written(tmp_path, capsys, theta0):
    plot, parquet = tmp_path / "x.png", tmp_path / "x.parquet"
    assert main(["compare", *ASKED, "--theta0", theta0, "--plot", str(plot), "--parquet", str(parquet)]) == 0
    with Image.open(plot) as image:
        assert len(image.convert("RGB").getcolors(image.width * image.height)) > 2
    table = seal.read(parquet)  # sealed, and
    assert table.to_pylist() == pq.read_table(parquet).to_pylist()
    assert table.column("model").to_pylist() == ["algorithm"] * STEPS + ["equation"] * STEPS
    described = json.loads(table.schema.metadata[b"optide"])
    assert described["equation"]["hyperparameters"]["beta1"] == 0.8
    first = "theta" if "," not in theta0 else "theta[0]"
    start = [float(number) for number in theta0.split(",")]
    expected = solve_ide(OPTIMIZER, double_well, start if len(start) > 1 else start[0], STEPS).theta
    assert table.column(first).to_pylist()[STEPS:] == expected.reshape(STEPS, -1)[:, 0].tolist()


def test_a_plot_of_the_equation_alone_is_of_the_format_of_its_name(tmp_path):
    plot = tmp_path / "x.svg"
    assert main(["solve", *ASKED, "--plot", str(plot)]) == 0
    text = plot.read_text()
    assert text.count('id="axes_') == 4
    assert "</svg>" in text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--optimizer", "adma"], "'adma' is not one of 'adagrad', 'rmsprop', 'adam'; did you mean 'adam'? (`optide"),
        (["--optimizer", "sgd"], "'--optimizer': 'sgd' is not one of 'adagrad', 'rmsprop', 'adam' (`optide"),
        (["--objective", "doublewell"], "'--objective': 'doublewell' is not one of 'quadratic', 'double_well', 'regre"),
        (["--objective", "doublewell"], "; did you mean 'double_well'?"),
        (["--method", "mrach"], "; did you mean 'march'?"),
        (["--optimizer", "adagrad"], "--beta1: adagrad has no such hyper-parameter; it has --learning-rate, --eps."),
        (["--beta1", "2"], "--beta1 = 2.0 is not allowed: --beta1 must be in [0, 1)"),
        (["--beta1", "x"], "'--beta1': 'x' is not a valid float"),
        (["--beta1"], "Option '--beta1' requires an argument"),
        (["--beta7", "2"], "No such option '--beta7'. (Did you mean"),
        (["--theta0", "1,two"], "'--theta0': '1,two' is neither a number nor several with commas between them"),
        (["--steps", "1"], "--steps = 1 is not allowed: --steps must be an integer >= 2"),
        (["--t-start", "one-step"], " or a number in [0, learning_rate]; did you mean 'one_step'?"),
        (["--t-start", "late"], "--t-start = 'late' is not allowed: --t-start must be one of origin, one_step, zero"),
        (["--method", "picard", "--order", "2"], "--order = 2 is not allowed: --order must be 1 by picard"),
        (["--plot", "x.gif"], "'--plot': x.gif: must end in .png or .pdf or .svg"),
        (["--parquet", "nowhere/x.parquet"], "x.parquet: there is no folder "),
        (["--learning-rate", "1e-13"], "--learning-rate = 1e-13 is not allowed: --learning-rate must be at least 1e-"),
        (["--plugin", "nowhere.py"], "nowhere.py: No such file or directory; a plug-in is a Python file"),
        (["more"], "Got unexpected extra argument (more)"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_is_allowed(capsys, tmp_path, monkeypatch, wrong, told):
    monkeypatch.chdir(tmp_path)
    assert told in error(capsys, 2, "solve", *ASKED, *wrong)
    assert [*tmp_path.iterdir()] == []


def test_what_click_or_the_library_finds_is_told_with_where_to_read_on(capsys):
    for wrong in (["--beta1", "x"], ["--beta1", "1"], ["--substeps", "0"]):
        assert error(capsys, 2, "solve", *ASKED, *wrong).endswith("(`optide solve --help`)")
    assert error(capsys, 2, "list", "plugin").endswith("; did you mean 'plugins'? (`optide list --help`)")
    assert error(capsys, 2, "sovle") == "No such command 'sovle'. Did you mean 'solve'? (`optide --help`)"
    missing = ("solve", "--optimizer", "adam", *ASKED[6:])
    assert error(capsys, 2, *missing).startswith("Missing option '--learning-rate': adam has no default for it.")
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("Usage: optide")


def test_what_cannot_be_solved_or_written_has_another_code(capsys, tmp_path, own):
    assert "not finite from t = 1e-12" in error(capsys, 1, "solve", *ASKED, "--theta0", "1e200")
    folder = tmp_path / "x.png"
    folder.mkdir()
    assert "is a directory" in error(capsys, 2, "solve", *ASKED, "--plot", str(folder))
    line = error(capsys, 2, "solve", *ASKED, "--plugin", "own.py", "--objective", "broken")
    assert "own.py, line 28: AttributeError" in line


def test_a_loss_that_is_not_finite_is_an_error_though_its_gradient_is_finite(capsys, own):
    own.write_text(OWN.replace("theta.nonsense", "jnp.where(theta > 0.5, theta**2, jnp.nan)"))
    changed = ["--objective", "broken", "--theta0", "1", "--learning-rate", "0.1", "--steps", "40"]
    line = error(capsys, 1, "solve", *ASKED, "--plugin", "own.py", *changed)
    assert "on broken from theta0 = 1.0: the loss is nan at theta = 0.4" in line


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ("jnp.stack([theta, theta])", "the objective returns shape (2,) and dtype float64"),
        ("theta if theta > 0 else -theta", "the objective, or its gradient, asks for a value in "),
    ],
)
def test_an_objective_that_is_none_is_a_plugin_that_is_wrong(capsys, own, loss, told):
    own.write_text(OWN.replace("theta.nonsense", loss))
    assert told in error(capsys, 2, "solve", *ASKED, "--plugin", "own.py", "--objective", "broken")


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_solved(capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    monkeypatch.setattr(single, "by_equation", None)
    line = error(capsys, 2, "solve", *ASKED, "--plot", "x.png")
    assert "x.png: nothing can be written to the folder " in line


@pytest.mark.parametrize("name", ["pipe.png", f"{'x' * 252}.png", "link.png"])
def test_what_could_not_be_written_is_told_before_anything_is_solved(capsys, tmp_path, monkeypatch, name):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to("nowhere/x.png")
    monkeypatch.setattr(single, "by_equation", None)
    line = error(capsys, 2, "solve", *ASKED, "--plot", str(tmp_path / name))
    assert re.search("cannot be written: (Not a regular file|File name too long)|there is no folder .*nowhere", line)


def test_two_outputs_are_no_one_file(capsys, tmp_path, monkeypatch):
    (tmp_path / "x.png").symlink_to("x.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(single, "by_equation", None)
    line = error(capsys, 2, "solve", *ASKED, "--plot", "x.png", "--parquet", "x.parquet")
    assert line == "--parquet x.parquet: is the file of --plot, too. (`optide solve --help`)"
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_a_full_disk_behind_stdout_is_named(tmp_path):
    command = [sys.executable, "-m", "optide.command.main", "init", tmp_path]
    with open("/dev/full", "w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert run.returncode == 1
    assert run.stderr == b"optide: error: standard output: cannot be written: No space left on device\n"


def test_what_did_not_converge_is_told_and_kept_and_has_a_code_of_its_own(capsys, tmp_path, own):
    wild = ("--beta1", "0", "--beta2", "0.5", "--theta0", "0.25", "--steps", "8")
    asked = ("solve", *ASKED, "--plugin", "own.py", "--objective", "corner", *wild)
    found = answer(capsys, *asked, "--parquet", "kept.parquet", code=3)
    assert not found["equation"]["converged"]
    assert seal.read("kept.parquet").num_rows == 8
    assert main(asked) == 3
    # whatever the method: picard has no order 2
    assert re.search("not converged after .*; method march, order 2 of it, ", capsys.readouterr().out)


def test_json_has_no_numbers_that_it_cannot_have(capsys, monkeypatch):
    solved = single.by_equation
    odd = {"residual": float("nan")}
    monkeypatch.setattr(single, "by_equation", lambda one: _replaced(*solved(one), odd))
    assert answer(capsys, "solve", *ASKED)["equation"]["residual"] is None


def _replaced(solution, trace, values):
    vars(solution).update(values)
    return solution, trace


def test_a_plugin_has_options_by_its_class_as_the_built_in_ones_have(capsys, own):
    given = ("--plugin", "own.py", "--optimizer", "pulled", "--learning-rate", "0.1", *ASKED[6:])
    # the command has an option of the name of this hyper-parameter
    found = answer(capsys, "solve", *given, "--beta", "0.5", "--optimizer-order", "0.5")
    pulled = OPTIMIZERS["pulled"](0.1, beta=0.5, order=0.5)
    assert found["points"]["theta"] == solve_ide(pulled, double_well, 0.1, STEPS).theta.tolist()
    assert "Missing option '--beta': pulled has no default for it" in error(capsys, 2, "solve", *given)
    told = error(capsys, 2, "solve", *given, "--beta1", "0.5")
    assert told.startswith("--beta1: pulled has no such hyper-parameter; it has --learning-rate, --beta, --optimizer")
    assert main(["solve", "--plugin", "own.py", "--optimizer", "pulled", "--help"]) == 0
    told = capsys.readouterr().out
    assert "--optimizer-order" in told
    assert "--beta1" not in told


@pytest.mark.parametrize("name", ["json", "as_json", "help", "plot"])
def test_a_hyperparameter_takes_no_option_from_the_command(capsys, own, name):
    own.write_text(OWN.replace("order", name))
    given = ("--plugin", "own.py", "--optimizer", "pulled", "--learning-rate", "0.1", "--beta", "0.5", *ASKED[6:])
    found = answer(capsys, "solve", *given, f"--optimizer-{name.replace('_', '-')}", "0.5")
    assert found["configuration"]["hyperparameters"] == {"beta": 0.5, name: 0.5}


def test_a_plot_needs_no_screen_whatever_a_notebook_names(tmp_path):
    command = [sys.executable, "-m", "optide.command.main", "solve", *ASKED, "--plot", "x.png"]
    run = subprocess.run(
        command, env={**os.environ, "MPLBACKEND": "nonsense"}, cwd=tmp_path, capture_output=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert (tmp_path / "x.png").exists()


def test_what_a_terminal_has_no_letters_for_is_written_in_others(own):
    own.write_text(OWN.replace("Decay.", "β of Größe"))
    run = subprocess.run(
        [sys.executable, "-m", "optide.command.main", "list", "optimizers", "--plugin", own],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert "\\u03b2 of Größe".encode("latin-1") in run.stdout


@pytest.mark.parametrize("made", ["raise", "raise ImportError('of a compiled module') from"])
def test_an_interrupt_is_one_whatever_a_module_makes_of_it(capsys, own, made):
    own.write_text(f"try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt as error:\n    {made} error\n")
    assert main(["list", "--plugin", "own.py"]) == INTERRUPTED
    assert "rror" not in capsys.readouterr().err


def test_the_configuration_here_names_plugins(capsys, own):
    (own.parent / "config.yaml").write_text("plugins: [own.py]\n")
    listed = answer(capsys, "list")
    assert listed["optimizers"]["pulled"]["plugin"] == "own.py"
    assert listed["optimizers"]["pulled"]["hyperparameters"]["order"] == {
        **{"option": "--optimizer-order", "range": "a finite number", "default": 1.0, "description": ""}
    }
    assert listed["plugins"]["own.py"]["defines"] == ["pulled", "corner", "broken"]
    # of another tool, whose file this is, too
    (own.parent / "config.yaml").write_text("a: !tag [own.py\n")
    assert main(["list", "objectives"]) == 0


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        ("plugins: [gone.py, own.py]", "gone.py: No such file or directory; a plug-in is a Python file"),
        ("plugins: 3", "config.yaml: plugins = 3: must be a list, all different, each text"),
        ("plugins: [own.py, 3]", "config.yaml: plugins[1] = 3: must be text"),
        ("plugins: [own.py", "config.yaml: line 1, column 17: while parsing a flow sequence"),
    ],
)
def test_a_plugin_that_nobody_named_breaks_only_what_needs_it(capsys, own, configuration, told):
    (own.parent / "config.yaml").write_text(configuration)
    for asked in (["list"], ["solve", *ASKED], ["solve", "--help"]):
        assert main(asked) == 0
        out, err = capsys.readouterr()
        assert out
        (line,) = err.splitlines()
        assert line.startswith(f"optide: warning: {told}")
    needing = ["solve", "--optimizer", "pulled", "--learning-rate", "0.1", "--beta", "0", *ASKED[6:]]
    other_is_there = "gone" in configuration
    assert main(needing) == (0 if other_is_there else 2)
    assert ("'pulled' is not one of" in capsys.readouterr().err) != other_is_there


def test_a_configuration_that_cannot_be_read_without_more_packages_is_a_warning(capsys, own, monkeypatch):
    (own.parent / "config.yaml").write_text("plugins: [own.py]")
    monkeypatch.delattr(optide.settings, "layers", raising=False)
    monkeypatch.setitem(sys.modules, "optide.settings.layers", None)
    assert main(["list", "optimizers"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("optide: warning: config.yaml: reading the plug-ins that it names needs more packages: pip")


def test_help_is_there_whatever_is_wrong_with_a_plugin(capsys):
    assert main(["solve", "--plugin", "gone.py", "--optimizer", "adam", "--help"]) == 0
    out, err = capsys.readouterr()
    assert "--beta1" in out
    assert err.startswith("optide: warning: gone.py: ")
    assert err.count("\n") == 1


def test_everything_is_listed_with_ranges_and_defaults(capsys):
    listed = answer(capsys, "list")
    assert listed["optimizers"]["adam"]["hyperparameters"]["beta2"] == {
        **{"option": "--beta2", "range": "in [0, 1)", "default": 0.999},
        "description": "Decay of the average of squared gradients.",
    }
    assert listed["optimizers"]["adam"]["hyperparameters"]["learning_rate"]["default"] is None
    assert listed["objectives"]["double_well"]["minima"] == [-1.0, 1.0]
    assert listed["methods"].keys() == METHODS.keys()
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "    --beta           in [0, 1), 0.9 if not given.  Decay of the average of squared gradients." in lines
    assert "  quadratic    the quadratic (theta - 4)^2; minima: 4" in lines
    assert lines[-1] == "plugins: none"
    assert [*answer(capsys, "list", "plugins")] == ["plugins"]


def test_methods_and_defaults_are_those_of_the_library():
    told = {option.name: option for option in options.OPTIONS}
    assert {*told["method"].type.names()} == METHODS.keys()
    of_library = inspect.signature(solve_ide).parameters
    assert {n: told[n].default for n in options.HOW if n != "t_start"} == {
        name: of_library[name].default for name in options.HOW if name != "t_start"
    }
    by_name, by_default = (solve_ide(OPTIMIZER, double_well, 0.1, STEPS, t_start=t) for t in ("origin", None))
    assert told["t_start"].default == "origin"
    assert told["t_start"].type.names == STARTS
    assert by_name.t.tolist() == by_default.t.tolist()


@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"], ["list", "optimizers"], ["--version"]])
def test_help_waits_neither_for_jax_nor_for_what_draws(without_jax, tmp_path, arguments):
    for heavy in ("matplotlib", "pandas", "pyarrow", "yaml", "jsonschema"):
        (tmp_path / f"{heavy}.py").write_text('raise ImportError("not yet")\n')
    run = subprocess.run(
        [sys.executable, "-m", "optide.command.main", *arguments],
        env={**os.environ, **without_jax},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT / "tests",
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def write(self, text):
        found = super().write(text)
        if " s" in text:
            self.told.set()
        return found


def test_whoever_waits_at_a_terminal_sees_for_how_long_and_nothing_stays(monkeypatch):
    terminal = Terminal()
    terminal.told = threading.Event()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(waiting, "FIRST", 0.0)
    with waiting.told("solving"):
        assert terminal.told.wait(60)
    assert terminal.getvalue().startswith("\r\x1b[2Ksolving ... 0 s")
    assert terminal.getvalue().endswith("\r\x1b[2K")


def test_a_solve_tells_how_far_it_is_and_the_terminal_sees_a_bar_of_that(monkeypatch):
    found = []
    with progress.heard(found.append):
        solve_ide(OPTIMIZER, double_well, 0.1, 2000)
    assert len(found) > 1
    assert found == sorted({*found})
    assert found[-1] == 1
    terminal = Terminal()
    terminal.told = threading.Event()
    monkeypatch.setattr(sys, "stderr", terminal)
    for name in ("FIRST", "EVERY"):
        monkeypatch.setattr(waiting, name, 0.01)
    with waiting.told("solving"):
        progress.tell(0.5)
        # what is being written may be of before
        for _ in range(2):
            terminal.told.clear()
            assert terminal.told.wait(60)
    assert "solving [###############               ]  50% 0 s" in terminal.getvalue()


def test_where_there_is_no_terminal_or_no_waiting_nothing_is_said(monkeypatch):
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(waiting, "FIRST", 3600.0 if stream.isatty() else 0.0)
        with waiting.told("solving"):
            pass
        assert stream.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", None)  # it was closed
    with waiting.told("solving"):
        pass


def test_times_between_steps_are_refused_by_the_library_too():
    one = single.Single(OPTIMIZER, double_well, 0.1, STEPS, {"method": "march", "t_start": 0.03})
    _, equation = single.by_equation(one)
    with pytest.raises(ParameterError, match="whole number of steps"):
        single.compare(single.by_algorithm(one), equation)
