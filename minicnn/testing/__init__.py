"""Checks that cannot be fooled: gradient checks, comparison with the definitions, planted mistakes, a pytest plugin."""

from minicnn.testing.gradcheck import gradcheck, gradcheck_module
from minicnn.testing.kernel_check import check_kernel
from minicnn.testing.network_check import gradcheck_network
from minicnn.testing.report import GradcheckError

__all__ = ["GradcheckError", "check_kernel", "gradcheck", "gradcheck_module", "gradcheck_network"]
