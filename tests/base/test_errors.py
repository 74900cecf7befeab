import pytest

from optide.base.errors import INTERRUPTED, one_line


def test_a_job_that_is_interrupted_prints_no_traceback(capsys, tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as ended, one_line(log):
        raise KeyboardInterrupt
    assert ended.value.code == INTERRUPTED
    assert ended.value.__suppress_context__
    assert capsys.readouterr() == ("", "")
    assert not log.exists()
