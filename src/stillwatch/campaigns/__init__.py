"""Links -> clusters -> tested, explained campaigns."""

from stillwatch.campaigns.authorised import Programme, read_programmes
from stillwatch.campaigns.calibration import Calibration, read_calibration, write_calibration

__all__ = ["Calibration", "Programme", "read_calibration", "read_programmes", "write_calibration"]
