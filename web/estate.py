"""The estate: what else follows communes that are merged or split; put together here, where all rooms are known."""

from devices.following import Estate, MeasurementsFollow
from province.following import ProvinceFollows
from transfer.following import ImportsFollow

ESTATE: Estate = (MeasurementsFollow(), ImportsFollow(), ProvinceFollows())
