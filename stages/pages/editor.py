"""Editing a stage's page block by block. Every step is a plain form; htmx only spares the reload."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.models import User
from portal.permissions import has_role, requires, signed_in
from portal.roles import Role
from portal.saying import Offer, Said, say
from stages import collaboration
from stages.blockform import BlockForm, form_of, posted, settled, step, take_paste, whole_number
from stages.collaboration import Refused
from stages.content import Conflict, merge
from stages.derived import derived_blocks
from stages.editing import HeadingTaken, Saved, StaleBlock, content_of, ensure_block, find_block, save_block
from stages.handbook.template import BY_KIND, DESCRIPTION_HELP
from stages.models import Block, BlockKind, Dialect, DocLabel, Follow, FormerKey, Stage, Suggestion
from stages.stage_page import BlockView, groups_of, stage_named, stage_page
from stages.validation import LONGEST_HEADING, cleaned

STEPS = ("add", "paste", "preview", "draft")
UNDONE = "Undone."
KEPT = "Your draft is kept. Only you see it, until you save."


def find_stage(request: HttpRequest, key: str) -> Stage:
    """The stage of an address, also of an old one, or a 404."""
    try:
        return stage_named(key, request.user)
    except Stage.DoesNotExist as error:
        if (now := key_now("stage", key)) is None:
            raise Http404(f"There is no stage with the key {key}.") from error
        return stage_named(now, request.user)


def key_now(kind: str, key: str) -> str | None:
    """The key that something has which once had this one; ``None`` where nothing had."""
    former = FormerKey.objects.filter(kind=kind, key=key) if "\x00" not in key else FormerKey.objects.none()
    return former.values_list("target_key", flat=True).first()


def person(request: HttpRequest) -> User:
    """Who asks; ``requires`` has seen to it that somebody is signed in."""
    return signed_in(request)


def is_htmx(request: HttpRequest) -> bool:
    """Whether only a part of the page is wanted."""
    return request.headers.get("HX-Request") == "true"


def heading_of(text: str) -> str:
    """A heading as it can be looked for."""
    return text.replace("\x00", "")[:LONGEST_HEADING]


def checked(kind: str) -> str:
    """A kind that there is."""
    if kind not in BlockKind.values:
        raise Http404(f"There is no kind of block {kind}.")
    return kind


@requires(Role.VIEWER)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """The form of one block: editors save it, others suggest it."""
    stage, user = find_stage(request, key), person(request)
    heading = heading_of(request.GET.get("heading", "")) if checked(kind) == BlockKind.OTHER else ""
    if request.method == "POST":
        return post(request, stage, kind, heading, user)
    block = find_block(stage, kind, heading)
    kept = collaboration.draft_of(user, stage, kind, heading) if "fresh" not in request.GET else None
    form, kept_at = kept if kept else (form_of(kind, content_of(block), block.version if block else 0), None)
    suggestion = None
    if (number := whole_number(request.GET.get("suggestion", ""))) is not None:
        suggestion = get_object_or_404(Suggestion, pk=number, stage=stage, kind=kind, state="open")
        from stages.content import from_json

        form = form_of(kind, from_json(suggestion.content), suggestion.base_version)
        form.reason = request.GET.get("reason", "").replace("\x00", "")[:1000]
    return show(request, stage, form, heading, draft_at=kept_at, suggestion=suggestion)


def post(request: HttpRequest, stage: Stage, kind: str, heading: str, user: User) -> HttpResponse:
    """One step of the form, or its end."""
    base = whole_number(str(request.POST.get("base_version", ""))) or 0
    form = posted(kind, request.POST.dict(), request.POST.getlist("order"), base)
    action = str(request.POST.get("action", "save"))
    if action in ("discard", "afresh"):
        collaboration.drop_draft(user=user, stage=stage, kind=kind, heading=heading)
        if action == "discard":
            return done(request, stage, kind, heading, "")
        block = find_block(stage, kind, heading)
        return show(request, stage, form_of(kind, content_of(block), block.version if block else 0), heading)
    if action in STEPS or action.startswith(("up-", "down-", "remove-")):
        form = step(form, action)
        kept = collaboration.keep_draft(user=user, stage=stage, heading=heading, form=form)
        if action == "draft":
            return draft_kept(request, kept) or show(request, stage, form, heading, said=KEPT)
        return show(request, stage, form, heading, preview=action == "preview", focus=action)
    if action == "quick":
        block = find_block(stage, kind, heading)
        form = replace(form_of(kind, content_of(block), block.version if block else 0), paste=form.paste)
        if not form.paste.strip():
            form.errors = {"paste": "Paste a link first, or fill in the form."}
            return show(request, stage, form, heading, status=422)
    form = settled(take_paste(form) if form.paste.strip() else form)
    if form.paste.strip():
        form.errors = {
            "paste": "Some of what you pasted is neither a link nor a name; put it elsewhere or take it out."
        }
        return show(request, stage, form, heading, status=422)
    content, form.errors = cleaned(form.content, kind)
    form.content = content
    if kind == BlockKind.OTHER and content.heading != heading and find_block(stage, kind, content.heading):
        form.errors["heading"] = str(HeadingTaken())
    if form.errors:
        return show(request, stage, form, heading, status=422)
    if not has_role(user, Role.EDITOR, stage.scopes) or action == "suggest":
        return suggest(request, stage, form, heading, user)
    return save(request, stage, form, heading, user)


def draft_kept(request: HttpRequest, kept: bool) -> HttpResponse | None:
    """The answer to the script that keeps drafts while people type; without it the form is shown again."""
    return HttpResponse("Draft kept." if kept else "") if is_htmx(request) else None


def save(request: HttpRequest, stage: Stage, form: BlockForm, heading: str, user: User) -> HttpResponse:
    """Write the block; merge what somebody else saved meanwhile, and ask where both changed the same."""
    suggestion = open_suggestion(request, stage, form.kind)
    said = ""
    while True:
        # Somebody may be quicker again while both are merged; each turn is made from what stands by then.
        try:
            saved = write(stage, form, heading, user, suggestion, how="merge" if said else "edit")
            break
        except (Refused, HeadingTaken) as error:
            form.errors = {"heading" if isinstance(error, HeadingTaken) else "reason": str(error)}
            return show(request, stage, form, heading, status=422)
        except StaleBlock as stale:
            merged = merge(stale.base, form.content, stale.current, keep_missing=False)
            who = stale.block.revisions.values_list("actor_name", flat=True).first() or "Somebody"
            form.content, form.base_version = merged.content, stale.block.version
            if merged.conflicts:
                collaboration.keep_draft(user=user, stage=stage, heading=heading, form=form)
                return show(request, stage, form, heading, conflicts=merged.conflicts, other=who, status=409)
            said = f"{who} had saved this block meanwhile; both changes are in it."
    if request.POST.get("action") != "quick":
        # What is added in a moment leaves the draft of the whole form alone.
        collaboration.drop_draft(user=user, stage=stage, kind=form.kind, heading=heading)
    if saved is not None:
        if suggestion is not None:
            told = f", and {suggestion.author} is told" if suggestion.author else ""
            said = f"The suggestion is accepted with your changes{told}."
        said = said or ("Saved." if saved.differences else "Nothing was different, so nothing was saved.")
        undo = saved.block.version if saved.differences else 0
        return done(request, stage, form.kind, heading or form.content.heading, said, undo=undo)
    return done(request, stage, form.kind, heading, "Saved.")


def write(
    stage: Stage, form: BlockForm, heading: str, user: User, suggestion: Suggestion | None, *, how: str
) -> Saved | None:
    """Write what the form says, made from the version that it names; of a suggestion as its acceptance."""
    if suggestion is not None:
        return collaboration.decide_suggestion(
            suggestion=suggestion, actor=user, state=Suggestion.State.CHANGED, content=form.content,
            base_version=form.base_version, answer=form.reason,
        )  # fmt: skip
    return save_block(
        stage=stage, kind=form.kind, heading=heading or form.content.heading, content=form.content,
        base_version=form.base_version, actor=user, how=how, reason=form.reason,
    )  # fmt: skip


def open_suggestion(request: HttpRequest, stage: Stage, kind: str) -> Suggestion | None:
    """The suggestion that this form changes, if it does."""
    number = whole_number(str(request.POST.get("suggestion", ""))) or 0
    return Suggestion.objects.filter(pk=number, stage=stage, kind=kind, state="open").first()


def suggest(request: HttpRequest, stage: Stage, form: BlockForm, heading: str, user: User) -> HttpResponse:
    """Hand the content to the editors of the stage."""
    try:
        collaboration.suggest(
            user=user, stage=stage, kind=form.kind, heading=heading or form.content.heading, content=form.content,
            base_version=form.base_version, reason=form.reason,
        )  # fmt: skip
    except Refused as error:
        form.errors = {"reason": str(error)}
        return show(request, stage, form, heading, status=422)
    if request.POST.get("action") != "quick":
        collaboration.drop_draft(user=user, stage=stage, kind=form.kind, heading=heading)
    return done(
        request, stage, form.kind, heading, "Thank you. The editors of this stage were told of your suggestion."
    )


def show(
    request: HttpRequest,
    stage: Stage,
    form: BlockForm,
    heading: str,
    *,
    preview: bool = False,
    focus: str = "",
    conflicts: tuple[Conflict, ...] = (),
    other: str = "",
    draft_at: Any = None,
    suggestion: Suggestion | None = None,
    said: str = "",
    status: int = 200,
) -> HttpResponse:
    """The form, as a part of the stage's page or as a page of its own."""
    template = BY_KIND.get(form.kind)
    block = find_block(stage, form.kind, heading)
    title = heading or (block.heading if block else "") or (template.heading if template else "About this stage")
    anchor = form.kind.replace("_", "-")
    if form.kind == BlockKind.OTHER:
        anchor = f"other-{block.pk}" if block and heading else "other-new"
        title = heading or "A block of your own"
    last = len(form.content.items) - 1
    context = {
        "stage": stage,
        "form": form,
        "heading": heading,
        "title": title,
        "anchor": anchor,
        "help": template.help if template else (DESCRIPTION_HELP if form.kind == "description" else ""),
        "prompt": template.prompt if template else "",
        "label_prompt": template.label if template else "",
        "preview": preview,
        "focus": last if focus in ("add", "paste") else -1,
        "conflicts": conflicts,
        "other": other,
        "draft_at": draft_at,
        "behind": bool(draft_at and form.base_version != (block.version if block else 0)),
        "said": said,
        "suggestion": suggestion or (open_suggestion(request, stage, form.kind) if request.method == "POST" else None),
        "can_edit": has_role(request.user, Role.EDITOR, stage.scopes),
        "dialects": Dialect.choices,
        "doc_labels": DocLabel.choices,
        "last": last,
    }
    if is_htmx(request):
        # htmx swaps only successful answers in; the state of the form is told by its own words.
        return render(request, "stages/_block_form.html", context)
    return render(request, "stages/edit.html", context, status=status)


