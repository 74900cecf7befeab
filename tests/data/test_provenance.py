"""Every format carries its record, and a changed trace, a changed configuration or a foreign file is noticed."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from conftest import ROOT
from optide.base.errors import FileError
from optide.data import digests, provenance, traces
from optide.record import verify
from optide.settings.config import entry, experiment_slice
from optide.show import plotting
from optide.studies import experiments

CSV = b"x,y\n1,2\n"
FORMATS = ("png", "pdf", "md", "html", "tex", "csv")
KEYS = ("figures.fig01", "experiments.quadratic-adagrad")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run: configuration, two traces, and an artefact of every format drawn from them."""
    folder = tmp_path_factory.mktemp("run")
    shutil.copy(ROOT / "tests" / "reduced" / "config.yaml", folder / "config.yaml")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    paths = [f"results/traces/discrete/quadratic--adagrad/lr{rate}.parquet" for rate in (0.1, 0.05)]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for path, rate in zip(paths, (0.1, 0.05), strict=True):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            traces.write(path, *experiments.run(experiment_slice(config, "quadratic-adagrad", rate), "discrete"))
        record = provenance.describe(paths, {key: entry(config, key) for key in KEYS})
    write(folder, record)
    return folder, record


def write(folder, record):
    for kind in ("png", "pdf"):
        plotting.save(Figure(figsize=(1, 1)), folder / f"a.{kind}", record)
    for name, text in {"a.md": "A table.\n", "a.html": "<p>A table.</p>\n", "a.tex": "A table.\n"}.items():
        provenance.write(folder / name, (text + provenance.of_text(name, record)).encode())
    (folder / "a.csv").write_bytes(CSV)
    metadata = folder / "a.csv-metadata.json"
    provenance.write(metadata, provenance.of_text(metadata, record).encode(), CSV)


@pytest.fixture
def copy(run, tmp_path):
    """The finished run, to be changed."""
    return shutil.copytree(run[0], tmp_path / "copy")


def main(folder, *names):
    return verify.main([*(str(folder / name) for name in names), "--directory", str(folder)])


def test_a_record_has_digests_of_values_and_of_settings(run):
    folder, record = run
    assert set(record["configuration"]) == set(KEYS)
    assert len(record["traces"]) == 2
    for path, digest in record["traces"].items():
        assert digest == digests.of_table(traces.read(folder / path))
    assert digests.of_setting({"a": 0.1, "b": [1]}) == digests.of_setting({"b": [1], "a": 1e-1})
    assert digests.of_setting({"a": 0.1}) != digests.of_setting({"a": 0.1000000000000001})


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_back_what_it_was_given(run, capsys, suffix):
    folder, record = run
    assert provenance.read(folder / f"a.{suffix}") == record
    assert main(folder, f"a.{suffix}") == 0
    printed = capsys.readouterr().out
    assert "4 of 4 verified" in printed
    assert all(digest in printed for part in record.values() for digest in part.values())


def test_comments_are_comments(run):
    """Neither closes early (a path here contains "--"), and each line of the TeX comment starts with %."""
    folder, _ = run
    comment = (folder / "a.md").read_text().partition("<!--")[2]
    assert comment.count("--") == 1
    assert comment.endswith("-->\n")
    assert all(line.startswith("%") for line in (folder / "a.tex").read_text().splitlines()[1:])


def test_a_csv_file_stays_plain_and_its_metadata_are_csv_on_the_web(run):
    folder, _ = run
    assert pd.read_csv(folder / "a.csv").to_dict("list") == {"x": [1], "y": [2]}
    described = json.loads((folder / "a.csv-metadata.json").read_text())
    assert described["@context"] == "http://www.w3.org/ns/csvw"
    assert described["url"] == "a.csv"


