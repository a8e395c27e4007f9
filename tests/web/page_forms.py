"""The forms of a page, as a browser would send them: what is hidden, typed, ticked and chosen."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from tests.web.office import Office

TYPED_INTO = ("text", "number", "tel", "email", "url", "date", "time", "search")


@dataclass
class PageForm:
    """typed: names of the fields that a person types into."""

    action: str
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._form: PageForm | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = PageForm(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input" and given.get("name"):
            if given.get("type", "text") in TYPED_INTO:
                self._form.typed.add(given["name"])
            ticks = given.get("type") in ("radio", "checkbox")
            if not ticks or "checked" in given:
                self._form.fields[given["name"]] = given.get("value", "on" if ticks else "")
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and self._select and ("selected" in given or self._select not in self._form.fields):
            self._form.fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""


def forms_of(html: str) -> list[PageForm]:
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def form_of(office: Office, page: str, action: str, **typed: str) -> PageForm:
    """The form with this action on a page, with what was typed."""
    html = office.browser.get(page).text
    found = [form for form in forms_of(html) if form.action == action]
    assert found, f"{page} has no form to {action}"
    found[0].fields.update(typed)
    return found[0]
