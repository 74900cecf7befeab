"""The configuration: what JSON Schema cannot say about it, and the slices that jobs depend on.

Nothing here imports JAX, so that the workflow can be planned without it.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from optide.base.errors import ConfigError

Config = Mapping[str, Any]

HYPERPARAMETERS = {"adagrad": (), "rmsprop": ("beta",), "adam": ("beta1", "beta2")}
NAMES = {"adagrad": "AdaGrad", "rmsprop": "RMSProp", "adam": "Adam"}
"""Optimizers as people write them; see `written`."""
STATES = {"adagrad": ("G",), "rmsprop": ("v",), "adam": ("m", "v")}


class Lane(NamedTuple):
    """One configuration inside a job.

    Attributes:
        set: name of its set of hyper-parameters, or "".
        theta0: starting point.
        hyperparameters: by name, without the learning rate.
        steps: of the discrete algorithm.
    """

    set: str
    theta0: float
    hyperparameters: dict[str, float]
    steps: int


def audited(config: Config) -> dict[str, list[str]]:
    """The experiments that the audit takes apart, by their optimizer; none without an entry `audit`."""
    found: dict[str, list[str]] = {}
    for name in config["audit"].get("experiments", config["experiments"]) if "audit" in config else ():
        found.setdefault(config["experiments"][name]["optimizer"], []).append(name)
    return found


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
    }


def lanes(experiment: Config) -> Iterator[Lane]:
    """Every configuration of an experiment slice."""
    for entry in experiment["sets"]:
        for values in itertools.product(*entry["hyperparameters"].values()):
            hyperparameters = dict(zip(entry["hyperparameters"], values, strict=True))
            for theta0 in experiment["theta0"]:
                yield Lane(entry["name"], theta0, hyperparameters, entry["steps"])


def figure_runs(config: Config, name: str) -> list[tuple[str, float]]:
    """The (experiment, learning rate) pairs whose traces a figure shows."""
    rows = config["figures"][name]["rows"]
    experiments = dict.fromkeys(e for row in rows for e in row["experiments"])
    return [(e, rate) for e in experiments for rate in config["experiments"][e]["learning_rates"]]


def figure_keys(config: Config, name: str) -> list[str]:
    """The keys of all entries that the content of a figure depends on."""
    return [f"figures.{name}", *dict.fromkeys(f"experiments.{e}" for e, _ in figure_runs(config, name))]


def figure_labels(config: Config, name: str) -> dict[str, str]:
    """What tells a figure from others: its name, quantity, objective and optimizer, as people write them."""
    shown = [config["experiments"][e] for e in dict.fromkeys(e for e, _ in figure_runs(config, name))]
    named = {
        kind: " and ".join(dict.fromkeys(written(experiment[kind]) for experiment in shown))
        for kind in ("objective", "optimizer")
    }
    return {"figure": name, "quantity": config["figures"][name]["quantity"], **named}


def written(name: str) -> str:
    """The name of an optimizer or objective as people write it."""
    return NAMES.get(name, name.replace("_", " "))


def label(optimizer: str, hyperparameters: Mapping[str, float]) -> str:
    """A plain-text name of a choice of hyper-parameters, as in "rmsprop beta=0.9"."""
    return " ".join([optimizer, *(f"{name}={number(value)}" for name, value in hyperparameters.items())])


def number(value: float) -> str:
    """A number in as few as six digits, or in all that it needs to be no other number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value)).removesuffix(".0")