def done(request: HttpRequest, stage: Stage, kind: str, heading: str, said: str, *, undo: int = 0) -> HttpResponse:
    """Back to the block: the block alone for htmx, the page at its place otherwise. ``undo`` is the version saved."""
    offer = undo_of(stage, kind, heading, undo, label="Redo" if said == UNDONE else "Undo") if undo else None
    if not is_htmx(request):
        anchor = anchor_of(stage, kind, heading)
        if said:
            say(request, Said(sentence=said, offer=offer, place=anchor))
        return redirect(f"{stage.get_absolute_url()}#{anchor}")
    page = stage_page(find_stage(request, stage.key), request.user)
    view = next((one for one in page.blocks if (one.kind, one.heading) == (kind, heading)), None)
    if view is None:
        return HttpResponse("")
    told = {view.anchor: Said(sentence=said, offer=offer, place=view.anchor)} if said else {}
    context = {"block": view, "stage": stage, "page": page, "said_at": told, "swap": True}
    return render(request, "stages/_block_saved.html", context)


def undo_of(stage: Stage, kind: str, heading: str, version: int, *, label: str = "Undo") -> Offer:
    """The button that takes a save back, for as long as nobody saves after it."""
    fields = {"action": "undo", "heading": heading, "version": str(version)}
    return Offer(label=label, url=reverse("stages:tool", args=[stage.key, kind]), fields=fields)


