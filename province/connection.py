"""The connection to a province's system: signs in, renews its token once when it has run out, sends and asks.

There are two kinds of failure. `ProvinceUnavailable`: the same message is sent again later. `MessageRejected`: the
province does not accept this message, and the next one is sent.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from province.accounts import Account
from province.codes import SendStatus
from province.profile import Profile
from runtime.refusal import N_, Refusal
from runtime.sandbox import ParserFailed, run_in_sandbox

#: An answer is a few bytes, or a list of what waits for us.
_MOST_ANSWER_BYTES = 10_000_000
#: Larger ones are read in a child process with limits, which takes longer to start than these take to read.
_SMALL_ANSWER_BYTES = 250_000
_MOST_VALUES = 200_000
#: All provinces share one place in the sandbox.
_SANDBOX_SOURCE = "province"
#: Refusals that lie in the message, not in the state of the province.
_MESSAGE_IS_WRONG = (400, 409, 413, 415, 422)


class ProvinceUnavailable(Refusal):
    """The province cannot be reached, does not let us in, or answers what it should not; tried again later."""

    retry_after_s: float = 0.0


class MessageRejected(Exception):
    """The province refused a message, and what it said."""


class ProvinceConnection:
    """One commune's. One thread at a time."""

    def __init__(self, profile: Profile, base_url: str, account: Callable[[], Account | None]) -> None:
        self._profile = profile
        self._base_url = base_url.rstrip("/")
        self._account = account
        self._token = ""
        self._client = httpx2.Client(
            timeout=profile.timeout_s,
            follow_redirects=False,
            trust_env=True,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Loa"},
        )

    def close(self) -> None:
        self._client.close()

    def send(self, path: str, message: Mapping[str, Any], key: str = "") -> Any:
        """Send one message (our field names, built-in types). Returns NoiDung of the answer.

        Raises ProvinceUnavailable, MessageRejected.
        """
        body = dict(message)
        if key and self._profile.message_ids:
            body["MaGoiTin"] = key
        return self._ask("POST", path, self._profile.to_theirs(body), key)

    def waiting(self) -> list[Any]:
        """What waits for us at the province, as it writes it. Raises ProvinceUnavailable, MessageRejected."""
        messages = self._ask("GET", self._profile.paths.waiting, None, "")
        if messages is None:
            return []
        if not isinstance(messages, list):
            raise ProvinceUnavailable(N_("The province's list of messages is no list. Check the profile."))
        return messages

    def _ask(self, method: str, path: str, body: Any, key: str) -> Any:
        renewed = not self._token
        if renewed:
            self.sign_in()
        answer = self._request(method, path, body, key)
        if answer.status_code == 401 and not renewed:
            self.sign_in()
            answer = self._request(method, path, body, key)
        if answer.status_code == 401:
            self._token = ""
            raise ProvinceUnavailable(N_("The province does not know our sign-in any more. Check the account."))
        return self._content(answer)

    def sign_in(self) -> None:
        """Get a token, in the place of one that has run out. Raises ProvinceUnavailable."""
        account = self._account()
        if account is None:
            raise ProvinceUnavailable(N_("There is no account at the province's system yet. Enter name and password."))
        self._token = ""
        body = self._profile.to_theirs({"Username": account.user, "Password": account.password})
        answer = self._request("POST", self._profile.paths.login, body, "")
        try:
            content = None if answer.status_code in (401, 403) else self._content(answer)
        except MessageRejected:
            content = None
        token = content.get("Token") if isinstance(content, dict) else content
        if not isinstance(token, str) or not token:
            raise ProvinceUnavailable(N_("The province's system refuses name or password. Check the account."))
        self._token = token

    def _request(self, method: str, path: str, body: Any, key: str) -> httpx2.Response:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if key:
            headers["Idempotency-Key"] = key
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        try:
            with self._client.stream(method, self._base_url + path, content=content, headers=headers) as answer:
                return _read_within(answer, _MOST_ANSWER_BYTES)
        except httpx2.TimeoutException as error:
            raise ProvinceUnavailable(
                N_("The province's system did not answer within {seconds} seconds."), seconds=self._profile.timeout_s
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise ProvinceUnavailable(
                N_("The province's system cannot be reached ({why}). Check the network and the address."),
                why=str(error)[:200] or type(error).__name__,
            ) from error

    def _content(self, answer: httpx2.Response) -> Any:
        status = answer.status_code
        content = self._read(answer)
        if isinstance(content, dict) and "TrangThaiGui" in content and (status < 300 or status in _MESSAGE_IS_WRONG):
            if str(content["TrangThaiGui"]) == str(SendStatus.TAKEN.value) and status < 300:
                return content.get("NoiDung")
            raise MessageRejected(str(content.get("MoTa") or f"TrangThaiGui {content['TrangThaiGui']}")[:500])
        if status in _MESSAGE_IS_WRONG:
            raise MessageRejected(f"HTTP {status}")
        away = ProvinceUnavailable(
            N_("The province's system answers what it should not ({status}). Check address and profile."),
            status=f"HTTP {status}",
        )
        after = answer.headers.get("retry-after", "")
        away.retry_after_s = min(3600.0, float(after)) if after.isdigit() else 0.0
        raise away

    def _read(self, answer: httpx2.Response) -> Any:
        if not answer.content or len(answer.content) > _MOST_ANSWER_BYTES:
            return None
        try:
            content = self._profile.with_our_names(_json(answer))
        except (ValueError, RecursionError, ParserFailed):
            return None
        # What is deeper down is read message by message, so that one bad one spoils no other.
        if isinstance(content, dict) and isinstance(content.get("NoiDung"), dict):
            content["NoiDung"] = self._profile.with_our_names(content["NoiDung"])
        return content


def values_in_child(content: bytes) -> list[Any]:
    """The content of a JSON text, in a list.

    Raises Refusal when it has too many values: a list of empty lists takes 50 times the memory of its text.
    """
    if content.count(b",") > _MOST_VALUES:
        raise Refusal(N_("The province's system sent an answer with too many values. Tell the province."))
    return [json.loads(content)]


def _json(answer: httpx2.Response) -> Any:
    if len(answer.content) <= _SMALL_ANSWER_BYTES:
        return answer.json()
    try:
        [value] = run_in_sandbox(values_in_child, answer.content, result=list[Any], source=_SANDBOX_SOURCE)
    except Refusal as refusal:
        raise ProvinceUnavailable(refusal.message_id, **refusal.values) from refusal
    return value


def _read_within(answer: httpx2.Response, most_bytes: int) -> httpx2.Response:
    """The answer with its content, unpacked block by block, so that a small packed answer cannot fill memory.

    Raises ProvinceUnavailable.
    """
    content = bytearray()
    for block in answer.iter_bytes(65_536):
        content += block
        if len(content) > most_bytes:
            raise ProvinceUnavailable(
                N_("The province's system sent an answer of more than {mb} MB. Tell the province."),
                mb=most_bytes // 1_000_000,
            )
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-encoding"}
    return httpx2.Response(answer.status_code, headers=headers, content=bytes(content), request=answer.request)
