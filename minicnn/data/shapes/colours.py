"""The colours of figures by their names: red, green and blue, 0 .. 1. The grounds behind them are dull, so each stands out on all."""

COLOURS = {
    "red": (0.86, 0.14, 0.14),
    "orange": (0.96, 0.53, 0.08),
    "yellow": (0.96, 0.88, 0.14),
    "green": (0.13, 0.62, 0.22),
    "cyan": (0.10, 0.80, 0.86),
    "blue": (0.14, 0.28, 0.88),
    "purple": (0.50, 0.18, 0.70),
    "pink": (0.98, 0.52, 0.76),
}
