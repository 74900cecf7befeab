"""What JSON Schema cannot say about a configuration: that it does not contradict itself."""

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any

from optide.base.errors import ConfigError
from optide.base.words import nearest, shown
from optide.problem.registry import OBJECTIVES, OPTIMIZERS, quantities
from optide.settings import atlas as regions
from optide.settings.axes import check_axis, check_hyperparameters
from optide.settings.config import Config, elements, experiment_slice, lanes, steps_of
from optide.settings.looks import choices, looks
from optide.settings.maps import check_maps
from optide.settings.schema import first_error
from optide.settings.vocabulary import complete

LEAST, MOST = 3, 10**6
"""Steps that a run of `beyond` may have."""
JOBS = 10**5
"""Shards that an atlas may have: Snakemake plans no more in bearable time."""


def examine(config: Any, schema: Mapping[str, Any]) -> list[str]:
    """Check a configuration against its schema and against itself.

    Returns:
        Warnings, one line each.

    Raises:
        ConfigError: naming the key, its value and what is allowed.
    """
    if error := first_error(config, complete(schema)):
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
    if "beyond" in config:
        _check_beyond("beyond", config["beyond"])
    if "atlas" in config:
        _check_atlas("atlas", config["atlas"])
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
    rates, optimizer = experiment["learning_rates"], OPTIMIZERS[experiment["optimizer"]]
    _check_theta0(f"{key}.theta0", experiment)
    names = [entry.get("name", "") for entry in experiment["sets"]]
    if len(set(names)) < len(names):
        raise ConfigError(f"{key}.sets: two sets have the name {max(names, key=names.count)!r}; names must differ")
    for i, entry in enumerate(experiment["sets"]):
        if len(entry["steps"]) != len(rates):
            raise ConfigError(
                f"{key}.sets[{i}].steps = {entry['steps']}: needs one number for each of learning_rates = {rates}"
            )
        check_hyperparameters(f"{key}.sets[{i}].hyperparameters", optimizer, entry["hyperparameters"])


def _check_theta0(key: str, experiment: Config) -> None:
    """All starting points must have as many elements as each other, and as a minimum of the objective."""
    minima = OBJECTIVES[experiment["objective"]].minima
    expected = elements(minima[0] if minima else experiment["theta0"][0])
    for i, theta0 in enumerate(experiment["theta0"]):
        if elements(theta0) != expected:
            wanted = f"a list of {expected} numbers" if expected else "a number"
            raise ConfigError(f"{key}[{i}] = {theta0}: {experiment['objective']} takes {wanted}")


def _check_rates(key: str, rates: Config) -> None:
    if "adagrad" in rates["curves"]:
        raise ConfigError(f"{key}.curves.adagrad: this name is taken by {key}.adagrad")
    for name, curve in rates["curves"].items():
        place, optimizer, varies = f"{key}.curves.{name}", curve["optimizer"], curve["varies"]
        names = OPTIMIZERS[optimizer].choices()
        if varies not in names:
            raise ConfigError(
                f"{place}.varies = {varies!r}: {optimizer} has {' and '.join(names)}{nearest(varies, names)}"
            )
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
        there = [getattr(lane, part) for lane in found]
        found = [lane for lane in found if getattr(lane, part) == example[part]]
        if not found:
            has = ", ".join(dict.fromkeys(map(shown, there)))
            raise ConfigError(f"{place}.{part} = {shown(example[part])}: {name} has {has}")
    # what is drawn is the way to a minimum
    objective = OBJECTIVES[experiments[name]["objective"]]
    if elements(example["theta0"]) or not objective.minima:
        lacks = "a theta that is a list" if elements(example["theta0"]) else f"{objective.name}, of no known minimum"
        raise ConfigError(f"{place}.experiment = {shown(name)}: must be of one number and a known minimum, not {lacks}")
    if example["first"] > (last := found[0].steps - 2):
        raise ConfigError(f"{place}.first = {example['first']}: must be at most {last}, two steps before its end")


