"""One short run that the commands are tried on."""

import pytest

from minicnn import get_backend, get_num_threads, set_backend, set_num_threads
from minicnn.cli import main


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    assert main(["train", "--epochs", "5", "--batch-size", "128", "--lr", "0.1", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def minicnn(capsys):
    """Run a command in this process: (exit code, standard output, standard error). Backend and threads are as before afterwards."""
    backend, threads = get_backend().name, get_num_threads()

    def run(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return code, out, err

    yield run
    set_backend(backend)
    set_num_threads(threads)