def anchor_of(stage: Stage, kind: str, heading: str) -> str:
    """Where the stage's page has a block."""
    if kind != BlockKind.OTHER:
        return kind.replace("_", "-")
    block = find_block(stage, kind, heading)
    return block.anchor if block and (block.version or block.heading) else "blocks"


def view_of(stage: Stage, kind: str, heading: str, request: HttpRequest) -> BlockView | None:
    """The block as the page shows it."""
    for view in stage_page(stage, request.user).blocks:
        if view.kind == kind and view.heading == heading:
            return view
    return None


@requires(Role.VIEWER)
@require_GET
def block(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """One block as it stands: what cancelling an edit goes back to."""
    stage = find_stage(request, key)
    return done(request, stage, checked(kind), heading_of(request.GET.get("heading", "")), "")


def editors_only(request: HttpRequest, stage: Stage) -> User:
    """The person, if an editor of this stage."""
    from django.core.exceptions import PermissionDenied

    user = person(request)
    if not has_role(user, Role.EDITOR, stage.scopes):
        raise PermissionDenied(f"This needs the role editor for {stage.name}.")
    return user


@requires(Role.VIEWER)
@require_POST
def tool(request: HttpRequest, key: str, kind: str) -> HttpResponse:
    """The small buttons of a block: undo, reviewed, keep it, confirm derived facts or give back to them."""
    stage = find_stage(request, key)
    user = editors_only(request, stage)
    heading = heading_of(request.POST.get("heading", "")) if kind == BlockKind.OTHER else ""
    action = str(request.POST.get("action", ""))
    found = find_block(stage, checked(kind), heading)
    said = ""
    if action == "confirm":
        return confirm(request, stage, kind, found, user)
    if found is not None and action == "give-back":
        return give_back(request, stage, kind, user)
    if found is not None and action == "undo":
        version = str(request.POST.get("version", ""))
        try:
            saved = collaboration.undo(block=found, version=whole_number(version) or -1, actor=user)
            return done(request, stage, kind, heading, UNDONE, undo=saved.block.version if saved.differences else 0)
        except StaleBlock:
            said = "Somebody saved this block meanwhile, so it was not undone. The history has every version."
        except HeadingTaken:
            said = "It was not undone: there is another block with the heading of before by now."
    elif found is not None and action == "reviewed":
        collaboration.review(block=found, actor=user)
        said = "Marked as reviewed today."
    elif action == "own" and (found is not None or kind != BlockKind.OTHER):
        found = found or ensure_block(stage, kind)
        collaboration.own(block=found, user=None if found.owner == user else user, actor=user)
        said = "You keep this block now." if found.owner == user else "You do not keep this block any more."
    return done(request, stage, kind, heading, said)


def confirm(request: HttpRequest, stage: Stage, kind: str, found: Block | None, user: User) -> HttpResponse:
    """Make derived facts the block's own, where nobody wrote something else meanwhile."""
    people = list(stage.people.select_related("contact").exclude(contact__name="").order_by("order", "pk"))
    derived = derived_blocks(stage, [view.group for view in groups_of(stage)], people).get(kind)
    if derived is None or (found is not None and not content_of(found).is_empty):
        return done(request, stage, kind, "", "")
    version = found.version if found else 0
    try:
        saved = collaboration.confirm(stage=stage, kind=kind, content=derived, actor=user, base_version=version)
    except StaleBlock:
        return done(request, stage, kind, "", "Somebody saved this block meanwhile, so it was not confirmed.")
    return done(request, stage, kind, "", "Confirmed; it is now the block's own.", undo=saved.block.version)


def give_back(request: HttpRequest, stage: Stage, kind: str, user: User) -> HttpResponse:
    """Give a block back to the structure files, as long as it says what the page said that the button stood on."""
    version = whole_number(str(request.POST.get("version", "")))
    try:
        saved = collaboration.give_back(stage=stage, kind=kind, actor=user, base_version=version)
    except StaleBlock:
        return done(request, stage, kind, "", "Somebody saved this block meanwhile, so it was not given back.")
    said = "Given back; it says what the structure files say." if saved.differences else "It does so already."
    return done(request, stage, kind, "", said, undo=saved.block.version if saved.differences else 0)


@requires(Role.VIEWER)
@require_POST
def follow(request: HttpRequest, key: str) -> HttpResponse:
    """Follow a stage, or stop."""
    stage, user = find_stage(request, key), person(request)
    deleted, _ = Follow.objects.filter(user=user, stage=stage).delete()
    if not deleted:
        Follow.objects.get_or_create(user=user, stage=stage)
    said = "You do not follow it any more." if deleted else "You follow this stage; changes are told to you."
    messages.success(request, said)
    return redirect(stage.get_absolute_url())
