"""A Dockerfile as its instructions, and the steps of one run without a container."""

import json
import re
import shutil
import subprocess
from typing import NamedTuple

SYSTEM = ("apt-get ", "useradd ")
"""What a step begins with that changes the system, and only makes sense in a container."""


class Stage(NamedTuple):
    """What is between one FROM and the next: the base, and (instruction, argument) in order."""

    base: str
    name: str
    steps: list[tuple[str, str]]

    def of(self, instruction):
        return [argument for kind, argument in self.steps if kind == instruction]


def read(text):
    """The stages."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    stages = []
    for line in filter(None, whole.splitlines()):
        kind, argument = line.split(maxsplit=1)
        if kind == "FROM":
            base, *named = re.split(r" AS ", argument)
            stages.append(Stage(base, "".join(named), []))
        else:
            stages[-1].steps.append((kind, argument))
    return stages


def environment(stage):
    """The variables that a stage sets, PATH without what it was."""
    found = dict(pair.split("=", 1) for argument in stage.of("ENV") for pair in argument.split())
    return found | {"PATH": found["PATH"].removesuffix(":$PATH")}


def start(stage):
    """The command line that a container of this stage runs, without its arguments."""
    return json.loads(stage.of("ENTRYPOINT")[-1])


def build(stage, context, root, variables):
    """Run the COPY, RUN and WORKDIR of a stage below `root`: a folder in place of the container's own root."""
    folder = root

    def moved(text):
        return re.sub(r"(?<![\w.])/(opt|src|work)\b", rf"{root}/\1", text)

    for kind, argument in stage.steps:
        if kind == "WORKDIR":
            folder = root / argument.lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
        elif kind == "COPY":
            *sources, target = argument.split()
            for source in sources:
                if (context / source).is_dir():
                    junk = shutil.ignore_patterns("__pycache__", "*.egg-info")
                    shutil.copytree(context / source, folder / target, ignore=junk)
                else:
                    shutil.copy(context / source, folder / target)
        elif kind == "RUN" and not argument.startswith(SYSTEM):
            done = subprocess.run(
                ["sh", "-ec", moved(argument)], cwd=folder, env=variables, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (argument, done.stdout + done.stderr)
    return moved