@pytest.mark.parametrize("suffix", [*FORMATS, "csv-metadata.json"])
def test_a_file_that_was_changed_since_it_was_written_is_named(copy, capsys, suffix):
    """Each byte of it but the last, which ends a line or a file."""
    path = copy / f"a.{suffix}"
    whole = path.read_bytes()
    named = 0
    places = range(0, len(whole) - 1, max(1, len(whole) // 97))
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(FileError) as raised:
            provenance.read(path)
        named += str(raised.value) == f"{path}: changed since it was written"
    # the others can no longer be read
    assert named > 3
    path.write_bytes(whole)
    assert main(copy, path.name) == 0
    capsys.readouterr()


def test_a_png_file_that_was_written_anew_with_the_same_record_is_named(copy):
    with Image.open(copy / "a.png") as image:
        kept = PngInfo()
        for key, value in image.text.items():
            kept.add_text(key, value)
        image.putpixel((0, 0), (0, 0, 0, 255))
        image.save(copy / "a.png", pnginfo=kept)
    with pytest.raises(FileError, match=r"a\.png: changed since it was written"):
        provenance.read(copy / "a.png")


def test_a_moved_bit_of_a_trace_is_noticed(copy, run, capsys):
    path = next(iter(run[1]["traces"]))
    table = traces.read(copy / path)
    theta = table["theta"].to_numpy().copy()
    theta[3] *= 1 + 2**-52
    changed = table.set_column(table.schema.get_field_index("theta"), table.schema.field("theta"), pa.array(theta))
    traces.write(copy / path, changed, traces.metadata(copy / path))
    assert main(copy, *(f"a.{suffix}" for suffix in FORMATS)) == 1
    printed = capsys.readouterr().out
    assert printed.count(f"  differs   {path}") == len(FORMATS)
    assert printed.count("3 of 4 verified") == len(FORMATS)


def test_what_is_made_from_several_artefacts_carries_what_they_carry():
    one = {"configuration": {"figures.fig01": "0"}, "traces": {"x": "1", "y": "2"}}
    other = {"configuration": {"figures.fig02": "3"}, "traces": {"y": "2", "z": "4"}}
    whole = {
        "configuration": {"figures.fig01": "0", "figures.fig02": "3"},
        "traces": {"x": "1", "y": "2", "z": "4"},
    }
    assert provenance.union([one, other]) == whole


def test_a_missing_and_a_broken_trace_are_noticed(copy, run, capsys):
    first, second = run[1]["traces"]
    (copy / first).unlink()
    (copy / second).write_text("no trace")
    assert main(copy, "a.png") == 1
    printed = capsys.readouterr().out
    assert f"  missing   {first}" in printed
    assert f"  differs   {second}" in printed


def test_a_changed_configuration_is_noticed_where_it_matters(copy, capsys):
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["experiments"]["double_well-adam"]["theta0"] = [0.3]
    config["experiments"]["quadratic-adagrad"]["sets"][0]["steps"] = [20, 31]
    del config["figures"]["fig01"]
    (copy / "config.yaml").write_text("# another layout\n" + yaml.safe_dump(config))
    assert main(copy, "a.pdf") == 1
    printed = capsys.readouterr().out
    assert "  differs   config.yaml: experiments.quadratic-adagrad" in printed
    assert "  missing   config.yaml: figures.fig01" in printed
    assert "2 of 4 verified" in printed


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.png", None, "no such file"),
        ("text.png", b"text", "not a readable .png file"),
        ("text.pdf", b"text", "not a readable .pdf file"),
        ("empty.pdf", b"", "not a readable .pdf file"),
        ("broken.pdf", b"%PDF-1.4\n1 0 obj\n<<", "not a readable .pdf file"),
        ("bytes.md", b"\xff\xfe", "not a readable .md file"),
        ("foreign.md", b"# A text\n", "carries no provenance"),
        ("foreign.tex", b"% a comment\n", "carries no provenance"),
        ("alone.csv", b"x\n1\n", "no such file"),
        ("list.json", b"[]", "carries no provenance"),
        ("other.md", b"<!-- optide provenance\n{}\n-->\n", "carries no provenance that this version can read"),
        ("other.tex", b"% optide provenance\n% 1\n", "carries no provenance that this version can read"),
        ("a.jpeg", b"", "provenance is carried by .png, .pdf, .md, .html, .tex, .csv, .json"),
        ("a.png/", None, "not a readable .png file"),
    ],
)
def test_what_carries_nothing_is_named_in_one_line(copy, capfd, name, content, message):
    if name.endswith("/"):
        (copy / name).unlink()
        (copy / name).mkdir()
    elif content is not None:
        (copy / name).write_bytes(content)
    assert main(copy, name, "a.md") == 1
    printed = capfd.readouterr()
    assert printed.err.startswith(f"optide: error: {copy / name}: ")
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert "4 of 4 verified" in printed.out


