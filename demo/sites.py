"""Where the demo's receivers stand: three stations of one commune, of the three technologies."""

from dataclasses import dataclass

from devices.positions import Position
from devices.stations import StationKind

COMMUNE = "thieu-trung"


@dataclass(frozen=True)
class DemoSite:
    """A receiver of the demo and where it stands.

    path_delay_ms: of its amplifier chain. ppm: error of its virtual crystal. commune: to which it belongs at first.
    """

    receiver_id: str
    name: str
    place: str
    kind: StationKind
    station: str
    maker: str
    former_commune: str
    zone: str
    path_delay_ms: float
    ppm: float
    position: Position
    commune: str = COMMUNE


SITES = (
    DemoSite(
        "cum-ip-thon-1",
        "Cụm IP thôn 1",
        "Nhà văn hóa thôn 1",
        StationKind.IP,
        "Cụm IP Thiệu Trung",
        "VTC",
        "Thiệu Trung",
        "thon-1",
        0,
        20,
        Position(19.87420, 105.68350),
    ),
    DemoSite(
        "co-day-thon-3",
        "Đài có dây thôn 3",
        "Trạm truyền thanh cũ",
        StationKind.WIRED,
        "Đài có dây Thiệu Chính",
        "Điện tử Bình Minh",
        "Thiệu Chính",
        "thon-3",
        35,
        -35,
        Position(19.86950, 105.68720),
    ),
    DemoSite(
        "fm-hau-hien",
        "Máy phát FM Hậu Hiền",
        "UBND xã cũ",
        StationKind.FM,
        "Đài FM Hậu Hiền",
        "EMICO",
        "Hậu Hiền",
        "hau-hien",
        120,
        60,
        Position(19.86310, 105.67260),
    ),
)
ZONES = {"thon-1": "Thôn 1", "thon-3": "Thôn 3", "hau-hien": "Khu Hậu Hiền"}


#: The commune's border on the map, as longitude and latitude: drawn by hand round the sites, not surveyed.
OUTLINE = (
    (105.6571, 19.8702),
    (105.6603, 19.8781),
    (105.6689, 19.8826),
    (105.6752, 19.8811),
    (105.6815, 19.8858),
    (105.6903, 19.8846),
    (105.6968, 19.8790),
    (105.6951, 19.8719),
    (105.6992, 19.8655),
    (105.6917, 19.8598),
    (105.6838, 19.8611),
    (105.6775, 19.8552),
    (105.6671, 19.8561),
    (105.6617, 19.8624),
)
