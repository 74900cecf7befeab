"""What JSON Schema cannot say about `claims.yaml`.

Nothing here imports JAX, so that the workflow can be planned without it.

`python -m optide.claims.check FILE` prints the reference page of the schema.
"""

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from optide.base.errors import ConfigError
from optide.base.words import nearest, shown
from optide.claims import region_check
from optide.claims.equation import EQUATION
from optide.claims.measures import CURVE, PAIR
from optide.claims.selection import MODELS, Claim, configurations, counterpart
from optide.settings import yamlfile
from optide.settings.config import Config
from optide.settings.examine import check_quantity
from optide.settings.schema import first_error, reference
from optide.settings.schemes import DISCRETE
from optide.settings.vocabulary import complete

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
    if error := first_error(document, complete_schema(schema)):
        raise ConfigError(error)
    reasons = {}
    for name, claim in document["claims"].items():
        _check_measurement(f"claims.{name}", claim)
        reasons[name] = _check_traces(f"claims.{name}", claim, config)
    return {name: reason for name, reason in reasons.items() if reason}


def complete_schema(schema: Mapping[str, Any]) -> Any:
    """The schema of the claims with its words: those of any schema, and the names of measurements and models."""
    return complete(schema, functions={"enum": [*FUNCTIONS]}, **region_check.words())


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
    relative = claim.get("against", {}).get("model") == DISCRETE.name
    if DISCRETE.name in models and (relative or function not in CURVE):
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
        check_quantity(f"{key}.measurement.quantity", claim["measurement"]["quantity"], name, experiments[name])
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


if __name__ == "__main__":
    sys.stdout.write(reference(complete_schema(yamlfile.read(sys.argv[1]))))
