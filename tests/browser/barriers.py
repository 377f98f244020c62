"""What axe finds in a page: by all its rules, but each way in which text is painted is judged once.

Contrast is the dearest of the rules by far, and a few hundred ways of painting text make up all pages. So axe measures
only text painted in a way on which it has not yet decided in the same look, on whatever page that was. The way is the
computed one: the text's own colours and size, and every background below it, whether of what holds the text or of
what merely lies there. Text on which axe could not decide is measured again wherever it stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize

# Loading style sheets anew to look into them takes inline styles, which our policy refuses.
OPTIONS: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
CONTRAST = "color-contrast"

# In a page: ``waysOfPainting()`` names the ways in which its text is painted, ``contrastOf(ways, foreign)`` measures
# the text that is painted in one of them, and says what is wrong and on which ways it could decide.
PAINTING = """
(() => {
    const UNDECIDED = "data-undecided-contrast";
    axe.configure({rules: [{id: "color-contrast", selector: `[${UNDECIDED}]`}]});
    let ways = new Map();

    const ground = (style) =>
        style.backgroundImage !== "none" || !/^(transparent|rgba\\(.*, 0\\))$/.test(style.backgroundColor)
        || style.opacity !== "1" || style.filter !== "none"
            ? `${style.backgroundColor} ${style.backgroundImage} ${style.opacity} ${style.filter}|` : "";

    window.waysOfPainting = () => {
        const grounds = new Map();
        const all = [...document.querySelectorAll("*")].map((one) => {
            const own = ground(getComputedStyle(one));
            grounds.set(one, own + (grounds.get(one.parentElement) ?? ""));
            return [one, own];
        });
        const grounded = all.filter(([, own]) => own).map(([one, own]) => [one, own, one.getBoundingClientRect()]);
        const texts = new Set(document.querySelectorAll("input, select, textarea, button"));
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode())
            if (walker.currentNode.data.trim()) texts.add(walker.currentNode.parentElement);
        ways = new Map();
        for (const text of texts) {
            const room = text.getBoundingClientRect();
            // What nobody sees, or only a screen reader finds: axe passes it over as well.
            if (!text.checkVisibility({visibilityProperty: true, opacityProperty: true}) || room.width <= 1
                || room.height <= 1 || room.right <= 0 || room.bottom <= 0) continue;
            const beside = grounded.filter(([one, , other]) =>
                other.left < room.right && other.right > room.left && other.top < room.bottom && other.bottom > room.top
                && !one.contains(text) && !text.contains(one)).map(([, own]) => own);
            const style = getComputedStyle(text);
            const way = [style.color, style.fontSize, style.fontWeight, style.textShadow, grounds.get(text),
                         ...new Set(beside)].join("|");
            if (!ways.has(way)) ways.set(way, []);
            ways.get(way).push(text);
        }
        return [...ways.keys()];
    };

    window.contrastOf = async (wanted, context, options) => {
        const marked = new Map();
        for (const way of wanted)
            for (const text of ways.get(way)) {
                text.setAttribute(UNDECIDED, "");
                marked.set(text, way);
            }
        const found = await axe.run(context, {
            ...options, runOnly: ["color-contrast"], elementRef: true,
            resultTypes: ["violations", "passes", "incomplete"]});
        for (const text of marked.keys()) text.removeAttribute(UNDECIDED);
        // A background of several colours is beyond axe wherever it is painted; what else it leaves open may be decided
        // elsewhere.
        const open = found.incomplete.flatMap((rule) => rule.nodes).filter(
            (node) => node.any[0]?.data?.messageKey !== "bgGradient");
        const nodes = [...found.violations, ...found.passes, ...found.incomplete].flatMap((rule) => rule.nodes);
        const decided = nodes.filter((node) => !open.includes(node)).map((node) => marked.get(node.element));
        for (const rule of found.violations) for (const node of rule.nodes) {
            delete node.element;
            node.html = node.html.replace(` ${UNDECIDED}=""`, "");
        }
        return {violations: found.violations, decided: [...new Set(decided)]};
    };
})();
"""


@dataclass(frozen=True)
class Look:
    """Colours and width in which a page is looked at."""

    colours: Literal["light", "dark"]
    size: ViewportSize

    def __str__(self) -> str:
        return f"{self.colours}, {self.size['width']} px"

    def take(self, page: Page) -> None:
        """Show the page in this look."""
        self.set(page)
        # What follows the size of a window does so with the next picture.
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def set(self, page: Page) -> None:
        """Show in this look what is loaded next."""
        page.emulate_media(color_scheme=self.colours)
        page.set_viewport_size(self.size)


class Barriers:
    """Finds barriers in the pages of one window, which are to be opened after this is made."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.decided: dict[str, set[str]] = defaultdict(set)
        page.add_init_script(AXE_SCRIPT + PAINTING)

    def found(self, look: Look, foreign: Sequence[str] = ()) -> Iterator[str]:
        """Sentences about the page as it is shown now; what stands in ``foreign`` parts (selectors) is left out."""
        parts = [part for part in foreign if self.page.query_selector(part)]
        context = {"exclude": [[part] for part in parts]} if parts else {"include": [["html"]]}
        without = {**OPTIONS, "rules": {CONTRAST: {"enabled": False}}}
        violations = self.page.evaluate(
            "async ([context, options]) => (await axe.run(context, options)).violations", [context, without]
        )
        decided = self.decided[str(look)]
        if wanted := [way for way in self.page.evaluate("waysOfPainting()") if way not in decided]:
            answer = self.page.evaluate("(words) => contrastOf(...words)", [wanted, context, OPTIONS])
            violations += answer["violations"]
            decided.update(answer["decided"])
        for violation in violations:
            for node in violation["nodes"][:3]:
                yield f"{violation['id']}: {violation['help']}: {node['html'][:160]} {contrast(node)}"


def contrast(node: dict[str, Any]) -> str:
    """The measured contrast, where that is what is wrong."""
    data = [check.get("data") for check in node.get("any", []) if isinstance(check.get("data"), dict)]
    return " ".join(
        f"{one.get('fgColor')} on {one.get('bgColor')} is {one.get('contrastRatio')}"
        for one in data
        if "fgColor" in one
    )
