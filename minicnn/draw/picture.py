"""What all pictures can do: a notebook shows them, and `save` writes them to a file."""

from pathlib import Path

from minicnn.errors import ArgumentError


class Picture:
    """A picture as SVG. A subclass says what is on it."""

    def _repr_svg_(self) -> str:
        """The whole SVG file, by the name that notebooks look for."""
        raise NotImplementedError

    def save(self, path: str | Path) -> Path:
        """Write the picture to an .svg file; returns its path.

        Raises:
            ArgumentError: the path is none, is a folder or does not end in .svg, or the file cannot be written.
        """
        place = f"{type(self).__name__.lower()}.save"
        if not isinstance(path, (str, Path)):
            raise ArgumentError(f"{place} writes a file: give its name, such as 'net.svg', not {path!r}")
        path = Path(path)
        if path.is_dir():
            raise ArgumentError(f"{place} writes a file, and {str(path)!r} is a folder: give a name in it, such as {str(path / 'net.svg')!r}")
        if path.suffix.lower() != ".svg":
            raise ArgumentError(f"{place} writes SVG: give a name that ends in .svg, not {path.name!r}")
        try:
            path.write_text(self._repr_svg_(), encoding="utf-8")
        except OSError as error:
            raise ArgumentError(f"{place}: {path} cannot be written: {error.strerror or error}") from None
        return path
