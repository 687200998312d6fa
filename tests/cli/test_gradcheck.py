"""`minicnn gradcheck [OP]`."""

from minicnn import kernels


def test_one_operation_with_and_without_kernels(minicnn):
    for op in ("linear", "add"):
        code, out, err = minicnn("gradcheck", op, "--examples", "2", "--backend", "numpy")
        assert (code, err) == (0, "")
        assert f"{op} " in out
        assert "right" in out
        assert "WRONG" not in out


def test_a_wrong_kernel_is_found_and_the_exit_code_is_1(minicnn):
    kernels.register("relu", forward=lambda x: (x * (x > 0), x), backward=lambda dy, x, *, needs: (-dy * (x > 0),), backend="tests-wrong")
    try:
        code, out, _ = minicnn("gradcheck", "relu", "--examples", "3", "--backend", "tests-wrong")
    finally:
        kernels.unregister("tests-wrong")
        minicnn("gradcheck", "add", "--examples", "1", "--backend", "numba")
    assert code == 1
    assert "WRONG" in out
    assert "dx" in out
    assert "1 of 1 wrong" in out
