"""Pictures that the project draws itself, as SVG: networks from their modules, graphs of operations."""
