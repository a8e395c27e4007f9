"""The texts of prepared messages, as they are spoken. Each has a number, by which templates name its sound.

Short sentences, the danger first, then what to do: they are heard outdoors, through horns, once or twice.
"""

from alerts.hazards import Hazard

VIETNAMESE, ENGLISH = "vi", "en"

SIREN, CHIME, DRILL_OPENING = 1, 2, 3
ATTENTION, DRILL, FREE_INTRODUCTION = 10, 11, 12
CANCEL, ALL_CLEAR, DRILL_END = 13, 14, 15
PLACES, WHOLE_COMMUNE, WITHDRAWN = 16, 17, 18
_LEVEL, _DANGER, _ADVICE, _BEFORE_HOUR = 20, 100, 200, 300
#: Names of zones, in the order in which they were first needed.
FIRST_ZONE = 1000


def level_sound(level: int) -> int:
    return _LEVEL + level


def danger_sound(hazard: Hazard) -> int:
    return _DANGER + hazard.position


def advice_sound(hazard: Hazard) -> int:
    return _ADVICE + hazard.position


def hour_sound(hour: int) -> int:
    """“Before this hour”: for a message that names one."""
    return _BEFORE_HOUR + hour


_COMMON = {
    ATTENTION: (
        "Thông báo khẩn cấp của Ủy ban nhân dân xã. Mời bà con chú ý lắng nghe.",
        "Emergency message from the commune. Please listen.",
    ),
    DRILL: (
        "Đây là diễn tập. Xin nhắc lại: đây là diễn tập. Không có nguy hiểm thật.",
        "This is a drill. I repeat: this is a drill. There is no real danger.",
    ),
    FREE_INTRODUCTION: (
        "Bà con chú ý. Ủy ban nhân dân xã có thông báo khẩn. Mời bà con nghe ngay sau đây.",
        "Attention. The commune has an urgent message. Please listen. The message follows now.",
    ),
    CANCEL: (
        "Thông báo khẩn cấp vừa rồi là nhầm. Không có nguy hiểm. Mong bà con thông cảm và yên tâm.",
        "The last emergency message was a mistake. There is no danger. We apologise.",
    ),
    ALL_CLEAR: (
        "Nguy hiểm đã qua. Lệnh báo động đã được gỡ bỏ. Bà con trở lại sinh hoạt bình thường, nhưng vẫn cần cẩn thận.",
        "The danger is over. The alarm has been lifted. You may go back to normal, but stay careful.",
    ),
    DRILL_END: (
        "Buổi diễn tập đã kết thúc. Cảm ơn bà con đã lắng nghe.",
        "The drill is over. Thank you for listening.",
    ),
    PLACES: ("Khu vực cần chú ý:", "Areas affected:"),
    WHOLE_COMMUNE: ("Toàn xã cần chú ý.", "The whole commune is affected."),
    WITHDRAWN: (
        "Cơ quan phát cảnh báo đã hủy cảnh báo vừa rồi. Bà con chờ nghe tin tiếp theo.",
        "The authority has withdrawn the last warning. Please wait for further news.",
    ),
}
_LEVEL_WORDS = {
    1: ("một", "one"),
    2: ("hai", "two"),
    3: ("ba", "three"),
    4: ("bốn", "four"),
    5: ("năm", "five"),
}
_DANGERS = {
    Hazard.STORM: ("Bão đang đến gần. Gió sẽ rất mạnh.", "A storm is coming. The wind will be very strong."),
    Hazard.FLOOD: ("Nước đang lên nhanh. Nhiều nơi sẽ bị ngập.", "The water is rising fast. Many places will flood."),
    Hazard.FLASH_FLOOD: (
        "Có nguy cơ lũ quét ngay trong những giờ tới.",
        "A flash flood may come within hours.",
    ),
    Hazard.LANDSLIDE: (
        "Đất đá trên sườn núi có thể sạt xuống bất cứ lúc nào.",
        "The slopes may give way at any moment.",
    ),
    Hazard.FIRE: ("Có cháy. Lửa đang lan rộng.", "There is a fire, and it is spreading."),
    Hazard.HEAT: ("Trời nắng nóng gay gắt, nguy hiểm cho sức khỏe.", "It is dangerously hot."),
    Hazard.EPIDEMIC: (
        "Trên địa bàn xã đang có dịch bệnh. Ai có sốt, ho hoặc tiêu chảy thì báo ngay trạm y tế.",
        "There is an epidemic in the commune. If you have a fever, a cough or diarrhoea, tell the health station.",
    ),
    Hazard.EVACUATION: ("Bà con phải sơ tán ngay.", "Everybody must leave now."),
}
_ADVICES = {
    Hazard.STORM: (
        "Bà con ở trong nhà, đóng chặt cửa, tránh xa cửa kính. Ai ở nhà yếu thì sang ngay nhà kiên cố. Không ra khơi.",
        "Stay inside, shut the doors and keep away from windows. If your house is weak, go to a strong one now. "
        "Do not put to sea.",
    ),
    Hazard.FLOOD: (
        "Bà con đưa người già, trẻ em và đồ đạc lên cao. Cắt cầu dao điện. Không lội, không đi xe qua chỗ nước chảy.",
        "Bring old people, children and belongings to higher places. Switch off the electricity. Do not walk or drive "
        "through flowing water.",
    ),
    Hazard.FLASH_FLOOD: (
        "Bà con ở ven suối, chân đồi lên chỗ cao ngay. Không qua ngầm, qua suối. Không ở lại lấy đồ.",
        "If you live by a stream or below a hill, go to higher ground now. Do not cross fords or streams. Leave your "
        "belongings.",
    ),
    Hazard.LANDSLIDE: (
        "Bà con rời ngay khỏi chân đồi, mái dốc. Thấy đất nứt, cây nghiêng, nước suối đục thì chạy ngang sườn, "
        "không chạy xuôi dốc.",
        "Leave the foot of slopes now. If the ground cracks, trees lean or the stream turns muddy, run sideways, not "
        "downhill.",
    ),
    Hazard.FIRE: (
        "Bà con ra khỏi nhà, đi ngược chiều gió, lấy khăn ướt che mũi. Gọi một một bốn. Đừng quay lại lấy đồ.",
        "Leave the house, go against the wind and cover your nose with a wet cloth. Call one one four. Do not go back.",
    ),
    Hazard.HEAT: (
        "Bà con không làm đồng từ mười giờ sáng đến bốn giờ chiều. Uống nhiều nước. Trông nom người già và trẻ nhỏ.",
        "Do not work in the fields between ten and four o'clock. Drink plenty of water. Look after old people and "
        "small children.",
    ),
    Hazard.EPIDEMIC: (
        "Bà con đeo khẩu trang, rửa tay bằng xà phòng, không tụ tập đông người.",
        "Wear a mask, wash your hands with soap, and do not gather in crowds.",
    ),
    Hazard.EVACUATION: (
        "Bà con mang theo giấy tờ, thuốc và nước uống, giúp người già và trẻ em. Tắt điện, khóa cửa và đi theo hướng "
        "dẫn của cán bộ thôn.",
        "Take your papers, medicine and water. Help old people and children. Switch off the electricity, lock the door "
        "and follow the village officers.",
    ),
}


def standard_texts() -> dict[int, tuple[str, str]]:
    """Vietnamese and English by number: what a commune has until it writes its own."""
    return {
        **_COMMON,
        **{
            level_sound(level): (f"Cấp độ rủi ro: cấp {vietnamese}.", f"Risk level {english}.")
            for level, (vietnamese, english) in _LEVEL_WORDS.items()
        },
        **{danger_sound(hazard): texts for hazard, texts in _DANGERS.items()},
        **{advice_sound(hazard): texts for hazard, texts in _ADVICES.items()},
        **{hour_sound(hour): (f"Trước {hour} giờ.", f"Before {hour} o'clock.") for hour in range(24)},
    }
