"""What pyproject.toml cannot say: the files of the workflow, which lie outside of src, are a part of the package."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PACKAGED = Path("optide") / "project"
"""Where `optide.base.home` looks for them."""
PATTERNS = (
    *("Snakefile", "config.yaml", "claims.yaml", "workflow/**/*"),
    # what the RO-Crate has copies of, and what `optide check` compares with
    *("pyproject.toml", "requirements.lock", "CITATION.cff", "LICENSE", "reproducibility/*"),
)


def files() -> list[Path]:
    found = (path for pattern in PATTERNS for path in sorted(Path().glob(pattern)))
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


class WithWorkflow(build_py):
    """An editable install finds the files in their places."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for path in files():
                place = Path(self.build_lib) / PACKAGED / path
                self.mkpath(str(place.parent))
                self.copy_file(str(path), str(place))

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *map(str, files())]


setup(cmdclass={"build_py": WithWorkflow})
