"""A dashboard in a thread, which ends whatever happens."""

import contextlib
import threading

from minicnn.dashboard import DashboardServer


@contextlib.contextmanager
def serving(folder):
    """The server that shows a folder of runs."""
    with DashboardServer([folder], port=0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