def _check_beyond(key: str, beyond: Config) -> None:
    chosen = beyond["optimizers"]
    for name, values in chosen.items():
        lists = {parameter: [value] for parameter, value in values.items()}
        check_hyperparameters(f"{key}.optimizers.{name}", OPTIMIZERS[name], lists)
    for problem, settings in beyond["problems"].items():
        for name, runs in settings["runs"].items():
            place = f"{key}.problems.{problem}.runs.{name}"
            if name not in chosen:
                raise ConfigError(f"{place}: {key}.optimizers has {', '.join(chosen)}{nearest(name, chosen)}")
            for rate in runs["learning_rates"]:
                if not LEAST <= (steps := steps_of(runs["span"], rate)) <= MOST:
                    allowed = f"must be {LEAST} to {MOST:,}"
                    raise ConfigError(
                        f"{place}.span = {runs['span']}: {steps} steps at learning rate {rate}; {allowed}"
                    )


def _check_atlas(key: str, atlas: Config) -> None:
    refine = atlas["refine"]
    for name, region in atlas["regions"].items():
        place, optimizer = f"{key}.regions.{name}", OPTIMIZERS[region["optimizer"]]
        if any(map(elements, OBJECTIVES[region["objective"]].minima)):
            raise ConfigError(f"{place}.objective = {shown(region['objective'])}: must be of one number, not of a list")
        check_hyperparameters(f"{place}.hyperparameters", optimizer, region["hyperparameters"], refine)
        check_axis(f"{place}.theta0", region["theta0"], refine=refine)
        rates = optimizer.vocabulary()["learning_rate"].range
        check_axis(f"{place}.learning_rates", region["learning_rates"], rates, refine)
    check_maps(f"{key}.maps", atlas)
    rows = sum(regions.count(atlas, name) for name in atlas["regions"])
    if rows > (most := JOBS * regions.FILE):
        blamed = f"refine = {refine}" if refine > 1 else "regions"
        raise ConfigError(f"{key}.{blamed}: {rows:,} configurations; must be at most {most:,}")
    if rows > JOBS * atlas["shard"]:
        least = f"at least {-(-rows // JOBS):,} for {rows:,} configurations, so that jobs are {JOBS:,} at most"
        raise ConfigError(f"{key}.shard = {atlas['shard']}: must be {least}")


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
            check_quantity(f"{key}.quantity", figure["quantity"], name, experiment)
    first = next(iter(rates))
    for name, values in rates.items():
        if values != rates[first]:
            raise ConfigError(
                f"{key}: {first} and {name} differ in learning_rates; the columns of a figure are one list"
            )
    for i, row in enumerate(figure["rows"]):
        for j, inset in enumerate(row.get("insets", ())):
            _check_inset(f"{key}.rows[{i}].insets[{j}]", inset, first, rates[first])


def check_quantity(key: str, quantity: str, name: str, experiment: Config) -> None:
    """Make sure that the traces of an experiment have a quantity.

    Raises:
        ConfigError: they have not; names those that they have.
    """
    size = elements(experiment["theta0"][0])
    there = quantities(experiment["optimizer"], size)
    if quantity not in there:
        raise ConfigError(f"{key} = {quantity!r}: {name} has {', '.join(there)}{nearest(quantity, there)}")


def _check_row(key: str, row: Config, name: str, experiment: Config) -> None:
    if row.get("theta0", experiment["theta0"][0]) not in experiment["theta0"]:
        raise ConfigError(f"{key}.theta0 = {row['theta0']}: {name} has {experiment['theta0']}")
    sets = [entry.get("name", "") for entry in experiment["sets"]]
    if row.get("set", sets[0]) not in sets:
        there = f"{', '.join(map(repr, sets))}{nearest(row['set'], sets)}"
        raise ConfigError(f"{key}.set = {shown(row['set'])}: {name} has {there}")


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
        runs = Counter(choice for name in row["experiments"] for choice in choices(config, name, row))
        ((choice, count),) = runs.most_common(1)
        if count > 1:
            raise ConfigError(
                f"{key}.rows[{i}]: {count} runs of {choice} would look alike in one panel; "
                "give each a row of its own, by `theta0`, `set` or experiment"
            )
