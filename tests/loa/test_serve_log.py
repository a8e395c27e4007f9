"""The controller's log at its most talkative: keys of signed links are not in it."""

import os
import subprocess
import sys

#: In a process of its own: the levels of loggers stay for all tests otherwise.
FETCH = """
import http.server, threading
import httpx2
from loa.serve_command import log_to_stderr

log_to_stderr("debug")
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
server.RequestHandlerClass.log_message = lambda *_: None
threading.Thread(target=server.handle_request).start()
answer = httpx2.get(f"http://127.0.0.1:{server.server_port}/a.mp3?sig=KEY-OF-THE-LINK")
import logging
logging.getLogger("province.audio_fetch").debug("answered %d", answer.status_code)
"""


def test_the_key_of_a_signed_link_is_not_in_the_debug_log() -> None:
    ran = subprocess.run([sys.executable, "-c", FETCH], capture_output=True, text=True, env={**os.environ}, timeout=60)
    assert "DEBUG province.audio_fetch: answered 404" in ran.stderr
    assert "KEY-OF-THE-LINK" not in ran.stderr
