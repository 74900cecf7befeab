"""Which configurations a claim is about, and which traces it reads."""

from collections.abc import Mapping
from typing import Any

from optide.claims.measures import PAIR
from optide.settings.config import Config, experiment_slice, lanes
from optide.settings.schemes import DISCRETE, SCHEMES

Claim = Mapping[str, Any]

MODELS = tuple(SCHEMES)


def configurations(selection: Claim, config: Config) -> list[dict[str, Any]]:
    """The configurations that one entry of `traces` selects."""
    name, rate = selection["experiment"], selection["learning_rate"]
    if rate not in config["experiments"][name]["learning_rates"]:
        return []
    of_experiment = {"experiment": name, "learning_rate": rate}
    found = [
        {**of_experiment, "theta0": lane.theta0, "set": lane.set, "hyperparameters": lane.hyperparameters}
        for lane in lanes(experiment_slice(config, name, rate))
    ]
    return [configuration for configuration in found if selects(selection, configuration)]


def selects(selection: Claim, configuration: Claim) -> bool:
    """Whether a configuration is one of those that an entry of `traces` asks for."""
    wanted = {name: value for name, value in selection.items() if name != "hyperparameters"}
    choice = selection.get("hyperparameters", {})
    return all(configuration[name] == value for name, value in wanted.items()) and all(
        configuration["hyperparameters"].get(name) == value for name, value in choice.items()
    )


def counterpart(configuration: Claim, against: Claim) -> dict[str, Any]:
    """The entry of `traces` that selects what a configuration is compared with."""
    own = configuration["hyperparameters"]
    same = {name: configuration[name] for name in ("experiment", "learning_rate", "theta0", "set")}
    changed = {name: against[name] for name in ("learning_rate", "theta0") if name in against}
    return {**same, **changed, "hyperparameters": own | against.get("hyperparameters", {})}


def runs(claims: Mapping[str, Claim]) -> list[tuple[str, str, float]]:
    """The (scheme, experiment, learning rate) of all traces that the claims read."""
    found = []
    for claim in claims.values():
        for selection in claim["traces"]:
            rates = [selection["learning_rate"], claim.get("against", {}).get("learning_rate")]
            models = [*claim.get("models", MODELS)]
            if claim["measurement"]["function"] in PAIR or claim.get("against", {}).get("model"):
                models.append(DISCRETE.name)
            found += [(m, selection["experiment"], rate) for m in models for rate in rates if rate is not None]
    return [*dict.fromkeys(found)]
