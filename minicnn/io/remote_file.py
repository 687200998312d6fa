"""A file that can be had from the network, and how it is recognised."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be had from the network: `download` brings it.

    Attributes:
        name: the file's name.
        urls: addresses of copies, tried in this order.
        size: about how many bytes.
        digest: how its hash begins, in hexadecimal.
        algorithm: which hash: "sha256" or "md5".
    """

    name: str
    urls: tuple[str, ...]
    size: int
    digest: str
    algorithm: str = "sha256"

    def is_in(self, path: Path) -> bool:
        """Does the file at `path` have the right hash?"""
        return path.is_file() and self.hash_of(path).startswith(self.digest)

    def hash_of(self, path: Path) -> str:
        """The hash of a file, in hexadecimal."""
        with path.open("rb") as file:
            return hashlib.file_digest(file, self.algorithm).hexdigest()

    def flaw_of(self, path: Path) -> str:
        """What is wrong with a file that is not the right one."""
        size, found = path.stat().st_size, self.hash_of(path)
        return (
            f"{path} is there, but it is damaged or another file: it has {size:,} bytes of about {self.size:,}, and its {self.algorithm_name} begins with "
            f"{found[:8]}, not {self.digest[:8]}"
        )

    @property
    def algorithm_name(self) -> str:
        """As one writes it."""
        return {"sha256": "SHA-256", "md5": "MD5"}[self.algorithm]
