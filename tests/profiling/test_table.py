"""The table adds up, longest first, and a wrong question is answered in one sentence."""

import pytest

import minicnn
from minicnn.errors import ArgumentError
from minicnn.profiling import Record
from minicnn.profiling.table import table


def record(op, phase="forward", path="", *, seconds, macs=0, size=0, thread=1):
    return Record(op, phase, path, "Layer" if path else "", 0.0, seconds, seconds, (), (), macs, size, thread)


RECORDS = (
    record("ReLU", path="1", seconds=0.001, size=3_000_000),
    record("Conv2d", path="0", seconds=0.002, macs=8_000_000),
    record("Conv2d", path="2", seconds=0.004, macs=4_000_000),
    record("Conv2d", "backward", "2", seconds=0.002),
)


def test_by_operation():
    assert table(RECORDS, 0.010, 0.001, "op").split("\n") == [
        "4 operations in 10.000 ms, 1 thread",
        "",
        "operation           phase     calls  total ms  share %  ms per call  GMAC/s  GB/s",
        "---------------------------------------------------------------------------------",
        "Conv2d              forward       2     6.000     60.0        3.000    2.00",
        "Conv2d              backward      1     2.000     20.0        2.000",
        "ReLU                forward       1     1.000     10.0        1.000          3.00",
        "between operations                      1.000     10.0",
        "---------------------------------------------------------------------------------",
        "total                             4    10.000    100.0",
    ]


def test_by_layer():
    rows = table(RECORDS, 0.010, 0.001, "layer").split("\n")[4:-3]
    assert [row.split()[:4] for row in rows] == [
        ["2", "Layer", "Conv2d", "forward"],
        ["0", "Layer", "Conv2d", "forward"],
        ["2", "Layer", "Conv2d", "backward"],
        ["1", "Layer", "ReLU", "forward"],
    ]


@pytest.mark.parametrize("by", ["op", "layer"])
def test_shares_and_times_of_a_real_profile_add_up(by):
    net = minicnn.models.LeNet5()
    with minicnn.profile() as p:
        net(minicnn.ones(2, 1, 32, 32)).sum().backward()
    lines = p.table(by).split("\n")
    total = lines[-1].replace(",", "").split()
    assert total[0] == "total"
    assert total[-1] == "100.0"
    assert lines[-3].startswith("between operations")
    column = lines[2].index("share %") + len("share %")
    shares = [float(line[:column].split()[-1]) for line in (*lines[4:-3], lines[-3])]
    assert len(shares) > 8
    assert sum(shares) == pytest.approx(100, abs=0.05 * len(shares))
    assert shares[:-1] == sorted(shares[:-1], reverse=True)
    assert float(total[-2]) == pytest.approx(1e3 * p.seconds, abs=0.001)


def test_nothing_ran():
    with minicnn.profile() as p:
        pass
    first, *_, between, _, total = p.table().split("\n")
    assert first.startswith("0 operations in ")
    assert between.split()[-1] == total.split()[-1] == "100.0"
    assert "100.0" not in table((), 0.0, 0.0, "op")


def test_inside_the_block_it_is_the_table_so_far():
    with minicnn.profile() as p:
        minicnn.ones(2).exp()
        assert "Exp" in p.table()
        before = p.seconds
        minicnn.ones(2).exp()
    assert len(p.records) == 2
    assert p.seconds > before


@pytest.mark.parametrize("by", ["module", "", None])
def test_a_wrong_by_is_refused(by):
    with pytest.raises(ArgumentError, match=rf"^Profile.table: by must be one of 'op', 'layer', not {by!r}$"):
        table((), 1.0, 1.0, by)
