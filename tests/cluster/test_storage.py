"""Results in an object store, and jobs that share nothing but that: the bits are those of a local run."""

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from urllib.request import Request, urlopen

import pytest
from pods import serving_jobs
from slurm import free_ports, until

import optide
from conftest import ROOT
from pipeline import edited, planned, snakemake

PYTHON = ROOT / ".venv-cluster" / "bin" / "python"
pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs .venv-cluster: `make cluster`")

STORED = ("--default-storage-provider", "s3", "--default-storage-prefix", "s3://bucket/run")
FIGURE = "figures/converged/fig01.png"
ATLAS = "results/atlas/data/region=quadratic-adam/rows-0000000000.parquet"
MEASURED = ("results/logs", "results/benchmarks", "results/times")
"""What differs from run to run."""


def configured(folder):
    """One figure of one experiment, and no more than `all` needs."""

    def change(config):
        experiment = config["experiments"]["quadratic-adagrad"]
        experiment["learning_rates"], experiment["sets"] = [0.1], [{"hyperparameters": {}, "steps": [20]}]
        for name in config.keys() - {"experiments", "figures", "atlas"}:
            del config[name]
        del config["atlas"]["regions"]["double_well-rmsprop"], config["atlas"]["maps"]
        config["experiments"] = {"quadratic-adagrad": experiment}
        config["figures"] = {"fig01": config["figures"]["fig01"]}

    edited(folder, change)
    return folder


SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request"}
"""Whoever asks the store; it does not look at the signature itself."""


@contextmanager
def serving(*command):
    """A server, a process that is ended by its id."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def answers(url):
    with suppress(OSError):
        return urlopen(url).status


@pytest.fixture(scope="module")
def store():
    """An empty object store: the variables with which Snakemake finds it."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    with serving(PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)):
        until("the object store", lambda: answers(address))
        yield {
            "SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": address,
            "SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "any",
            "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "any",
        }


def stored(store, name, method="GET"):
    """The bytes of an object."""
    url = f"{store['SNAKEMAKE_STORAGE_S3_ENDPOINT_URL']}/bucket/{name}"
    with urlopen(Request(url, method=method, headers=SIGNED)) as answer:
        return answer.read()


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Everything, as made in a folder: bytes by name."""
    folder = configured(tmp_path_factory.mktemp("local"))
    code, output = snakemake(folder, "all", ATLAS)
    assert code == 0, output
    paths = [folder / "ro-crate-metadata.json", *folder.glob("figures/**/*.*"), *folder.glob("results/**/*.*")]
    names = {str(path.relative_to(folder)): path for path in paths if path.is_file()}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(MEASURED)}


def test_all_results_of_an_object_store_have_the_same_bits_and_are_read_from_it_again(store, local, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        configured(folder)
    code, output = snakemake(first, "all", ATLAS, *STORED, python=PYTHON, **store)
    assert code == 0, output
    assert {FIGURE, ATLAS, "results/inputs/config.yaml", "ro-crate-metadata.json"} <= local.keys()
    assert {name: stored(store, f"run/{name}") for name in local} == local
    # how far it is, a run tells here
    assert {path.name for path in (first / "results").rglob("*") if path.is_file()} == {"atlas.log"}
    # elsewhere, where there are no files at all
    assert planned(second, "all", ATLAS, *STORED, python=PYTHON, **store) == set()
    stored(store, f"run/{FIGURE}", method="DELETE")
    code, output = snakemake(second, FIGURE, *STORED, python=PYTHON, **store)
    assert code == 0, output
    assert output.count("Finished jobid") == 1
    assert stored(store, f"run/{FIGURE}") == local[FIGURE]


KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: tests, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: tests, user: {{token: none}}}}]
contexts: [{{name: tests, context: {{cluster: tests, user: tests}}}}]
current-context: tests
"""


@pytest.fixture
def clone(tmp_path):
    """A repository of git with the project and a small configuration: what is tracked is what jobs get."""
    folder = tmp_path / "clone"
    for name in ("src", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "Snakefile", folder)
    (folder / "profiles").symlink_to("workflow/profiles")
    configured(folder)
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def test_jobs_of_kubernetes_have_the_sources_and_the_object_store_and_nothing_else(store, local, clone, tmp_path):
    """With a stand-in for Kubernetes, and one for pip, by which a job installs what is there already."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pip").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "pip").chmod(0o755)
    (tmp_path / "pods").mkdir()
    path = os.pathsep.join([str(tmp_path / "bin"), str(PYTHON.parent), "/usr/bin", "/bin"])
    command = [PYTHON, "-m", "snakemake", "--profile", "workflow/profiles/kubernetes", FIGURE]
    command += ["--default-storage-prefix", "s3://bucket/pods", "--seconds-between-status-checks", "1"]
    with serving_jobs(tmp_path / "pods", path) as kubernetes:
        (tmp_path / "kubeconfig").write_text(KUBECONFIG.format(port=kubernetes.server_port))
        variables = {"KUBECONFIG": str(tmp_path / "kubeconfig"), "PYTHONPATH": str(clone / "src"), **store}
        run = subprocess.run(
            command, cwd=clone, env={**os.environ, **variables}, capture_output=True, text=True, check=False
        )
    logs = "".join(path.read_text() for path in tmp_path.glob("pods/*.log"))
    assert run.returncode == 0, run.stdout + run.stderr + logs
    traces = [f"results/traces/{scheme}/quadratic-adagrad/lr0.1.parquet" for scheme in ("discrete", "converged")]
    for name in (FIGURE, *traces):
        assert stored(store, f"pods/{name}") == local[name]
    # the traces, and the figure
    assert [one["resources"]["requests"]["memory"] for one in kubernetes.containers] == ["2000M", "1000M"]
    assert {one["image"] for one in kubernetes.containers} == {f"registry.example/optide:{optide.__version__}"}
