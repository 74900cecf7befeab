"""Pages that need no network: a template with its styles, its script and its data in it."""

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def rendered(name: str, data: Mapping[str, Any], styles: Sequence[str] = ("explorer",), **more: Any) -> str:
    """A page.

    Args:
        name: of the template and the script.
        data: JSON.
        styles: names of the style sheets, in order.
        more: what else is in the template.
    """
    environment = Environment(
        loader=PackageLoader("optide.show"), undefined=StrictUndefined, autoescape=True, trim_blocks=True
    )
    parts = resources.files("optide.show") / "templates"
    return environment.get_template(f"{name}.html").render(
        style="".join((parts / f"{one}.css").read_text(encoding="utf-8") for one in styles),
        code=(parts / f"{name}.js").read_text(encoding="utf-8"),
        # in a script, "<" could end it
        data=json.dumps(data).replace("<", r"\u003c"),
        **more,
    )
