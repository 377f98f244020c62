"""Editing what the page says outside its stages: the helpful places to start, a line each, and its own texts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.permissions import requires
from portal.roles import Role
from portal.saying import Offer, Said, said_here, say
from stages import drafts
from stages.blockform import whole_number
from stages.content import Difference
from stages.drafts import Subject
from stages.history.own_texts import changes_of, title_of
from stages.models import Draft, PageText, Section, StartingPoint
from stages.own_texts import (
    OwnText,
    OwnTextRefused,
    StaleOwnText,
    as_typed,
    last_of,
    move,
    restore,
    take_away,
    undo,
    where,
    write_start,
    write_text,
)
from stages.pages.editor import KEPT, UNDONE, draft_kept, person

Row = TypeVar("Row", StartingPoint, PageText)
WORDS: dict[type[OwnText], str] = {StartingPoint: "start", PageText: "text"}
NOT_UNDONE = "Somebody changed it meanwhile, so it was not undone. The history has every version."
GONE = "Somebody took this away meanwhile. What you wrote is in the form below; saving adds it anew."


@dataclass(kw_only=True)
class Line:
    """The form of a place to start; ``row`` is none for another line."""

    row: StartingPoint | None
    text: str = ""
    version: int = 0
    draft_at: datetime | None = None
    behind: bool = False
    said: str = ""
    error: str = ""
    theirs: str = ""

    @property
    def anchor(self) -> str:
        """Where the page has it."""
        return f"start-{self.row.pk}" if self.row else "start-new"


@requires(Role.EDITOR)
@require_http_methods(["GET", "POST"])
def starting_points(request: HttpRequest) -> HttpResponse:
    """The lines with their forms, a form for another one, and what changed."""
    if request.method == "GET":
        return lines(request)
    pk, action = whole_number(request.POST.get("pk", "")), request.POST.get("action", "save")
    user, subject = person(request), drafts.of_own_text(StartingPoint, pk)
    text = request.POST.get("text", "").replace("\x00", "")
    version = whole_number(request.POST.get("version", "")) or 0
    if action in ("discard", "afresh"):
        drafts.drop(user=user, subject=subject)
    elif action == "draft":
        kept = keep_draft(request, subject, row_of(StartingPoint, pk), {"text": text}, version)
        answer = draft_kept(request, kept)
        return answer or lines(request, Line(row=row_of(StartingPoint, pk), text=text, version=version, said=KEPT))
    elif pk is not None and action in ("up", "down"):
        put_elsewhere(request, StartingPoint, pk, action)
    elif action in ("undo", "restore"):
        take_back(request, StartingPoint, action)
    else:
        refused = change_line(request, pk, text, version, action)
        if refused is not None:
            return refused
    address = reverse("stages:starting-points")
    return redirect(f"{address}#start-{pk}" if pk and row_of(StartingPoint, pk) else address)


def change_line(request: HttpRequest, pk: int | None, text: str, version: int, action: str) -> HttpResponse | None:
    """Save a line or take it away; the page again where it is refused."""
    user, row = person(request), row_of(StartingPoint, pk)
    try:
        if action == "remove" and pk is not None:
            take_away(model=StartingPoint, pk=pk, version=version, actor=user)
            told(request, StartingPoint, pk, version, "Taken away.")
        else:
            saved = write_start(pk=pk, text=text, version=None if pk is None else version, actor=user)
            different = row is None or saved.version != row.version
            said = "Saved." if different else "Nothing was different, so nothing was saved."
            told(request, StartingPoint, saved.pk, saved.version if different else 0, said)
    except OwnTextRefused as error:
        return lines(request, Line(row=row, text=text, version=version, error=str(error)), status=422)
    except StaleOwnText as error:
        if error.row is None:
            return lines(request, Line(row=None, text=text, error=GONE), status=409)
        assert isinstance(error.row, StartingPoint)  # noqa: S101
        keep_draft(request, drafts.of_own_text(StartingPoint, pk), error.row, {"text": text}, error.row.version)
        stale = Line(row=error.row, text=text, version=error.row.version, theirs=error.row.text)
        return lines(request, stale, status=409)
    drafts.drop(user=user, subject=drafts.of_own_text(StartingPoint, pk))
    return None


def lines(request: HttpRequest, posted: Line | None = None, *, status: int = 200) -> HttpResponse:
    """The page; one of its forms may be as it was posted."""
    rows = list(StartingPoint.objects.all())
    typed = {
        one.subject: one
        for one in Draft.objects.filter(user=person(request), subject__startswith=f"{StartingPoint.__name__.lower()}:")
    }
    forms = [line_of(row, typed) if posted is None or posted.row != row else posted for row in rows]
    added = posted if posted is not None and posted.row is None else line_of(None, typed)
    context = {
        "lines": forms,
        "added": added,
        "history": changes_of(StartingPoint),
        **said_here(request, [line.anchor for line in forms]),
    }
    return render(request, "stages/starting_points.html", context, status=status)


def line_of(row: StartingPoint | None, typed: dict[str, Draft]) -> Line:
    """The form of a line, as this person left it."""
    line = Line(row=row, text=row.text if row else "", version=row.version if row else 0)
    draft = typed.get(drafts.of_own_text(StartingPoint, row.pk if row else None).name)
    if draft is not None:
        line.text, line.version, line.draft_at = draft.form["text"], draft.base_version, draft.saved_at
        line.behind = row is not None and draft.base_version != row.version
    return line


@requires(Role.EDITOR)
@require_http_methods(["GET", "POST"])
def texts(request: HttpRequest) -> HttpResponse:
    """The texts of the page in the order of the page, and what changed; the small buttons post here."""
    if request.method == "POST":
        return change_order(request)
    rows = list(PageText.objects.select_related("section"))
    context = {
        "places": [
            (label.capitalize(), place, [(row, title_of(row)) for row in rows if row.place == place])
            for place, label in PageText.Place.choices
        ],
        "sections": Section.objects.filter(retired_on=None),
        "history": changes_of(PageText),
        **said_here(request, [f"text-{row.pk}" for row in rows]),
    }
    return render(request, "stages/page_texts.html", context)


def change_order(request: HttpRequest) -> HttpResponse:
    """Move a text, take the last change back, or bring a version back."""
    pk, action = whole_number(request.POST.get("pk", "")), request.POST.get("action", "")
    address = reverse("stages:texts")
    if action in ("undo", "restore"):
        take_back(request, PageText, action)
    elif pk is not None and action in ("up", "down"):
        put_elsewhere(request, PageText, pk, action)
    return redirect(f"{address}#text-{pk}" if pk and row_of(PageText, pk) else address)


@requires(Role.EDITOR)
@require_http_methods(["GET", "POST"])
def text(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The form of a text of the page, with a preview, and its history."""
    row = PageText.objects.select_related("section").filter(pk=pk).first() if pk is not None else None
    if pk is not None and row is None:
        return taken_away(request, pk)
    place, section = place_asked(request)
    if row is None and not place:
        raise Http404("Say where the text is to stand.")
    user, subject = person(request), drafts.of_own_text(PageText, pk, "" if row else where(place, section))
    if request.method == "GET":
        draft = drafts.find(user, subject)
        if draft is not None:
            return show_text(request, row, draft.form, version=draft.base_version, draft_at=draft.saved_at)
        return show_text(request, row, {"heading": row.heading, "body": row.body} if row else {})
    action, version = request.POST.get("action", "save"), whole_number(request.POST.get("version", "")) or 0
    typed = typed_text(request)
    if action in ("discard", "afresh"):
        drafts.drop(user=user, subject=subject)
        return redirect("stages:texts" if action == "discard" else request.get_full_path())
    if action in ("draft", "preview"):
        kept = keep_draft(request, subject, row, typed, version)
        if action == "preview":
            return show_text(request, row, typed, version=version, preview=True)
        return draft_kept(request, kept) or show_text(request, row, typed, version=version, said=KEPT)
    try:
        if action == "remove" and row is not None:
            take_away(model=PageText, pk=row.pk, version=version, actor=user)
            told(request, PageText, row.pk, version, "Taken away.")
        else:
            saved = write_text(
                pk=pk, heading=typed["heading"], body=typed["body"], version=None if pk is None else version,
                actor=user, place=place, section=section, reason=typed["reason"][:1000],
            )  # fmt: skip
            different = row is None or saved.version != row.version
            said = "Saved." if different else "Nothing was different, so nothing was saved."
            told(request, PageText, saved.pk, saved.version if different else 0, said)
            pk = saved.pk
    except OwnTextRefused as error:
        return show_text(request, row, typed, version=version, errors={error.field: str(error)}, status=422)
    except StaleOwnText as error:
        theirs = error.row if isinstance(error.row, PageText) else None
        if theirs is None:
            return taken_away(request, pk or 0)
        keep_draft(request, subject, theirs, typed, theirs.version)
        return show_text(request, theirs, typed, version=theirs.version, theirs=theirs, status=409)
    drafts.drop(user=user, subject=subject)
    return redirect(f"{reverse('stages:texts')}{'' if action == 'remove' else f'#text-{pk}'}")


