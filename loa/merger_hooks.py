"""What else follows communes that are merged or split: the hooks of all packages, in one tuple."""

from acoustics.merger_hooks import MeasurementsFollow
from devices.merger_hooks import Estate
from province.merger_hooks import ProvinceFollows
from transfer.merger_hooks import ImportsFollow

ESTATE: Estate = (MeasurementsFollow(), ImportsFollow(), ProvinceFollows())
