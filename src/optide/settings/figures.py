"""Which traces figures and the audit ask for, and what a figure is called."""

from typing import Any

from optide.problem.registry import written
from optide.settings.config import Config, experiment_slice


def audited(config: Config) -> dict[str, list[str]]:
    """The experiments that the audit takes apart, by their optimizer; none without an entry `audit`."""
    found: dict[str, list[str]] = {}
    for name in config["audit"].get("experiments", config["experiments"]) if "audit" in config else ():
        found.setdefault(config["experiments"][name]["optimizer"], []).append(name)
    return found


def audit_slice(config: Config, optimizer: str) -> dict[str, Any]:
    """What the audit of an optimizer depends on, and nothing else."""
    experiments = [
        experiment_slice(config, name, rate)
        for name in audited(config)[optimizer]
        for rate in config["experiments"][name]["learning_rates"]
    ]
    return {"experiments": experiments, "audit": {name: config["audit"][name] for name in ("substeps", "order")}}


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