def typed_text(request: HttpRequest) -> dict[str, str]:
    """What the form of a text holds."""
    names = ("heading", "body", "reason")
    return {name: request.POST.get(name, "").replace("\x00", "").replace("\r\n", "\n") for name in names}


def taken_away(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody took a text away while its form was open: what was typed is the draft of a new one at its place."""
    last = last_of(PageText, pk)
    if request.method == "GET" or last is None:
        raise Http404("There is no such text of the page.")
    user, typed = person(request), typed_text(request)
    drafts.drop(user=user, subject=drafts.of_own_text(PageText, pk))
    if request.POST.get("action") in ("discard", "afresh", "remove"):
        return redirect("stages:texts")
    section = Section.objects.filter(pk=last.section_id).first()
    place = where(last.place if section or last.place != PageText.Place.SECTION else PageText.Place.TOP, section)
    drafts.keep(user=user, subject=drafts.of_own_text(PageText, None, place), form=typed)
    say(request, Said(sentence=GONE, level="warning"))
    return redirect(f"{reverse('stages:new-text')}?{urlencode({'place': place})}")


def place_asked(request: HttpRequest) -> tuple[str, Section | None]:
    """Where a new text is to stand: ``?place=end``, a section as ``?place=section:dev``; at the top by default."""
    place, _, key = request.GET.get("place", PageText.Place.TOP).replace("\x00", "").partition(":")
    section = Section.objects.filter(key=key).first() if place == PageText.Place.SECTION else None
    known = place in PageText.Place.values and place != PageText.Place.FRONT
    return (place if known and (place != PageText.Place.SECTION or section) else ""), section


def show_text(
    request: HttpRequest,
    row: PageText | None,
    typed: dict[str, str],
    *,
    version: int | None = None,
    draft_at: datetime | None = None,
    said: str = "",
    preview: bool = False,
    theirs: PageText | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The form. It was made from ``version``; ``theirs`` is what somebody else saved meanwhile."""
    current = row.version if row else 0
    place, section = place_asked(request)
    stands = PageText(place=place, section=section) if row is None else row
    both = () if theirs is None else tuple(
        Difference(what=what, before=other, after=mine)
        for what, mine, other in (
            ("the heading", typed.get("heading", ""), theirs.heading), ("the text", typed.get("body", ""), theirs.body),
        )
        if mine != other
    )  # fmt: skip
    made_from = current if version is None else version
    context = {
        "row": row, "title": title_of(row) if row else "A new text", "stands": stands, "typed": typed,
        "version": made_from, "behind": made_from != current, "draft_at": draft_at, "said": said, "preview": preview,
        "theirs": both, "errors": errors or {}, "is_front": stands.place == PageText.Place.FRONT,
        "history": changes_of(PageText, pk=row.pk) if row else [],
    }  # fmt: skip
    return render(request, "stages/page_text.html", context, status=status)


def row_of(model: type[Row], pk: int | None) -> Row | None:
    """The row, if it is there."""
    return model._default_manager.filter(pk=pk).first() if pk is not None else None


def keep_draft(
    request: HttpRequest, subject: Subject, row: OwnText | None, typed: dict[str, str], version: int
) -> bool:
    """Keep what is typed; what says just what stands, or nothing, is no draft."""
    return drafts.keep_what_differs(
        user=person(request), subject=subject, form=typed, stands=as_typed(row), base_version=version
    )


def put_elsewhere(request: HttpRequest, model: type[OwnText], pk: int, action: str) -> None:
    """Move a text up or down."""
    if move(model=model, pk=pk, up=action == "up", actor=person(request)):
        fields = {"pk": str(pk), "action": "down" if action == "up" else "up"}
        offer = Offer(label="Undo", url=address_of(model), fields=fields)
        say(request, Said(sentence="Moved.", offer=offer, place=f"{WORDS[model]}-{pk}"))


def address_of(model: type[OwnText]) -> str:
    """The page that lists the texts of a kind; its small buttons post there."""
    return reverse("stages:starting-points" if model is StartingPoint else "stages:texts")


def told(request: HttpRequest, model: type[OwnText], pk: int, version: int, sentence: str) -> None:
    """Say what was done, with the button that takes it back where it made a version."""
    fields = {"action": "undo", "pk": str(pk), "version": str(version)}
    offer = Offer(label="Redo" if sentence == UNDONE else "Undo", url=address_of(model), fields=fields)
    say(request, Said(sentence=sentence, offer=offer if version else None, place=f"{WORDS[model]}-{pk}"))


def take_back(request: HttpRequest, model: type[OwnText], action: str) -> None:
    """Undo the last change of a text, or bring a version of its history back."""
    user, data = person(request), request.POST
    pk = whole_number(data.get("pk", "")) or 0
    if action == "undo":
        try:
            row = undo(model=model, pk=pk, version=whole_number(data.get("version", "")) or 0, actor=user)
        except StaleOwnText:
            say(request, Said(sentence=NOT_UNDONE, level="warning"))
            return
        except OwnTextRefused as error:
            say(request, Said(sentence=str(error), level="warning"))
            return
        last = changes_of(model, pk=pk)
        told(request, model, pk, row.version if row else last[0].version, UNDONE)
        return
    now = model._default_manager.filter(pk=pk).first()
    back = restore(model=model, event=whole_number(data.get("event", "")) or 0, actor=user)
    if back is None:
        raise Http404("The history has no such version.")
    if now is not None and now.version == back.version:
        say(request, Said(sentence="It says that already.", place=f"{WORDS[model]}-{pk}"))
        return
    told(request, model, back.pk, back.version, "That version is back.")
