"""Checks that cannot be fooled: gradient checks, comparison with the definitions, planted mistakes, a pytest plugin."""

from minicnn.testing.gradcheck import GradcheckError, gradcheck, gradcheck_module

__all__ = ["GradcheckError", "gradcheck", "gradcheck_module"]
