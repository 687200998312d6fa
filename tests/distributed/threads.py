"""Workers that are threads of this process: for what needs no processes of its own. Random numbers of networks are common to all of them."""

import queue
import random
import threading
import time

import numpy as np

SECONDS = 30


class Meeting:
    """Where the workers lay down what they have."""

    def __init__(self, size):
        self.barrier, self.things = threading.Barrier(size), [None] * size
        self.mail = {(a, b): queue.Queue() for a in range(size) for b in range(size)}
        self.copies = {}
        self.lock = threading.Lock()


class ThreadCommunicator:
    """A `Communicator` between threads. With `delay`, everybody comes to every meeting late by up to so many seconds, at random."""

    def __init__(self, meeting, rank, size, delay=0.0):
        self.meeting, self.rank, self.size, self.delay = meeting, rank, size, delay
        self.reduced = []  # lengths of what was added up, in order
        self._copies = 0

    def all_gather(self, array):
        time.sleep(random.uniform(0, self.delay))
        self.meeting.things[self.rank] = np.array(array)
        self.barrier()
        gathered = list(self.meeting.things)
        self.barrier()
        return gathered

    def all_reduce(self, array):
        self.reduced.append(array.size)
        gathered = self.all_gather(array)
        assert len({part.shape for part in gathered}) == 1, "the workers offer different arrays"
        array[...] = np.sum(gathered, axis=0, dtype=array.dtype)

    def broadcast(self, array, root=0):
        array[...] = self.all_gather(array)[root]

    def send(self, array, to):
        self.meeting.mail[self.rank, to].put(np.array(array))

    def receive(self, array, source):
        array[...] = self.meeting.mail[source, self.rank].get(timeout=SECONDS)

    def exchange(self, array, to, source):
        time.sleep(random.uniform(0, self.delay))
        self.send(array, to)
        received = np.empty_like(array)
        self.receive(received, source)
        return received

    def barrier(self):
        self.meeting.barrier.wait(SECONDS)

    def duplicate(self):
        self._copies += 1
        with self.meeting.lock:
            meeting = self.meeting.copies.setdefault(self._copies, Meeting(self.size))
        return ThreadCommunicator(meeting, self.rank, self.size, self.delay)


def run_threads(size, function, delay=0.0):
    """`function(communicator)` on each of `size` workers; the list of what they returned. An error of one is raised here, and the others do not wait for it."""
    meeting, results, errors = Meeting(size), [None] * size, []

    def work(rank):
        try:
            results[rank] = function(ThreadCommunicator(meeting, rank, size, delay))
        except threading.BrokenBarrierError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            errors.append(error)
            for place in (meeting, *meeting.copies.values()):
                place.barrier.abort()

    threads = [threading.Thread(target=work, args=(rank,), daemon=True) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive(), "a worker waits for ever"
    if errors:
        raise errors[0]
    return results
