"""An atlas that no solver made: each number in it is known from its configuration."""

import numpy as np
import pyarrow as pa

from optide.settings import atlas as regions
from optide.studies import atlas

STEPS = 20
DOUBLE_WELL = {
    "objective": "double_well",
    "optimizer": "rmsprop",
    "t_start": "origin",
    "steps": [STEPS],
    "theta0": {"from": -2.0, "to": 2.0, "values": 9, "spacing": "linear"},
    "hyperparameters": {"beta": {"from": 0.0, "to": 0.99, "values": 5, "spacing": "memory"}},
    "learning_rates": {"from": 0.001, "to": 0.1, "values": 5, "spacing": "logarithmic"},
}
QUADRATIC = {
    "objective": "quadratic",
    "optimizer": "adam",
    "t_start": "one_step",
    "steps": [STEPS, 2 * STEPS],
    "theta0": [1.0],
    "hyperparameters": {"beta1": [0.0, 0.9], "beta2": [0.99, 0.999]},
    "learning_rates": {"from": 0.01, "to": 1.0, "values": 5, "spacing": "logarithmic"},
}
REGIONS = {"double_well-rmsprop": DOUBLE_WELL, "quadratic-adam": QUADRATIC}


def settings(refine=1, sample=2, **more):
    """The entry `atlas` of a configuration."""
    return {"refine": refine, "shard": 1000, "sample": sample, "processor": "cpu", "regions": REGIONS, **more}


def gap(learning_rate, ahead):
    """The largest gap: the learning rate, and ten times it without look-ahead."""
    return learning_rate * (1 if ahead else 10)


def is_lost(theta0, learning_rate):
    """Where the equation was not solved: in one corner."""
    return (theta0 == 2.0) & (learning_rate == 0.1)


def crosses(learning_rate):
    """Whether the equation ends in the other well."""
    return learning_rate > 0.05


def behaviour(model, learning_rate):
    """The algorithm oscillates with large steps, its equation settles; neither does with small ones."""
    large = "oscillates" if model == atlas.DISCRETE else "settles"
    return np.where(learning_rate > 0.005, large, "under way")


def rows(region):
    """All rows of a region, by its slice."""
    numbers = np.arange(np.prod(regions.shape(region, region["refine"])))
    at = atlas.configurations(region, numbers)
    rate, theta0 = at["learning_rate"], at["theta0"]
    side = np.sign(theta0) if region["objective"] == "double_well" else np.full(len(numbers), 4.0)
    columns = {"row": numbers, **at, **{k: [region[k]] * len(numbers) for k in ("objective", "optimizer")}}
    for model in atlas.MODELS:
        of_equation = model != atlas.DISCRETE
        lost = is_lost(theta0, rate) if of_equation else np.zeros(len(numbers), bool)
        basin = np.where(crosses(rate) & of_equation & (side != 4), -side, side)
        midway = basin == 0
        columns |= {
            f"{model}_end": pa.array(basin * 0.9, mask=lost),
            f"{model}_basin": pa.array(basin, mask=lost | midway),
            f"{model}_behaviour": pa.array(behaviour(model, rate), pa.string(), mask=lost),
            f"{model}_loss": pa.array(rate**2, mask=lost),
            f"{model}_oscillations": pa.array(np.rint(1000 * rate).astype(int), mask=lost),
        }
        if of_equation:
            columns[f"{model}_gap"] = pa.array(gap(rate, model == atlas.EQUATION), mask=lost)
            columns[f"{model}_converged"] = ~lost
    schema = atlas.of(region)
    given = {name: pa.array(column) if not isinstance(column, pa.Array) else column for name, column in columns.items()}
    whole = [given.get(field.name, pa.nulls(len(numbers), field.type)).cast(field.type) for field in schema]
    return pa.table(whole, schema=schema)


def theta(row, model, k):
    """A curve of the sample: a straight line that tells the row and the model."""
    return row + atlas.MODELS.index(model) / 4 + k / 64


def curves(region):
    """The curves of a region's sample; the longest runs of two lengths."""
    numbers = np.arange(np.prod(regions.shape(region, region["refine"])))
    steps = atlas.configurations(region, numbers)["steps"].astype(int)
    kept = atlas.sampled(region, numbers)
    row = np.repeat(numbers[kept], steps[kept])
    k = np.concatenate([np.arange(n) for n in steps[kept]])
    return pa.table([row, k, *(theta(row, model, k) for model in atlas.MODELS)], schema=atlas.CURVES)


def write(folder, entry, length=100):
    """The files of an atlas, of at most so many rows each: those of its rows, and those of its curves."""
    of_rows, of_curves = [], []
    for name in entry["regions"]:
        region = regions.region_slice(entry, name)
        whole = rows(region)
        for first in range(0, len(whole), length):
            of_rows.append(folder / f"{name}-{first}.parquet")
            atlas.write(of_rows[-1], whole.slice(first, length), region)
        of_curves.append(folder / f"curves-{name}.parquet")
        atlas.write_curves(of_curves[-1], curves(region), region)
    return of_rows, of_curves


def experiments():
    """Of the paper: two points in the double well, one of them on no grid."""
    return {
        "experiments": {
            "double_well-rmsprop": {
                "objective": "double_well",
                "optimizer": "rmsprop",
                "theta0": [0.5],
                "t_start": "origin",
                "learning_rates": [0.01, 0.02],
                "sets": [{"hyperparameters": {"beta": [0.9]}, "steps": [5, 5]}],
            }
        },
        "figures": {"fig01": {"quantity": "theta", "rows": [{"experiments": ["double_well-rmsprop"]}]}},
    }


MAPS = {
    "gap": [{"region": "double_well-rmsprop", "x": "learning_rate", "y": "beta", "at": {"theta0": 0.5}}],
    "behaviour": [{"region": "quadratic-adam", "x": "learning_rate", "y": "beta1", "at": {"beta2": 0.99, "steps": 40}}],
    "basins": [{"region": "double_well-rmsprop", "x": "learning_rate", "y": "theta0", "at": {"beta": 0.9}}],
}
