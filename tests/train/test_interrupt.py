"""Ctrl-C between two steps."""

import os
import signal
import threading

import pytest

from minicnn.train import between_steps


def test_a_second_ctrl_c_does_not_wait():
    with between_steps() as interrupted:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupted()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_threads_other_than_the_main_one_can_train():
    answers = []

    def work():
        with between_steps() as interrupted:
            answers.append(interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers == [False]
