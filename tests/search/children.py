"""What tests let workers do with a string instead of training: workers import functions from a file."""

import os
import signal
import time

from minicnn.search.child import Child


def misbehaving(string):
    """Do what the first word says; the reward is the number after it."""
    what, _, reward = string.partition(" ")
    if what == "exit":
        os._exit(3)
    if what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "hang":
        time.sleep(600)
    if what == "raise":
        raise IndexError("no such pixel")
    if what == "slow":
        time.sleep(0.3)
    return Child(float(reward or 0), parameters=os.getpid(), steps=1)


def dies_at_once():
    os._exit(7)


class Unloadable:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return dies_at_once, ()

    def __call__(self, string):
        return Child(0.0)
