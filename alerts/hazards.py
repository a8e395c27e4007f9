"""Types of disaster and their risk levels, as Decision 18/2021/QĐ-TTg names them (article 4 and annex XII)."""

from enum import StrEnum

from runtime.refusal import N_


class Hazard(StrEnum):
    """What an alert is about. Epidemic and evacuation are not in the decision: they have no level.

    The order counts: template and sound numbers are made of it. New ones go to the end.
    """

    STORM = "storm"
    FLOOD = "flood"
    FLASH_FLOOD = "flash_flood"
    LANDSLIDE = "landslide"
    FIRE = "fire"
    HEAT = "heat"
    EPIDEMIC = "epidemic"
    EVACUATION = "evacuation"

    @property
    def position(self) -> int:
        return list(Hazard).index(self)


#: Levels that a hazard can have; 0 stands for none announced.
LEVELS = {
    Hazard.STORM: (3, 4, 5),
    Hazard.FLOOD: (1, 2, 3, 4, 5),
    Hazard.FLASH_FLOOD: (1, 2, 3),
    Hazard.LANDSLIDE: (1, 2, 3),
    Hazard.FIRE: (1, 2, 3, 4, 5),
    Hazard.HEAT: (1, 2, 3, 4),
    Hazard.EPIDEMIC: (),
    Hazard.EVACUATION: (),
}
HAZARD_NAMES = {
    Hazard.STORM: N_("Storm, tropical depression"),
    Hazard.FLOOD: N_("Flood, inundation"),
    Hazard.FLASH_FLOOD: N_("Flash flood"),
    Hazard.LANDSLIDE: N_("Landslide"),
    Hazard.FIRE: N_("Fire, forest fire"),
    Hazard.HEAT: N_("Heat wave"),
    Hazard.EPIDEMIC: N_("Epidemic"),
    Hazard.EVACUATION: N_("Evacuation"),
}
#: Article 4, paragraph 3: colour and meaning of each level. The colours themselves are in the style sheet.
LEVEL_COLOURS = {
    1: N_("light blue, low risk"),
    2: N_("light yellow, medium risk"),
    3: N_("orange, high risk"),
    4: N_("red, very high risk"),
    5: N_("purple, catastrophic risk"),
}
