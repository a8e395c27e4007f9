"""Where the receivers of `loa demo --mergers` stand: one in each of three communes, of the three technologies."""

from demo.sites import DemoSite
from devices.positions import Position
from devices.stations import StationKind

CHINH, HIEN, TRUNG = "thieu-chinh", "hau-hien", "thieu-trung"
NAMES = {CHINH: "Xã Thiệu Chính", HIEN: "Xã Hậu Hiền", TRUNG: "Xã Thiệu Trung"}
SITES = (
    DemoSite(
        "co-day-thieu-chinh",
        "Đài có dây Thiệu Chính",
        "UBND xã Thiệu Chính cũ",
        StationKind.WIRED,
        "Đài có dây Thiệu Chính",
        "Điện tử Bình Minh",
        "Thiệu Chính",
        "thieu-chinh-thon-3",
        35,
        -35,
        Position(19.86950, 105.68720),
        CHINH,
    ),
    DemoSite(
        "fm-hau-hien",
        "Máy phát FM Hậu Hiền",
        "UBND xã Hậu Hiền cũ",
        StationKind.FM,
        "Đài FM Hậu Hiền",
        "EMICO",
        "Hậu Hiền",
        "hau-hien-thon-1",
        120,
        60,
        Position(19.86310, 105.67260),
        HIEN,
    ),
    DemoSite(
        "cum-ip-thieu-trung",
        "Cụm IP trung tâm",
        "UBND xã Thiệu Trung",
        StationKind.IP,
        "Cụm IP Thiệu Trung",
        "VTC",
        "",
        "thieu-trung-trung-tam",
        0,
        20,
        Position(19.87420, 105.68350),
        TRUNG,
    ),
)
ZONES = {"thieu-chinh-thon-3": "Thôn 3", "hau-hien-thon-1": "Thôn 1", "thieu-trung-trung-tam": "Khu trung tâm"}
