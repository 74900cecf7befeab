"""The configuration: what JSON Schema cannot say about it, and the slices that jobs depend on.

Nothing here imports JAX, so that the workflow can be planned without it.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from optide.errors import OptideError
from optide.schema import first_error, nearest, shown

Config = Mapping[str, Any]

HYPERPARAMETERS = {"adagrad": (), "rmsprop": ("beta",), "adam": ("beta1", "beta2")}
NAMES = {"adagrad": "AdaGrad", "rmsprop": "RMSProp", "adam": "Adam"}
"""Optimizers as people write them; see `written`."""
STATES = {"adagrad": ("G",), "rmsprop": ("v",), "adam": ("m", "v")}

LOOKS = 41
"""So many choices of hyper-parameters can be told apart in one figure (`optide.plotting.look`)."""


class ConfigError(OptideError):
    """The configuration contradicts itself; names the key and what is allowed."""


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


def examine(config: Any, schema: Mapping[str, Any]) -> list[str]:
    """Check a configuration against its schema and against itself.

    Returns:
        Warnings, one line each.

    Raises:
        ConfigError: naming the key, its value and what is allowed.
    """
    if error := first_error(config, schema):
        raise ConfigError(error)
    experiments, figures = config["experiments"], config["figures"]
    for name, experiment in experiments.items():
        _check_experiment(f"experiments.{name}", experiment)
    for name, figure in figures.items():
        _check_figure(f"figures.{name}", figure, experiments)
    for name, figure in figures.items():
        _check_looks(f"figures.{name}", figure, config)
        looks(config, name)
    if "rates" in config:
        _check_rates("rates", config["rates"])
    if "audit" in config:
        _check_audit("audit", config["audit"], experiments)
    used = {e for figure in figures.values() for row in figure["rows"] for e in row["experiments"]}
    return [
        *(f"experiments.{name}: no figure uses it" for name in experiments if name not in used),
        *(
            f"captions.{name}: there is no such figure{nearest(name, figures)}"
            for name in config.get("captions", ())
            if name not in figures
        ),
    ]


def _check_experiment(key: str, experiment: Config) -> None:
    rates = experiment["learning_rates"]
    expected = HYPERPARAMETERS[experiment["optimizer"]]
    names = [entry.get("name", "") for entry in experiment["sets"]]
    if len(set(names)) < len(names):
        raise ConfigError(f"{key}.sets: two sets have the name {max(names, key=names.count)!r}; names must differ")
    for i, entry in enumerate(experiment["sets"]):
        if len(entry["steps"]) != len(rates):
            raise ConfigError(
                f"{key}.sets[{i}].steps = {entry['steps']}: needs one number for each of learning_rates = {rates}"
            )
        if set(entry["hyperparameters"]) != set(expected):
            raise ConfigError(
                f"{key}.sets[{i}].hyperparameters: {experiment['optimizer']} takes "
                f"{' and '.join(expected) or 'none'}, not {' and '.join(entry['hyperparameters']) or 'none'}"
            )


def _check_rates(key: str, rates: Config) -> None:
    if "adagrad" in rates["curves"]:
        raise ConfigError(f"{key}.curves.adagrad: this name is taken by {key}.adagrad")
    for name, curve in rates["curves"].items():
        place, optimizer, varies = f"{key}.curves.{name}", curve["optimizer"], curve["varies"]
        names = HYPERPARAMETERS[optimizer]
        if varies not in names:
            raise ConfigError(f"{place}.varies = {varies!r}: {optimizer} has {' and '.join(names)}")
        fixed, expected = {*curve.get("fixed", {})}, {*names} - {varies}
        if fixed != expected:
            needed, given = (" and ".join(sorted(some)) or "none" for some in (expected, fixed))
            raise ConfigError(f"{place}.fixed: {optimizer} with {varies} varying needs {needed}, not {given}")
        if not curve["memory"]["shortest"] < curve["memory"]["longest"]:
            raise ConfigError(f"{place}.memory: shortest must be below longest = {curve['memory']['longest']}")
    for place, entry in {**rates["curves"], "adagrad": rates["adagrad"]}.items():
        if len(entry["steps"]) != len(rates["learning_rates"]):
            where = f"{key}.curves.{place}" if place in rates["curves"] else f"{key}.{place}"
            raise ConfigError(
                f"{where}.steps = {entry['steps']}: needs one number for each of "
                f"learning_rates = {rates['learning_rates']}"
            )


def _check_audit(key: str, audit: Config, experiments: Config) -> None:
    example = audit["example"]
    names = {f"{key}.experiments[{i}]": name for i, name in enumerate(audit.get("experiments", ()))}
    for place, name in {**names, f"{key}.example.experiment": example["experiment"]}.items():
        if name not in experiments:
            raise ConfigError(
                f"{place} = {shown(name)}: no such experiment; there are "
                f"{', '.join(experiments)}{nearest(name, experiments)}"
            )
    for limit, substeps in audit["substeps"].items():
        if any(fine != 2 * coarse for coarse, fine in itertools.pairwise(substeps)):
            raise ConfigError(f"{key}.substeps.{limit} = {substeps}: each must be twice the one before")
    place, name, rate = f"{key}.example", example["experiment"], example["learning_rate"]
    if rate not in (rates := experiments[name]["learning_rates"]):
        raise ConfigError(f"{place}.learning_rate = {rate}: {name} has {rates}")
    found = list(lanes(experiment_slice({"experiments": experiments}, name, rate)))
    for part in ("theta0", "hyperparameters"):
        found = [lane for lane in found if getattr(lane, part) == example[part]]
        if not found:
            raise ConfigError(f"{place}.{part} = {shown(example[part])}: {name} has no such configuration")


def audited(config: Config) -> dict[str, list[str]]:
    """The experiments that the audit takes apart, by their optimizer; none without an entry `audit`."""
    found: dict[str, list[str]] = {}
    for name in config["audit"].get("experiments", config["experiments"]) if "audit" in config else ():
        found.setdefault(config["experiments"][name]["optimizer"], []).append(name)
    return found


def _check_figure(key: str, figure: Config, experiments: Config) -> None:
    rates = {}
    for i, row in enumerate(figure["rows"]):
        for j, name in enumerate(row["experiments"]):
            if name not in experiments:
                raise ConfigError(
                    f"{key}.rows[{i}].experiments[{j}] = {shown(name)}: no such experiment; there are "
                    f"{', '.join(experiments)}{nearest(name, experiments)}"
                )
            experiment = experiments[name]
            rates[name] = experiment["learning_rates"]
            _check_row(f"{key}.rows[{i}]", row, name, experiment)
            quantities = ("theta", "loss", *STATES[experiment["optimizer"]])
            if figure["quantity"] not in quantities:
                raise ConfigError(f"{key}.quantity = {figure['quantity']!r}: {name} has {', '.join(quantities)}")
    first = next(iter(rates))
    for name, values in rates.items():
        if values != rates[first]:
            raise ConfigError(
                f"{key}: {first} and {name} differ in learning_rates; the columns of a figure are one list"
            )
    for i, row in enumerate(figure["rows"]):
        for j, inset in enumerate(row.get("insets", ())):
            _check_inset(f"{key}.rows[{i}].insets[{j}]", inset, first, rates[first])


def _check_row(key: str, row: Config, name: str, experiment: Config) -> None:
    if row.get("theta0", experiment["theta0"][0]) not in experiment["theta0"]:
        raise ConfigError(f"{key}.theta0 = {row['theta0']}: {name} has {experiment['theta0']}")
    sets = [entry.get("name", "") for entry in experiment["sets"]]
    if row.get("set", sets[0]) not in sets:
        raise ConfigError(f"{key}.set = {shown(row['set'])}: {name} has {', '.join(map(repr, sets))}")


def _check_inset(key: str, inset: Config, name: str, rates: list[float]) -> None:
    if inset["learning_rate"] not in rates:
        raise ConfigError(f"{key}.learning_rate = {inset['learning_rate']}: {name} has {rates}")
    for side, axis in {"k": "x", "range": "y"}.items():
        if not inset[side][0] < inset[side][1]:
            raise ConfigError(f"{key}.{side} = {inset[side]}: the first must be below the second")
        if axis in inset.get("log", ()) and not inset[side][0] > 0:
            raise ConfigError(f"{key}.{side} = {inset[side]}: must be > 0 where log = {inset['log']}")
    if not min(inset["place"][2:]) > 0:
        raise ConfigError(f"{key}.place = {inset['place']}: width and height must be > 0")


def _check_looks(key: str, figure: Config, config: Config) -> None:
    for i, row in enumerate(figure["rows"]):
        runs = Counter(choice for name in row["experiments"] for choice in _choices(config, name, row))
        ((choice, count),) = runs.most_common(1)
        if count > 1:
            raise ConfigError(
                f"{key}.rows[{i}]: {count} runs of {choice} would look alike in one panel; "
                "give each a row of its own, by `theta0`, `set` or experiment"
            )


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


def looks(config: Config, name: str) -> dict[str, int]:
    """The choices of hyper-parameters that a figure shows, each with the place of its look (`optide.plotting.look`).

    A choice looks the same in all figures: its place is that among all choices of the configuration.  Where there are
    more choices than looks, looks are given out again, but never twice in one figure.  Only the choices of the figure
    are returned: another choice's change is none of its business.

    Raises:
        ConfigError: a choice is drawn together with so many others that no look is left.
    """
    everything = [*dict.fromkeys(c for experiment in config["experiments"] for c in _choices(config, experiment))]
    beside: dict[str, set[str]] = {choice: set() for choice in everything}
    for figure in config["figures"]:
        drawn = _drawn(config, figure)
        for choice in drawn:
            beside[choice] |= drawn.keys() - {choice}
    places: dict[str, int] = {}
    # those that are drawn with most others come first, while most looks are free
    for choice in sorted(everything, key=lambda choice: -len(beside[choice])):
        taken = {places.get(other) for other in beside[choice]}
        own = everything.index(choice)
        places[choice] = next((p % LOOKS for p in range(own, own + LOOKS) if p % LOOKS not in taken), -1)
    shown = {choice: places[choice] for choice in _drawn(config, name)}
    for choice, place in shown.items():
        if place < 0:
            raise ConfigError(
                f"figures.{name}: {choice} is drawn together with {len(beside[choice])} other choices of "
                f"hyper-parameters, and {LOOKS} looks can be told apart; divide them among experiments, or sets that "
                "rows select with `set`, and draw these in several figures"
            )
    return shown


def _drawn(config: Config, name: str) -> dict[str, None]:
    """The choices of hyper-parameters in the panels of a figure, in order."""
    rows = config["figures"][name]["rows"]
    return dict.fromkeys(choice for row in rows for e in row["experiments"] for choice in _choices(config, e, row))


def _choices(config: Config, name: str, row: Config | None = None) -> list[str]:
    """The choice of each run of an experiment at one learning rate, or of each that a row of a figure shows."""
    experiment = config["experiments"][name]
    part = experiment_slice(config, name, experiment["learning_rates"][0])
    wanted = {key: row[key] for key in ("theta0", "set") if key in (row or {})}
    shown = [lane for lane in lanes(part) if all(getattr(lane, key) == value for key, value in wanted.items())]
    return [label(experiment["optimizer"], lane.hyperparameters) for lane in shown]
