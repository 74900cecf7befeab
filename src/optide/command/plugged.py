"""The plug-ins of a command: those that it names, of the configuration here, and of installed packages."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

import optide
from optide.base.errors import ConfigError, OptideError, warn
from optide.base.home import home
from optide.command.late import plugins

CONFIGURATION = "config.yaml"
STEP_UP = "needs more packages: pip install 'optide[workflow]'"
PLUGIN = click.Option(
    ["--plugin"],
    multiple=True,
    type=click.Path(dir_okay=False),
    help=f"A Python file with optimizers or objectives of one's own; any number, and those of {CONFIGURATION} here.",
)


def load(named: Sequence[str | Path], instead: Callable[[Exception], None] | None = None) -> None:
    """Load plug-ins: those named, and of the configuration here and of installed packages those that can be loaded.

    Args:
        named: their files.
        instead: what is done with an error; if not given, it is raised of one that is named, and of others a warning.

    Raises:
        OptideError: one of those named is wrong.
    """
    optide.pin()  # the bits of the workflow, and faster; before a plug-in imports JAX
    kinds = [
        (lambda: map(Path, named), instead),
        *((find, instead or warn) for find in (_of_configuration, plugins.installed)),
    ]
    for find, wrong in kinds:
        with _given_to(wrong):
            for one in find():
                with _given_to(wrong):
                    plugins.add(one)


@contextmanager
def _given_to(wrong: Callable[[Exception], None] | None) -> Iterator[None]:
    try:
        yield
    except (OptideError, OSError) as error:
        if not wrong:
            raise
        wrong(error)


def _of_configuration() -> list[Path]:
    file = Path(CONFIGURATION)
    # most configurations name none: reading one takes a tenth of a second, and other tools have files of this name
    if not file.is_file() or b"plugins" not in file.read_bytes():
        return []
    try:
        from optide.settings import layers, yamlfile  # noqa: PLC0415  (the library alone cannot read a configuration)
        from optide.settings.schema import first_error  # noqa: PLC0415
    except ImportError:
        raise ConfigError(f"{file}: reading the plug-ins that it names {STEP_UP}, or name them by --plugin") from None
    given = layers.given(Path(), [], {})
    keys = yamlfile.read(home() / "workflow" / "schemas" / "config.schema.yaml")["properties"]
    whole = layers.merged(given)
    named = {"plugins": whole["plugins"]} if isinstance(whole, dict) and "plugins" in whole else {}
    if wrong := first_error(named, {"properties": {"plugins": keys["plugins"]}}):
        raise ConfigError(f"{file}: {wrong}")
    return layers.plugin_files(given)
