"""A real Slurm on one machine: a controller and some nodes, all processes of the one user who starts them.

    python tests/cluster/slurm.py install      # Debian's packages, as root
    python tests/cluster/slurm.py run COMMAND  # start it, run a command that finds it, stop it

It has its own keys, ports, files and sockets, in a folder of its own: another Slurm on the machine is left alone.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from getpass import getuser
from pathlib import Path

import psutil

PACKAGES = ("slurm-wlm", "munge")
DAEMONS = ("munged", "slurmctld", "slurmd")
NODES = ("n1", "n2")
PATIENCE = 120
"""Seconds to wait for what takes about one."""

CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
MinJobAge=3600
DefMemPerCPU=1000
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdSpoolDir={folder}/%n
StateSaveLocation={folder}/state
"""
"""Memory is enforced by looking at it every second, as control groups are not to be had in every container."""


def missing():
    """The programs that are needed and not there."""
    found = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    return [name for name in DAEMONS if not shutil.which(name, path=found)]


def install():
    """Debian's packages; nothing where they are there already."""
    if missing():
        subprocess.run(["apt-get", "update", "--quiet=2"], check=True)
        command = ["apt-get", "install", "--quiet=2", "--yes", "--no-install-recommends", *PACKAGES]
        subprocess.run(command, check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def free_ports(number):
    """Ports that nobody listens to."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def until(what, condition, seconds=PATIENCE):
    """Wait until a condition holds, and return what it gives.

    Raises:
        TimeoutError: it does not.
    """
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.1)
    return found


class Slurm:
    """A running one.

    Attributes:
        folder: of its files.
        environment: of processes whose commands find it.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        paths = [f"{self.folder}/bin", os.environ["PATH"], "/usr/sbin"]
        self.environment = {**os.environ, "SLURM_CONF": f"{self.folder}/slurm.conf", "PATH": os.pathsep.join(paths)}
        self._running = {}

    def start(self):
        """All daemons, and wait until jobs can be submitted."""
        for name in ("bin", "state", *NODES):
            (self.folder / name).mkdir()
        # Snakemake's plugin takes SLURM_CONF away from the `srun` of a job, as all variables that begin with SLURM_
        srun = self.folder / "bin" / "srun"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        (self.folder / "completed").touch()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        port, *ports = free_ports(1 + len(NODES))
        host = socket.gethostname().partition(".")[0]
        text = CONFIGURATION.format(host=host, port=port, user=getuser(), folder=self.folder)
        for node, at in zip(NODES, ports, strict=True):
            text += f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={at} CPUs=1 RealMemory=9000\n"
        text += f"PartitionName=main Nodes={','.join(NODES)} Default=YES MaxTime=INFINITE State=UP\n"
        (self.folder / "slurm.conf").write_text(text)
        files = {option: self.folder / f"munge.{option}" for option in ("socket", "pid", "seed", "log")}
        # a folder of the user's, which others may read but not change
        self._daemon(
            "munged",
            *("--foreground", "--force", f"--key-file={key}", f"--socket={files['socket']}"),
            *(f"--pid-file={files['pid']}", f"--seed-file={files['seed']}", f"--log-file={files['log']}"),
        )
        until("the socket of munge", files["socket"].exists)
        self.start_controller()
        for node in NODES:
            self._daemon("slurmd", "-D", "-N", node, name=node)
        until("idle nodes", lambda: self.nodes() == dict.fromkeys(NODES, "idle"))

    def _daemon(self, program, *arguments, name=None):
        with (self.folder / f"{name or program}.log").open("ab") as log:
            self._running[name or program] = subprocess.Popen(
                [shutil.which(program, path=self.environment["PATH"]), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                # an interrupt from the terminal is not for them
                start_new_session=True,
            )

    def start_controller(self):
        self._daemon("slurmctld", "-D")

    def stop(self, name):
        """One daemon, by the id of the process that was started."""
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self):
        """The jobs first, which nobody would look after."""
        try:
            self("scancel", "--user", getuser())
            until("no jobs", lambda: not self.jobs("PENDING,RUNNING,COMPLETING"))
        finally:
            for name in [*self._running][::-1]:
                self.stop(name)
            # Without control groups Slurm loses track of a process whose parent it killed first.
            for process in psutil.process_iter():
                with suppress(psutil.Error):
                    if process.environ().get("PATH", "").startswith(f"{self.folder}/bin"):
                        process.kill()

    def __call__(self, *command):
        """What one of Slurm's commands prints, stripped; empty where it fails."""
        run = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            timeout=PATIENCE,
        )
        return run.stdout.strip() if run.returncode == 0 else ""

    def nodes(self):
        """The state of each node, by its name."""
        return dict(line.split() for line in self("sinfo", "-h", "-N", "-o", "%N %T").splitlines())

    def jobs(self, states="all"):
        """The id and the node of each job in any of these states, separated by commas; also of those that are over."""
        return [line.split("|") for line in self("squeue", "-h", f"--states={states}", "-o", "%i|%N").splitlines()]

    def completed(self):
        """What the controller has noted of the jobs that ended: a dictionary each, with JobState and NodeList."""
        lines = (self.folder / "completed").read_text().splitlines()
        return [dict(part.split("=", 1) for part in line.split() if "=" in part) for line in lines]


@contextmanager
def started(folder):
    """A Slurm that is stopped in the end; its logs stay in the folder."""
    slurm = Slurm(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop_all()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["install", "run"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.task == "install":
        install()
        return 0
    # so that it is stopped
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, started(folder) as slurm:
        return subprocess.run(options.command, check=False, env=slurm.environment).returncode


if __name__ == "__main__":
    sys.exit(main())
