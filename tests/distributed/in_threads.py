"""A group of ranks that are threads of this process: the same mailboxes and the same waiting, without the seconds that processes need to start."""

import threading
from unittest import mock

from minicnn.distributed import shared_memory
from minicnn.distributed.shared_memory import PostOffice, SharedMemoryCommunicator

PIECE = 4096  # bytes: so that arrays of moderate length go in several pieces


def in_threads(function, size, *args):
    """`function(communicator, *args)` on each of so many ranks; what they return. Raises what the first rank that fails raises, when all have ended."""
    results, errors = [None] * size, {}
    with mock.patch.object(shared_memory, "PIECE", PIECE):
        office = PostOffice(size)

        def work(rank):
            try:
                results[rank] = function(SharedMemoryCommunicator(office, rank), *args)
            except Exception as error:  # noqa: BLE001 - raised below
                errors[rank] = error
            office.note_end(rank)

        threads = [threading.Thread(target=work, args=(rank,)) for rank in range(size)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            office.remove()
    if errors:
        raise errors[min(errors)]
    return results
