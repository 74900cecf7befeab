"""The options that say what is solved, and how; those of hyper-parameters come from the classes of the optimizers.

No JAX is imported until something is solved, so that help and completion come at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optide.base.errors import ParameterError, warn
from optide.command.late import registry
from optide.command.plugged import PLUGIN, load
from optide.command.values import Name, NumberOr, Numbers, Written, demand_files_of_their_own
from optide.settings.schemes import CONTINUOUS

if TYPE_CHECKING:
    from optide.problem.optimizer import Optimizer

FORMATS = (".png", ".pdf", ".svg")
"""Of a plot."""
OPTIONS = [
    # eager, so that `--optimizer adam --help` has the options of Adam
    click.Option(
        ["--optimizer"],
        type=Name("optimizer", lambda: registry.OPTIMIZERS),
        required=True,
        is_eager=True,
        help="Its name.",
    ),
    click.Option(["--objective"], type=Name("objective", lambda: registry.OBJECTIVES), required=True, help="Its name."),
    click.Option(["--theta0"], type=Numbers(), required=True, help="Where theta starts."),
    click.Option(["--steps"], type=int, required=True, help="Of the algorithm; the equation runs as long."),
    click.Option(
        ["--method"],
        type=Name("method", lambda: [scheme.method for scheme in CONTINUOUS.values() if scheme.method]),
        default="march",
        show_default=True,
        help="march: fast, to rounding; picard: the published scheme.",
    ),
    click.Option(
        ["--t-start"],
        type=NumberOr("origin", "one_step", "zero"),
        default="origin",
        show_default=True,
        help="First time of the equation: origin (1e-12), one_step, zero, or a number.",
    ),
    click.Option(
        ["--lookahead"], type=int, default=1, show_default=True, help="1: memories up to t + learning rate; 0: up to t."
    ),
    click.Option(["--substeps"], type=int, default=1, show_default=True, help="Grid points per step."),
    click.Option(["--order"], type=int, default=1, show_default=True, help="1: Euler; 2 (march): trapezoidal rule."),
    click.Option(["--save-every"], type=int, default=1, show_default=True, help="Keep every so many grid points."),
    click.Option(["--plot"], type=Written(*FORMATS), help=f"Draw it: a file that ends in {' or '.join(FORMATS)}."),
    click.Option(["--parquet"], type=Written(".parquet"), help="Write all points: a file that ends in .parquet."),
    click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, with all digits."),
    PLUGIN,
]
_TAKEN = {"help", *(name for option in OPTIONS for name in (option.name, option.opts[0].strip("-").replace("-", "_")))}
"""What they are called, on the command line and within."""
HOW = ("method", "t_start", "lookahead", "substeps", "order", "save_every")
"""The keywords of `solve_ide` among them."""


class Configured(click.Command):
    """A command about one configuration: it has the hyper-parameters of all optimizers that there are as options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # plug-ins first, as their hyper-parameters are options
        early = click.Command(
            None,
            params=[PLUGIN],
            add_help_option=False,
            context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        )
        named = early.make_context(None, [*args], resilient_parsing=True).params["plugin"]
        # help is there whatever is wrong; a completion has no place to tell it
        helped = bool({*ctx.help_option_names} & {*args})
        instead = (lambda error: None) if ctx.resilient_parsing else warn if helped else None
        # a shell that completes has not yet put a home folder in the place of "~"
        load([Path(name).expanduser() for name in named or ()], instead)
        ctx.meta[_KEY] = [_option(name, having) for name, having in _hyperparameters().items()]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does, with the options for the parameters that errors of the library name."""
        demand_files_of_their_own(ctx)
        try:
            return super().invoke(ctx)
        except ParameterError as error:
            raise misused(error, {name: _flag(name) for name in ctx.params}) from None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = super().get_params(ctx)
        chosen = registry.OPTIMIZERS.get(ctx.params.get("optimizer", ""))
        shown = {_parameter(name) for name in (chosen.vocabulary() if chosen else _hyperparameters())}
        told = [option for option in ctx.meta.get(_KEY, ()) if option.name in shown]
        return [*own[:2], *told, *own[2:]]


_KEY = "optide.hyperparameters"


def _hyperparameters() -> dict[str, list[type[Optimizer]]]:
    """The optimizers that have each."""
    having: dict[str, list[type[Optimizer]]] = {}
    for optimizer in registry.OPTIMIZERS.values():
        for name in optimizer.vocabulary():
            having.setdefault(name, []).append(optimizer)
    return having


def _parameter(name: str) -> str:
    """What an option of a hyper-parameter is called: like it, or with a prefix if the command has one of that name."""
    return f"optimizer_{name}" if name in _TAKEN else name


def flag(name: str) -> str:
    """The option of a hyper-parameter, as it is typed."""
    return _flag(_parameter(name))


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def misused(error: ParameterError, options: Mapping[str, str]) -> Exception:
    """An error of the library, with the option in place of the parameter that it names."""
    if error.name not in options:
        return error
    told = ParameterError(options[error.name], error.value, error.allowed)
    return click.UsageError(str(told), click.get_current_context())


def default(optimizer: type[Optimizer], name: str) -> float | None:
    """Of a hyper-parameter; None if it must be given."""
    (field,) = (field for field in dataclasses.fields(optimizer) if field.name == name)
    return None if field.default is dataclasses.MISSING else float(field.default)


def _option(name: str, having: Sequence[type[Optimizer]]) -> click.Option:
    """What is said of it once, and then of each optimizer that has it, those together of which the same is said."""
    ranges: dict[str, list[str]] = {}
    for optimizer in having:
        usual = default(optimizer, name)
        allowed = optimizer.vocabulary()[name].range.allowed
        ranges.setdefault(f"{allowed}{'' if usual is None else f'; default {usual:g}'}", []).append(optimizer.name)
    descriptions = dict.fromkeys(optimizer.vocabulary()[name].description for optimizer in having)
    told = [*descriptions, *(f"[{', '.join(names)}: {text}]" for text, names in ranges.items())]
    return click.Option([flag(name), _parameter(name)], type=float, help="  ".join(filter(None, told)))


def optimizer_of(given: Mapping[str, Any]) -> Optimizer:
    """The optimizer that the options of a command name, with its hyper-parameters.

    Raises:
        UsageError: it has no hyper-parameter that is given, needs one that is not, or one is outside its range.
    """
    make = registry.OPTIMIZERS[given["optimizer"]]
    values = {n: given[_parameter(n)] for n in _hyperparameters() if given.get(_parameter(n)) is not None}
    own = ", ".join(map(flag, make.vocabulary()))
    for name in values.keys() - make.vocabulary().keys():
        raise click.UsageError(f"{flag(name)}: {make.name} has no such hyper-parameter; it has {own}.")
    for name in make.vocabulary():
        if name not in values and default(make, name) is None:
            raise click.UsageError(f"Missing option {flag(name)!r}: {make.name} has no default for it.")
    try:
        return make(**values)
    except ParameterError as error:
        raise misused(error, {name: flag(name) for name in values}) from None
