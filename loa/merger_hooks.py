"""The merger hooks of all packages, in one tuple."""

from acoustics.merger_hooks import DelayMeasurementHook
from broadcast.merger_hooks import RelaySourceHook
from cap.merger_hooks import CapHook
from devices.merger_hooks import CommuneFaultHook, MergerHooks
from province.merger_hooks import ProvinceHook
from speech.merger_hooks import PronunciationHook
from transfer.merger_hooks import ImportsHook

MERGER_HOOKS: MergerHooks = (
    CommuneFaultHook(),
    DelayMeasurementHook(),
    ImportsHook(),
    CapHook(),
    ProvinceHook(),
    RelaySourceHook(),
    PronunciationHook(),
)
