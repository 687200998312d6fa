"""What tests let workers do with a string instead of training: workers import functions from a file."""

import os
import signal
import time
import zlib

from minicnn.backend import get_num_threads
from minicnn.search.child import Child


def misbehaving(string):
    """Do what the first word says; the reward is the number after it, the steps those of the threads."""
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
    return Child(float(reward or 0), parameters=os.getpid(), steps=get_num_threads())


def dies_at_once():
    os._exit(7)


class Unloadable:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return dies_at_once, ()

    def __call__(self, string):
        return Child(0.0)


def by_hash(string, images, budget, seed):
    """A child with a reward that depends on its string and the seed; those that begin with 1x1 fail."""
    if string.startswith("chain 1x1"):
        return Child(0.0, error="ArgumentError: too small")
    return Child(zlib.crc32(f"{seed} {string}".encode()) / 2**32, parameters=len(string), steps=budget.steps, seconds=0.1)
