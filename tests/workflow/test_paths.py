"""The project and its environment wherever they lie: spaces and other alphabets in paths, no git, a read-only home."""

import os
import shutil
import subprocess
import sys

from conftest import ROOT
from elsewhere import POWERLESS
from pipeline import REDUCED


def test_a_copy_without_git_and_its_environment_in_awkward_folders_with_a_read_only_home(tmp_path):
    project = tmp_path / "Zwei Wörter, 三"
    for folder in ("src", "workflow"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", project)
    (project / "profiles").symlink_to("workflow/profiles")
    shutil.copy(REDUCED, project / "config.yaml")
    environment = tmp_path / "eine Umgebung"
    environment.symlink_to(sys.prefix)
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL", "PYTEST_"))}
    python = environment / "bin" / "python"
    run = subprocess.run(
        [python, "-c", POWERLESS, "-m", "snakemake", "--cores", "2", "figures/converged/fig03.png"],
        cwd=project,
        # Snakemake must have a cache that it can write; `make reproduce` gives it this one
        env={
            **kept,
            "HOME": str(home),
            "XDG_CACHE_HOME": str(project / ".snakemake" / "cache"),
            "PYTHONPATH": str(project / "src"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    assert (project / "figures/converged/fig03.png").stat().st_size > 0
    assert list(home.iterdir()) == []
