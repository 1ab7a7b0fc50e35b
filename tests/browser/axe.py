"""axe-core on a page: what it finds serious or critical. Its code comes with what builds the pages."""

from pathlib import Path

from playwright.async_api import Page

AXE = Path(__file__).parents[2] / "cti/web/page/node_modules/axe-core/axe.min.js"
GRAVE = ("serious", "critical")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def grave_findings(page: Page) -> list[str]:
    """One line for each kind of finding: the rule, what it says, and the first elements."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate(
        "rules => axe.run({ runOnly: { type: 'tag', values: rules }, resultTypes: ['violations'] })",
        RULES,
    )
    lines = []
    for violation in found["violations"]:
        if violation["impact"] in GRAVE:
            where = "; ".join(
                f"{' '.join(map(str, node['target']))} {node['any'][0]['message'] if node['any'] else ''}"
                for node in violation["nodes"][:4]
            )
            lines.append(f"{violation['id']}: {violation['help']} ({len(violation['nodes'])} times) {where}")
    return lines
