"""Datasets that misbehave, in a module of their own so that worker processes can import them."""

import os
import signal
import time

import numpy as np


class Plain:
    def __init__(self, size=20):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return np.full((1, 6, 6), index, np.float32), index


class Failing(Plain):
    def __getitem__(self, index):
        if index == 7:
            raise OSError("picture_7.png is damaged")
        return super().__getitem__(index)


class Killed(Plain):
    def __getitem__(self, index):
        if index == 7:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


class Exiting(Plain):
    def __getitem__(self, index):
        os._exit(3)


class Slow(Plain):
    def __getitem__(self, index):
        if index >= 8:
            time.sleep(600)
        return super().__getitem__(index)


class ProcessId(Plain):
    def __getitem__(self, index):
        return (os.getpid(),)


class LargeKilled(Plain):
    def __getitem__(self, index):
        if index == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return (np.zeros((1, 600, 600), np.float32),)


class Recorded(Plain):
    """Each sample that is made leaves a file."""

    def __init__(self, folder, size):
        super().__init__(size)
        self.folder = folder

    def __getitem__(self, index):
        (self.folder / str(index)).touch()
        return (index,)
