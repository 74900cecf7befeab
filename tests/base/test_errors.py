import pytest

from optide.base.errors import INTERRUPTED, FileError, one_line, stop, tell, warn


def test_a_job_that_is_interrupted_prints_no_traceback(capsys, tmp_path):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as ended, one_line(log):
        raise KeyboardInterrupt
    assert ended.value.code == INTERRUPTED
    assert ended.value.__suppress_context__
    assert capsys.readouterr() == ("", "")
    assert not log.exists()


def test_an_error_is_one_line_whatever_a_file_is_called(capsys):
    error = FileError("a\nb\r\x1b[31m\u2028c/\xe9 Θ.tar: damaged")
    said = r"a\nb\r\x1b[31m\u2028c/é Θ.tar: damaged"
    assert tell(error) == f"optide: error: {said}"
    warn(error)
    assert capsys.readouterr().err == f"optide: error: {said}\noptide: warning: {said}\n"
    with pytest.raises(SystemExit) as ended:
        stop(error)
    assert ended.value.code == f"optide: error: {said}"
