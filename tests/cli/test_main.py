"""The command line as a whole: help, version, and one sentence for whatever is wrong."""

import os
import subprocess
import sys

import pytest

import minicnn as package
from minicnn import cli
from minicnn.kernels.cuda.simulator.settings import ORDERS


def test_version_and_help(minicnn):
    assert minicnn("--version") == (0, f"minicnn {package.__version__}\n", "")
    code, out, _ = minicnn()
    assert code == 0
    assert all(command in out for command in cli.COMMANDS)
    for command in cli.COMMANDS:
        assert minicnn(command, "--help")[0] == 0


def test_the_help_names_every_backend_and_order_of_threads(minicnn):
    words = minicnn("gradcheck", "--help")[1]
    assert all(name in words for name in ("numba", "numpy", "loops", "cupy", "cudasim", *ORDERS))


def test_python_m_minicnn_is_the_same():
    done = subprocess.run([sys.executable, "-m", "minicnn", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"minicnn {package.__version__}\n"


def test_heavy_packages_are_not_imported_for_the_help():
    code = "import sys; from minicnn.cli import main; main([]); print(sorted({'numba', 'rich', 'safetensors', 'PIL', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("trian", "unknown command 'trian': did you mean train?"),
        ("--backend numpy train", "options come after the command: minicnn COMMAND --backend ..., where COMMAND is train, finetune"),
        ("train --epochs +-3", "argument --epochs: must be an integer >= 1, not '+-3'"),
        ("train --seed ++3", "argument --seed: must be an integer >= 0, not '++3'"),
        ("summary LeNet5 --input 1x1000000x1000000", "an image of 1 x 1000000 x 1000000 is too large: it has more than 1,000,000,000"),
        ("train --model LeNet4", "unknown model 'LeNet4': did you mean LeNet5?"),
        ("train --dataset digit", "unknown dataset 'digit': did you mean digits?"),
        ("train --backend nunba", "unknown backend 'nunba': did you mean numba?"),
        ("train --optimizer sdg", "unknown optimizer 'sdg': did you mean sgd?"),
        ("train --schedule cosin", "unknown schedule 'cosin': did you mean cosine?"),
        ("train --lr -1", "the learning rate must be a number above 0, not -1"),
        ("train --lr nan", "the learning rate must be a number above 0, not nan"),
        ("train --lr fast", "argument --lr: invalid float value: 'fast'"),
        ("train --epochs 0", "argument --epochs: must be an integer >= 1, not '0'"),
        ("train --batch-size many", "must be an integer >= 1, not 'many'"),
        ("train --seed -1", "must be an integer >= 0, not '-1'"),
        ("train --speed 3", "unrecognized arguments: --speed 3"),
        ("summary VGG", "unknown model 'VGG'"),
        ("summary LeNet5 --input 32x32", "must be CxHxW such as 3x224x224, not '32x32'"),
        ("summary LeNet5 --input 1x28x28", "32x32 pixels"),
        ("evaluate nowhere", "no run at nowhere"),
        ("predict nowhere a.png", "no run at nowhere"),
        ("gradcheck conv3d", "unknown operation 'conv3d': did you mean conv2d?"),
        ("gradcheck --backend cupi", "unknown backend 'cupi': did you mean cupy?"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(minicnn, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    code, out, err = minicnn(*arguments.split())
    assert code == 2
    assert sentence in err
    assert err.startswith("minicnn: ")
    assert len(err.splitlines()) == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_errors_of_the_system_and_ctrl_c_are_one_line_too(minicnn, monkeypatch):
    def fail(error):
        def run(args):
            raise error

        monkeypatch.setattr("minicnn.cli.doctor.run", run)
        return minicnn("doctor")

    assert fail(OSError(28, "No space left on device", "log.jsonl")) == (2, "", "minicnn: log.jsonl: No space left on device\n")
    assert fail(MemoryError("Unable to allocate 27 GiB")) == (2, "", "minicnn: not enough memory: Unable to allocate 27 GiB\n")
    assert fail(KeyboardInterrupt()) == (130, "", "minicnn: interrupted\n")


@pytest.mark.skipif(os.name == "nt", reason="closes its output as a POSIX shell does")
@pytest.mark.parametrize(
    ("arguments", "code", "err"), [("summary LeNet5 >&-", 0, ""), ("evaluate nowhere >&-", 2, "no run at nowhere"), ("evaluate nowhere 2>&-", 2, "")]
)
def test_a_closed_output_is_no_error(tmp_path, arguments, code, err):
    done = subprocess.run(f'"{sys.executable}" -m minicnn {arguments}', shell=True, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert err in done.stderr
    assert len(done.stderr.splitlines()) == bool(err)


@pytest.mark.parametrize("command", ["train", "evaluate nowhere", "predict nowhere a.png", "gradcheck"])
def test_a_wrong_backend_in_the_environment_is_not_blamed_on_a_layer(minicnn, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minicnn.backend._default", None)
    monkeypatch.setenv("MINICNN_BACKEND", "foo")
    code, out, err = minicnn(*command.split())
    assert (code, out) == (2, "")
    assert err.startswith("minicnn: MINICNN_BACKEND: unknown backend 'foo'")
    assert list(tmp_path.iterdir()) == []
