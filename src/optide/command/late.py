"""What takes a tenth of a second to import, and more, and what the first page of help need not wait for."""

from typing import TYPE_CHECKING

from optide.base.lazy import Lazy

if TYPE_CHECKING:
    from optide.problem import plugins, registry
    from optide.settings import config
else:
    plugins, registry = Lazy("optide.problem.plugins"), Lazy("optide.problem.registry")
    config = Lazy("optide.settings.config")

__all__ = ["config", "plugins", "registry"]
