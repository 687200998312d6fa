"""Motion, by CSS alone: things that are there in one step only, that stay from a step on, or that move from step to step.

Who wants no motion (`prefers-reduced-motion`) sees one step, and all that stays. Under the mouse the motion stops.
"""

from collections.abc import Iterable, Sequence

MOVE = 0.25  # of a step: the way; then things stand still


class Steps:
    """The steps of a picture. Its keyframes begin with the picture's name, for pages with several pictures.

    Args:
        name: of the picture.
        count: how many steps there are; the last one lasts twice as long.
        seconds: that a step lasts.
        still: the step for those who want no motion.
    """

    def __init__(self, name: str, count: int, seconds: float, still: int) -> None:
        self.name, self.count, self.still = name, count, still
        self.duration = seconds * (count + 1)
        self._rules: dict[str, str] = {}

    def only(self, k: int, parts: Iterable[str]) -> str:
        """What is there in step k only."""
        end = f" {self._at(k + 1)}% {{ opacity: 0 }}" if k + 1 < self.count else ""
        rule = f"0% {{ opacity: 0 }} {self._at(k)}% {{ opacity: 1 }}{end}" if k else f"0% {{ opacity: 1 }}{end}"
        return self._animated(f"only-{k}", rule, "step-end", parts, f"opacity: {int(k == self.still)}")

    def since(self, k: int, parts: Iterable[str]) -> str:
        """What appears in step k and stays."""
        if k == 0:
            return f"<g>{''.join(parts)}</g>"
        return self._animated(f"since-{k}", f"0% {{ opacity: 0 }} {self._at(k)}% {{ opacity: 1 }}", "step-end", parts, "opacity: 1")

    def moving(self, what: str, places: Sequence[tuple[float, float]], parts: Iterable[str]) -> str:
        """What is moved by (x, y) pixels, another pair in each step; `what` names it."""
        moves = [f"translate({x:g}px, {y:g}px)" for x, y in places]
        rule = f"0% {{ transform: {moves[0]} }}"
        for k, move in enumerate(moves):
            end = self._at(k + 1) if k + 1 < self.count else "100"
            rule += f" {self._at(k + MOVE if k else 0)}%, {end}% {{ transform: {move} }}"
        return self._animated(what, rule, "ease-in-out", parts, f"transform: {moves[self.still]}")

    def style(self) -> str:
        """The rules for all that was animated; to be asked for at the end."""
        rules = "\n".join(f"@keyframes {self.name}-{what} {{ {rule} }}" for what, rule in self._rules.items())
        mine = f".picture-{self.name}"
        return (
            f"{rules}\n{mine}:hover g {{ animation-play-state: paused !important }}\n"
            f"@media (prefers-reduced-motion: reduce) {{ {mine} g {{ animation: none !important }} }}\n"
        )

    def _at(self, k: float) -> str:
        """The percentage of time at which step k begins."""
        return f"{100 * k / (self.count + 1):.4g}"

    def _animated(self, what: str, rule: str, timing: str, parts: Iterable[str], still: str) -> str:
        self._rules[what] = rule
        animation = f"animation: {self.name}-{what} {self.duration:g}s {timing} infinite"
        return f'<g style="{still}; {animation}">{"".join(parts)}</g>'
