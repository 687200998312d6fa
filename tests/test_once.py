"""What is made once in a run is what it would be otherwise."""

import sys
import threading
import time

import pytest

from tests.once import Once


def test_what_one_process_has_made_another_one_finds(tmp_path):
    made = []
    for expected in (["a"], ["a"]):
        assert Once(tmp_path)("name", lambda: made.append("a") or ("result", 1)) == ("result", 1)
        assert made == expected
    assert Once(tmp_path)("another name", lambda: "another") == "another"


def test_what_fails_is_tried_again(tmp_path):
    with pytest.raises(ZeroDivisionError):
        Once(tmp_path)("name", lambda: 1 / 0)
    assert Once(tmp_path)("name", lambda: "now") == "now"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_of_two_at_once_one_waits(tmp_path):
    made = []

    def make():
        time.sleep(0.2)
        made.append(1)
        return len(made)

    threads = [threading.Thread(target=lambda: Once(tmp_path)("name", make)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
