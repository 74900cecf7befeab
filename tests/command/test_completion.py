"""Completion, asked of each shell as it asks at the key: in a folder with a plug-in, at the end of a line."""

import os
import pty
import re
import shutil
import subprocess
import sys
import threading

import pytest

from conftest import ROOT
from optide.problem.registry import OPTIMIZERS

BASH = """
eval "$(_OPTIDE_COMPLETE=bash_source optide)"
complete -p optide > /dev/null || exit 1
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _optide_completion optide
printf "%s\\n" "${COMPREPLY[@]}"
"""
ZSH = """
autoload -Uz compinit && compinit -u -D
eval "$(_OPTIDE_COMPLETE=zsh_source optide)"
compadd() {
    local -a offered
    # with these it answers the functions around it and offers nothing
    [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] || { builtin compadd -A offered "$@"; print -rl -- $offered >> offered }
    builtin compadd "$@"
}
zle-line-init() { BUFFER=$LINE; CURSOR=$#BUFFER; zle complete-word; exit 0 }
zle -N zle-line-init
"""
FISH = "_OPTIDE_COMPLETE=fish_source optide | source; complete -C $argv[1]"


def bash(line, run):
    # "=" parts words in bash, and what is before it stays
    words = [word for word in re.split(r" |(=)", line) if word is not None]
    kept, equals, _ = line.split(" ")[-1].rpartition("=")
    offered = run("bash", "--norc", "-c", BASH, "bash", *words).splitlines()
    return [f"{kept}{equals}{word}" for word in offered]


def zsh(line, run):
    """It completes at a terminal alone; `compadd` then writes a file."""
    folder = run.folder
    (folder / ".zshrc").write_text(ZSH)
    ours, its = pty.openpty()

    def read():
        try:
            while os.read(ours, 1000):
                pass
        except OSError:  # it is closed
            pass

    reading = threading.Thread(target=read)
    reading.start()
    at_terminal = {"stdin": its, "stdout": its, "stderr": its, "capture_output": False, "start_new_session": True}
    try:
        run("zsh", "-d", "-i", env={"ZDOTDIR": str(folder), "LINE": line, "TERM": "dumb"}, **at_terminal)
    finally:
        os.close(its)
        reading.join()
        os.close(ours)
    offered = folder / "offered"
    return offered.read_text().split() if offered.exists() else []


def fish(line, run):
    return [offer.partition("\t")[0] for offer in run("fish", "--no-config", "-c", FISH, line).splitlines()]


@pytest.fixture
def run(tmp_path):
    """Starts a shell in the folder, whose home this is, too."""
    program = tmp_path / "bin" / "optide"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m optide.command.main "$@"\n')
    program.chmod(0o755)
    path = {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src"), "HOME": str(tmp_path)}

    def started(shell, *arguments, env=None, **how):
        found = shutil.which(shell) or pytest.skip(f"needs {shell}")
        how = {"capture_output": True, "text": True, "timeout": 60} | how
        done = subprocess.run([found, *arguments], cwd=tmp_path, env=os.environ | path | (env or {}), check=True, **how)
        assert not done.stderr
        return done.stdout

    started.folder = tmp_path
    return started


@pytest.fixture(params=[bash, zsh, fish], ids=lambda shell: shell.__name__)
def offered(request, run):
    shutil.copy(ROOT / "examples" / "ideas" / "ideas.py", run.folder)
    (run.folder / "config.yaml").write_text("plugins: [ideas.py]\nfigures: {mine: {}, other: {}}\n")
    return lambda line: request.param(line, run)


PLUGGED = [*OPTIMIZERS, "adamw", "heavy_ball"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("optide c", ["check", "compare"]),
        ("optide run m", ["mine", "mend"]),
        ("optide solve --t-start o", ["origin", "one_step"]),
        ("optide solve --optimizer ", PLUGGED),
        ("optide solve --optimizer=", [f"--optimizer={name}" for name in PLUGGED]),
        ("optide solve --optimizer=adag", ["--optimizer=adagrad"]),
        ("optide solve --optimizer adam --be", ["--beta1", "--beta2"]),
        ("optide compare --optimizer=adamw --d", ["--decay"]),
        ("optide solve --plugin nowhere.py --optimizer ada", ["adagrad", "adam", "adamw"]),
    ],
)
def test_a_shell_completes_what_there_is(offered, line, words):
    assert sorted(offered(line)) == sorted(words)  # fish has an order of its own


@pytest.mark.parametrize("shell", [bash, zsh, fish], ids=lambda shell: shell.__name__)
def test_a_plugin_in_the_home_folder_and_a_configuration_that_cannot_be_read(shell, run):
    shutil.copy(ROOT / "examples" / "ideas" / "ideas.py", run.folder)
    (run.folder / "config.yaml").mkdir()
    assert shell("optide solve --plugin ~/ideas.py --optimizer heavy_ball --bet", run) == ["--beta"]


def test_fish_shows_the_whole_of_a_description_with_commas(run):
    assert "[adagrad, rmsprop, adam: " in run("fish", "--no-config", "-c", FISH, "optide solve --learning")
