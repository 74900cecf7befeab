"""What JSON Schema cannot say about `claims.yaml`, and which configurations a claim is about.

Nothing here imports JAX, so that the workflow can be planned without it.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from optide.base.errors import ConfigError
from optide.base.words import shown
from optide.claims.equation import EQUATION
from optide.claims.measures import CURVE, PAIR
from optide.settings.config import STATES, Config, experiment_slice, lanes
from optide.settings.schema import first_error, nearest

Claim = Mapping[str, Any]

MODELS = ("discrete", "published", "converged")
FUNCTIONS = CURVE | PAIR | EQUATION


def examine(document: Any, schema: Mapping[str, Any], config: Config) -> dict[str, str]:
    """Check the claims against their schema, the measurements that there are, and the configuration.

    Args:
        document: the content of `claims.yaml`.
        schema: of it.
        config: a configuration that was examined.

    Returns:
        Claims that cannot be judged, because the configuration no longer contains what they are about (as
        after changing a beta), with the reason.

    Raises:
        ConfigError: naming the key, its value and what is allowed.
    """
    if error := first_error(document, schema):
        raise ConfigError(error)
    reasons = {}
    for name, claim in document["claims"].items():
        _check_measurement(f"claims.{name}", claim)
        reasons[name] = _check_traces(f"claims.{name}", claim, config)
    return {name: reason for name, reason in reasons.items() if reason}


def _check_measurement(key: str, claim: Claim) -> None:
    function, parameters = claim["measurement"]["function"], claim["measurement"].get("parameters", {})
    expected = parameters_of(function)
    for name in parameters:
        if name not in expected:
            raise ConfigError(
                f"{key}.measurement.parameters.{name}: {function} takes {' and '.join(expected) or 'none'}"
                f"{nearest(name, expected)}"
            )
    for name in expected:
        if name not in parameters:
            raise ConfigError(
                f"{key}.measurement.parameters.{name}: missing; {function} takes {' and '.join(expected)}"
            )
    models = claim.get("models", MODELS)
    relative = claim.get("against", {}).get("model") == "discrete"
    if "discrete" in models and (relative or function not in CURVE):
        what = "a comparison with the discrete model" if relative else function
        raise ConfigError(f"{key}.models = {shown([*models])}: {what} needs published or converged")
    for comparison in ("between", "outside"):
        limits = claim["criterion"].get(comparison)
        if limits and not limits[0] < limits[1]:
            raise ConfigError(f"{key}.criterion.{comparison} = {limits}: the first must be below the second")


def _check_traces(key: str, claim: Claim, config: Config) -> str:
    """Make sure that the experiments exist and have the quantity; returns what else is missing, or ""."""
    experiments = config["experiments"]
    for i, selection in enumerate(claim["traces"]):
        name, place = selection["experiment"], f"{key}.traces[{i}]"
        if name not in experiments:
            raise ConfigError(
                f"{place}.experiment = {shown(name)}: no such experiment; there are "
                f"{', '.join(experiments)}{nearest(name, experiments)}"
            )
        quantities = ("theta", "loss", *STATES[experiments[name]["optimizer"]])
        quantity = claim["measurement"]["quantity"]
        if quantity not in quantities:
            raise ConfigError(f"{key}.measurement.quantity = {quantity!r}: {name} has {', '.join(quantities)}")
        selected = configurations(selection, config)
        if not selected:
            return f"{place} = {shown(dict(selection))}: {name} has no such configuration"
        for configuration in selected if "against" in claim else []:
            if not configurations(counterpart(configuration, claim["against"]), config):
                return f"{key}.against = {shown(dict(claim['against']))}: {name} has no such configuration"
    return ""


def parameters_of(function: str) -> list[str]:
    """The names of the parameters of a measurement."""
    signature = inspect.signature(FUNCTIONS[function])
    return [name for name, part in signature.parameters.items() if part.kind is part.KEYWORD_ONLY]


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
                models.append("discrete")
            found += [(m, selection["experiment"], rate) for m in models for rate in rates if rate is not None]
    return [*dict.fromkeys(found)]
