"""The estate: what else follows communes that are merged or split; put together here, where all rooms are known."""

from devices.merger_hooks import Estate, MeasurementsFollow
from province.merger_hooks import ProvinceFollows
from transfer.merger_hooks import ImportsFollow

ESTATE: Estate = (MeasurementsFollow(), ImportsFollow(), ProvinceFollows())