def test_a_figure_of_others_carries_nothing(copy, capsys):
    for kind in ("png", "pdf"):
        Figure(figsize=(1, 1)).savefig(copy / f"b.{kind}")
        assert main(copy, f"b.{kind}") == 1
        assert "carries no provenance\n" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "a: [", "text"])
def test_an_unreadable_configuration_is_named_in_one_line(copy, capsys, content):
    (copy / "config.yaml").unlink()
    if content is not None:
        (copy / "config.yaml").write_text(content)
    assert main(copy, "a.md") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_command_needs_no_jax(run):
    code = (
        "import sys; from optide.record import verify; code = verify.main(['a.png']); assert 'jax' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; sys.exit(code)"], cwd=run[0], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("  4 of 4 verified\n")


def test_claims_are_looked_up_in_their_own_file(tmp_path):
    (tmp_path / "config.yaml").write_text("experiments: {}\n")
    record = {"configuration": {"claims.a": digests.of_setting({"below": 1}), "claims.b": "0"}, "traces": {}}
    provenance.write(tmp_path / "x.md", provenance.of_text("x.md", record).encode())
    assert verify.main([str(tmp_path / "x.md"), "--directory", str(tmp_path)]) == 1
    (tmp_path / "claims.yaml").write_text("claims: {a: {below: 1}}\n")
    found = verify.verify(record, verify._configuration(tmp_path / "config.yaml", tmp_path), tmp_path)
    assert [(item.verdict, item.name) for item in found] == [
        ("verified", "claims.yaml: claims.a"),
        ("missing", "claims.yaml: claims.b"),
    ]


@pytest.fixture
def given_otherwise(copy):
    """A run that was given another configuration than config.yaml: what ran is among the inputs."""
    (copy / provenance.INPUTS).mkdir(parents=True)
    shutil.copy(copy / "config.yaml", copy / provenance.INPUTS)
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["experiments"]["quadratic-adagrad"]["sets"][0]["steps"] = [20, 31]
    (copy / "config.yaml").write_text(yaml.safe_dump(config))
    return copy


def test_a_run_that_was_given_another_configuration_is_verified_against_that(given_otherwise, capsys):
    ran = given_otherwise / "results/inputs/config.yaml"
    assert main(given_otherwise, "a.png") == 1
    printed = capsys.readouterr().out
    assert "  differs   config.yaml: experiments.quadratic-adagrad" in printed
    assert printed.endswith(
        f"3 of 4 verified\n  the last whole run was given another configuration: verify with `--configfile {ran}`\n"
    )
    options = ["--directory", str(given_otherwise), "--configfile", str(ran)]
    assert verify.main([str(given_otherwise / "a.png"), *options]) == 0
    printed = capsys.readouterr().out
    assert "  verified  results/inputs/config.yaml: experiments.quadratic-adagrad" in printed
    assert printed.endswith("4 of 4 verified\n")
    (given_otherwise / "config.yaml").unlink()
    assert main(given_otherwise, "a.png") == 0
    assert "  verified  results/inputs/config.yaml: experiments.quadratic-adagrad" in capsys.readouterr().out


def test_what_no_configuration_has_is_not_blamed_on_another_one(given_otherwise, run, capsys):
    """A figure of an earlier run, and a trace that is gone, differ from what the last run was given as well."""
    ran = given_otherwise / "results/inputs/config.yaml"
    ran.write_text(ran.read_text().replace("[20, 30]", "[20, 32]"))
    assert main(given_otherwise, "a.png") == 1
    assert capsys.readouterr().out.endswith("3 of 4 verified\n")
    shutil.copy(run[0] / "config.yaml", given_otherwise)
    (given_otherwise / next(iter(run[1]["traces"]))).unlink()
    assert main(given_otherwise, "a.png") == 1
    assert capsys.readouterr().out.endswith("3 of 4 verified\n")
