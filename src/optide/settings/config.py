"""The configuration: the slices that jobs depend on, the lanes in them, and what these are called.

Nothing here imports JAX, so that the workflow can be planned without it.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from optide.base.errors import ConfigError
from optide.problem import plugins

Config = Mapping[str, Any]


class Lane(NamedTuple):
    """One configuration inside a job.

    Attributes:
        set: name of its set of hyper-parameters, or "".
        theta0: starting point.
        hyperparameters: by name, without the learning rate.
        steps: of the discrete algorithm.
    """

    set: str
    theta0: float | list[float]
    hyperparameters: dict[str, float]
    steps: int


def elements(theta: float | Sequence[float]) -> int:
    """How many numbers a starting point or a minimum is a list of; 0 for a single number."""
    return len(theta) if isinstance(theta, Sequence) else 0


def entry(config: Config, key: str) -> Any:
    """The entry of the configuration at a dotted key, as in "figures.fig05".

    Raises:
        ConfigError: there is none.
    """
    value: Any = config
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise ConfigError(f"{key}: there is no such entry")
        value = value[part]
    return value


def experiment_slice(config: Config, name: str, learning_rate: float) -> dict[str, Any]:
    """What the traces of one experiment at one learning rate depend on, and nothing else."""
    experiment = config["experiments"][name]
    column = experiment["learning_rates"].index(learning_rate)
    from_outside = plugins.used(experiment["objective"], experiment["optimizer"])
    return {
        "experiment": name,
        "objective": experiment["objective"],
        "optimizer": experiment["optimizer"],
        "learning_rate": learning_rate,
        "t_start": experiment["t_start"],
        "theta0": experiment["theta0"],
        "sets": [
            {
                "name": entry.get("name", ""),
                "hyperparameters": entry["hyperparameters"],
                "steps": entry["steps"][column],
            }
            for entry in experiment["sets"]
        ],
        **({"plugins": from_outside} if from_outside else {}),
    }


def rates_slice(rates: Config) -> dict[str, Any]:
    """What the rates depend on, of the entry `rates`: all of it."""
    from_outside = plugins.used(*(curve["optimizer"] for curve in rates["curves"].values()))
    return {**rates, **({"plugins": from_outside} if from_outside else {})}


def beyond_runs(beyond: Config) -> list[tuple[str, str]]:
    """The problem and the optimizer of each trace that the entry `beyond` asks for."""
    return [(name, optimizer) for name, problem in beyond["problems"].items() for optimizer in problem["runs"]]


def beyond_slice(beyond: Config, problem: str, optimizer: str) -> dict[str, Any]:
    """What one such trace depends on, of the entry `beyond`, and nothing else."""
    settings = {name: value for name, value in beyond["problems"][problem].items() if name != "runs"}
    from_outside = plugins.used(problem, optimizer)
    return {
        "problem": problem,
        "settings": settings,
        "optimizer": optimizer,
        "hyperparameters": beyond["optimizers"][optimizer],
        **beyond["problems"][problem]["runs"][optimizer],
        **({"plugins": from_outside} if from_outside else {}),
    }


def steps_of(span: float, learning_rate: float) -> int:
    """The steps that fill a span of time."""
    return round(span / learning_rate)


def lanes(experiment: Config) -> Iterator[Lane]:
    """Every configuration of an experiment slice."""
    for entry in experiment["sets"]:
        for values in itertools.product(*entry["hyperparameters"].values()):
            hyperparameters = dict(zip(entry["hyperparameters"], values, strict=True))
            for theta0 in experiment["theta0"]:
                yield Lane(entry["name"], theta0, hyperparameters, entry["steps"])


def label(optimizer: str, hyperparameters: Mapping[str, float]) -> str:
    """A plain-text name of a choice of hyper-parameters, in whatever order they come, as in "rmsprop beta=0.9"."""
    return " ".join([optimizer, *(f"{name}={number(value)}" for name, value in sorted(hyperparameters.items()))])


def start(theta0: float | Sequence[float]) -> str:
    """A starting point, in as few digits."""
    return f"({', '.join(map(number, theta0))})" if isinstance(theta0, Sequence) else number(theta0)


def number(value: float) -> str:
    """A number in as few as six digits, or in all that it needs to be no other number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value)).removesuffix(".0")
