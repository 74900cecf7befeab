"""Which choice of hyper-parameters has which look in the figures."""

from optide.base.errors import ConfigError
from optide.settings.config import Config, experiment_slice, label, lanes

LOOKS = 41
"""So many choices of hyper-parameters can be told apart in one figure (`optide.show.style.look`)."""


def looks(config: Config, name: str) -> dict[str, int]:
    """The choices of hyper-parameters that a figure shows, each with the place of its look (`places`).

    Only the choices of the figure are returned: another choice's change is none of its business.

    Raises:
        ConfigError: a choice is drawn together with so many others that no look is left.
    """
    found = places(config)
    shown = {choice: found[choice] for choice in _drawn(config, name)}
    for choice, place in shown.items():
        if place < 0:
            raise ConfigError(
                f"figures.{name}: {choice} is drawn together with {len(_beside(config)[choice])} other choices of "
                f"hyper-parameters, and {LOOKS} looks can be told apart; divide them among experiments, or sets that "
                "rows select with `set`, and draw these in several figures"
            )
    return shown


def places(config: Config) -> dict[str, int]:
    """All choices of hyper-parameters, each with the place of its look (`optide.show.style.look`).

    A choice looks the same in all figures: its place is that among all choices of the configuration.  Where there are
    more choices than looks, looks are given out again, but never twice in one figure; -1 where none is left.
    """
    beside = _beside(config)
    everything = [*beside]
    found: dict[str, int] = {}
    # those that are drawn with most others come first, while most looks are free
    for choice in sorted(everything, key=lambda choice: -len(beside[choice])):
        taken = {found.get(other) for other in beside[choice]}
        own = everything.index(choice)
        found[choice] = next((p % LOOKS for p in range(own, own + LOOKS) if p % LOOKS not in taken), -1)
    return found


def _beside(config: Config) -> dict[str, set[str]]:
    """All choices of hyper-parameters, each with those that some figure draws beside it."""
    everything = [*dict.fromkeys(c for experiment in config["experiments"] for c in choices(config, experiment))]
    beside: dict[str, set[str]] = {choice: set() for choice in everything}
    for figure in config["figures"]:
        drawn = _drawn(config, figure)
        for choice in drawn:
            beside[choice] |= drawn.keys() - {choice}
    return beside


def _drawn(config: Config, name: str) -> dict[str, None]:
    """The choices of hyper-parameters in the panels of a figure, in order."""
    rows = config["figures"][name]["rows"]
    return dict.fromkeys(choice for row in rows for e in row["experiments"] for choice in choices(config, e, row))


def choices(config: Config, name: str, row: Config | None = None) -> list[str]:
    """The choice of each run of an experiment at one learning rate, or of each that a row of a figure shows."""
    experiment = config["experiments"][name]
    part = experiment_slice(config, name, experiment["learning_rates"][0])
    wanted = {key: value for key, value in (row or {}).items() if key in ("theta0", "set")}
    shown = [lane for lane in lanes(part) if all(getattr(lane, key) == value for key, value in wanted.items())]
    return [label(experiment["optimizer"], lane.hyperparameters) for lane in shown]
