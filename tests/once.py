"""What several tests need is made by the first of them; with `pytest -n`, in whichever process that one runs."""

import hashlib
import pickle
from contextlib import contextmanager, suppress


class Once:
    """Results in a folder that all processes of a run share."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def __call__(self, name, make):
        """What `make()` returns, from the folder if it is there. The name says all that the result depends on, beside the source."""
        path = self.folder / hashlib.sha256(name.encode()).hexdigest()
        with alone(path.with_suffix(".lock")):
            if not path.exists():
                made = pickle.dumps(make())
                path.with_suffix(".new").write_bytes(made)
                path.with_suffix(".new").replace(path)
        return pickle.loads(path.read_bytes())


@contextmanager
def alone(path):
    """Inside, no other process holds this lock. Where the system has none, two may make the same, which only takes longer."""
    with path.open("w") as file:
        with suppress(ImportError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
