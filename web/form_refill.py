"""Fill a form of a rendered page with what was sent, and set a refusal beside its field.

One mechanism for every form: templates show what is stored, and a refused form is the same page with the values of the
request written over it. Everything outside of the form is left as it is, character by character.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

Attributes = list[tuple[str, str | None]]

#: Hidden fields that are new on each page. `revision` is not among them: what the sender saw still counts.
_NEW_EACH_TIME = ("form_token", "once", "form_page")
_KEPT_TYPES = ("hidden", "password", "file", "submit", "button", "image")
ERROR_ID = "field-error"
#: The hidden field of a refused form that names its page: the address in the browser is that of the form's target then.
FORM_PAGE = "form_page"


@dataclass
class _FormOutline:
    actions: set[str] = field(default_factory=set)
    hidden: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


def refilled(
    html: str, action: str, sent: Sequence[tuple[str, str]], message: str, field_name: str, address: str
) -> str | None:
    """The page with the form that is sent to `action` filled in. None where the page has no such form.

    sent: names and values, [] where they are not known. field_name: where the message belongs, "" for the whole form;
    "name#2" is the third field of this name.
    address: of the page.
    """
    outlines = _Outlines()
    outlines.feed(html)
    candidates = [k for k, form in enumerate(outlines.forms) if action in form.actions]
    if not candidates:
        return None
    values = dict(sent)
    chosen = max(candidates, key=lambda k: (_likeness(outlines.forms[k], values), -k))
    named = field_name if field_name.partition("#")[0] in outlines.forms[chosen].names else ""
    filler = _Filler(chosen, list(sent), message, named, address)
    filler.feed(html)
    filler.close()
    return "".join(filler.out)


def _likeness(form: _FormOutline, values: dict[str, str]) -> int:
    """Of several forms with one action: whose hidden fields and names fit best to what was sent."""
    same = sum(2 if values.get(name) == value else -2 for name, value in form.hidden.items() if name in values)
    return same + sum(1 if name in values else -1 for name in form.names)


class _Outlines(HTMLParser):
    """The forms of a page, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_FormOutline] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = given.get("method", "").lower() == "post"
            if self._open:
                self.forms.append(_FormOutline({urlsplit(given.get("action", "")).path}))
        elif self._open:
            self._note(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False

    def _note(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.forms[-1], given.get("name", "")
        if "formaction" in given:
            form.actions.add(urlsplit(given["formaction"]).path)
        if tag in ("input", "select", "textarea") and name and name not in _NEW_EACH_TIME:
            if given.get("type") == "hidden":
                form.hidden[name] = given.get("value", "")
            else:
                form.names.add(name)


class _Filler(HTMLParser):
    """Copies the page and rewrites start tags of one form."""

    def __init__(self, number: int, sent: list[tuple[str, str]], message: str, field_name: str, address: str) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._number, self._sent, self._field = number, sent, field_name
        self._field_name, _, index = field_name.partition("#")
        self._field_index = int(index or 0)
        self._values: dict[str, list[str]] = {}
        for name, value in sent:
            self._values.setdefault(name, []).append(value)
        self._filled: Counter[str] = Counter()  # by name: how many fields have their value
        self._passed = 0  # fields of the name that the message is about
        self._page = f'<input type="hidden" name="{FORM_PAGE}" value="{escape(address)}">'
        self._forms = -1
        self._inside = False
        self._error = (
            f'<div class="field-error" id="{ERROR_ID}" role="alert">{escape(message)}</div>'
            if field_name
            else f'<div class="notice bad" role="alert" tabindex="-1" autofocus>{escape(message)}</div>'
        )
        self._shown = False
        self._error_after = ""  # the end tag that the message follows
        self._select = ""
        self._chosen: str | None = None
        self._textarea: str | None = None
        self._in_label = False
        self._details: list[int] = []  # where in `out` the open <details> of the form begin

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        text = self.get_starttag_text() or ""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "").lower() == "post":
            self._forms += 1
            self._inside = self._forms == self._number
            self.out.append(text)
            if self._inside:
                self.out.append(self._page)
            if self._inside and not self._field:
                self._show()
            return
        if not self._inside:
            self.out.append(text)
            return
        self._inside_form(tag, attrs, given, text)

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == "textarea" and self._textarea is not None:
            self.out.append(escape(self._textarea, quote=False))
            self._textarea = None
        self.out.append(f"</{tag}>")
        if not self._inside:
            return
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "label":
            self._in_label = False
        elif tag == "details" and self._details:
            self._details.pop()
        if tag == self._error_after:
            self._error_after = ""
            self._show()

    def handle_data(self, data: str) -> None:
        if self._textarea is None:
            self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self.out.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")

    def _inside_form(self, tag: str, attrs: Attributes, given: dict[str, str], text: str) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "label":
            self._in_label = True
        elif tag == "details":
            self._details.append(len(self.out))
        elif tag == "input" and self._sent:
            attrs = self._filled_input(attrs, name, kind, given)
        elif tag == "select":
            self._select, self._chosen = name, self._next_value(name)
        elif tag == "option" and self._select and self._sent:
            attrs = _with_flag(attrs, "selected", given.get("value", "") == self._chosen)
        elif tag == "textarea" and self._sent:
            self._textarea = self._next_value(name) or ""
        is_field = tag in ("input", "select", "textarea") and name and kind != "hidden"
        is_named = is_field and self._field and name == self._field_name
        self._passed += bool(is_named)
        if is_named and self._passed > self._field_index and not self._shown and not self._error_after:
            described = f"{given.get('aria-describedby', '')} {ERROR_ID}".strip()
            attrs = [a for a in attrs if a[0] not in ("aria-describedby", "aria-invalid", "autofocus")]
            attrs += [("aria-invalid", "true"), ("aria-describedby", described), ("autofocus", None)]
            for place in self._details:
                self.out[place] = re.sub(r"^<details(?![^>]*\sopen)", "<details open", self.out[place])
            self._error_after = "label" if self._in_label else tag
        self.out.append(_tag(tag, attrs, text))
        if tag == "input" and self._error_after == "input":
            self._error_after = ""
            self._show()

    def _filled_input(self, attrs: Attributes, name: str, kind: str, given: dict[str, str]) -> Attributes:
        if kind in ("radio", "checkbox"):
            return _with_flag(attrs, "checked", (name, given.get("value", "on")) in self._sent)
        if name == "revision" or kind not in _KEPT_TYPES:
            value = self._next_value(name)
            if value is not None:
                return [*(a for a in attrs if a[0] != "value"), ("value", value)]
        return attrs

    def _next_value(self, name: str) -> str | None:
        """Fields of one name get the values in their order. None where nothing was sent for it."""
        values = self._values.get(name, [])
        index = self._filled[name]
        self._filled[name] += 1
        return values[min(index, len(values) - 1)] if values else None

    def _show(self) -> None:
        self._shown = True
        self.out.append(self._error)


def _with_flag(attrs: Attributes, flag: str, on: bool) -> Attributes:
    rest = [a for a in attrs if a[0] != flag]
    return [*rest, (flag, None)] if on else rest


def _tag(tag: str, attrs: Attributes, text: str) -> str:
    if tag not in ("input", "option", "select", "textarea"):
        return text
    words = [name if value is None else f'{name}="{escape(value)}"' for name, value in attrs]
    return f"<{' '.join([tag, *words])}>"
