"""A page in the browser that shows training runs while they go on: curves, mistakes, settings."""

from minicnn.dashboard.log import LogTail, standing
from minicnn.dashboard.server import DashboardServer
from minicnn.dashboard.tensorboard import export_tensorboard
from minicnn.dashboard.watch import Event, Watch

__all__ = ["DashboardServer", "Event", "LogTail", "Watch", "export_tensorboard", "standing"]
