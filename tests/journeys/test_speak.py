"""A person speaks live through a real browser: the voice is on every loudspeaker, the sign is lit, the clip is there."""

from demo.demo import Demo
from demo.speak_check import check_speak
from runtime.mosquitto import free_port


def test_a_voice_in_a_browser_is_found_in_the_recordings_of_all_receivers_and_in_the_library() -> None:
    with Demo(http_port=free_port()) as demo:
        figures, _ = check_speak(demo, None, speak_s=8)
    assert figures["heard"] == 3
    assert figures["recorded_clip"]
    assert 300 < figures["mouth_to_ear_ms_p50"] < 2000
