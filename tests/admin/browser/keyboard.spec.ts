import type { Page } from "@playwright/test";
import { expect, open, test } from "./support";

/** The most steps that a page's controls are away. */
const TABS_MAX = 60;

/** What has the focus: its role or element, and its name. */
async function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    const name = element?.getAttribute("aria-label") ?? element?.textContent ?? "";
    return `${element?.getAttribute("role") ?? element?.tagName.toLowerCase()} ${name.trim()}`;
  });
}

async function tabTo(page: Page, pattern: RegExp, key = "Tab"): Promise<void> {
  for (let step = 0; step < TABS_MAX; step++) {
    await page.keyboard.press(key);
    if (pattern.test(await focused(page))) return;
  }
  throw new Error(`${pattern} is not reached; the focus is at ${await focused(page)}`);
}

async function press(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key);
}

test("the first steps need no mouse", async ({ page }) => {
  await open(page, "dashboard");
  await expect(page.getByRole("button", { name: "Load the sample data" })).toBeVisible();
  await tabTo(page, /^button Load the sample data/);
  await press(page, "Enter");
  await expect(page.getByRole("link", { name: "Open the query" })).toBeVisible();
  await tabTo(page, /^a Open the query/);
  await press(page, "Enter");
  await expect(page.getByRole("textbox", { name: "ReQL query" })).toBeFocused();
  await press(page, "ControlOrMeta+Enter");
  await expect(page.getByRole("status").filter({ hasText: "8 rows" })).toBeVisible();
  // Tab indents in the editor; after Escape it leads on.
  await press(page, "Escape");
  await tabTo(page, /^tab Tree/);
  for (const view of ["Table", "Raw", "Profile", "Plan"]) {
    await press(page, "ArrowRight");
    await expect(page.getByRole("tab", { name: view })).toBeFocused();
  }

  await press(page, "g", "t");
  await expect(page.getByRole("link", { name: "orders" })).toBeVisible();
  await tabTo(page, /^a orders/);
  await press(page, "Enter");
  const grid = page.getByRole("grid");
  await expect(grid.getByRole("gridcell", { name: "order-00002" })).toBeVisible();
  await tabTo(page, /^grid Documents of orders/);
  await press(page, "ArrowDown", "Enter");
  const editor = page.getByRole("textbox", { name: "Document as JSON" });
  await expect(editor).toBeFocused();
  await press(page, "ControlOrMeta+a");
  await page.keyboard.insertText('{"id": "order-00002", "state": "edited"}');
  await press(page, "ControlOrMeta+s");
  await expect(grid.getByRole("gridcell", { name: "edited" })).toBeVisible();
  // Who has edited a row is back at it, and can undo that.
  await expect(grid).toBeFocused();
  await press(page, "ControlOrMeta+z");
  await expect(grid.getByRole("gridcell", { name: "edited" })).toHaveCount(0);

  await tabTo(page, /^a Indexes/, "Shift+Tab");
  await press(page, "Enter");
  await expect(page.getByRole("button", { name: "Index", exact: true })).toBeVisible();
  await tabTo(page, /^button Index$/);
  await press(page, "Enter");
  await page.keyboard.type("state");
  await press(page, "Enter");
  await expect(page.getByRole("row", { name: /^state / }).getByText("ready")).toBeVisible();

  await press(page, "g", "b");
  await expect(page.getByRole("button", { name: "Full backup" })).toBeEnabled();
  await tabTo(page, /^button Full backup/);
  await press(page, "Enter");
  await expect(page.getByRole("region", { name: /^Backup / })).toHaveCount(1);
  await press(page, "?");
  await expect(page.getByRole("dialog")).toBeVisible();
  await press(page, "Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("what was made elsewhere is found", async ({ page, request }) => {
  await open(page, "tables");
  await expect(page.getByRole("heading", { name: "Tables" })).toBeVisible();
  await request.post("/api/query", { data: { query: 'r.db("test").tableCreate("elsewhere")' } });
  await open(page, "tables/test/elsewhere");
  await expect(page.getByText("No documents yet.")).toBeVisible();
  await open(page, "tables/test/nowhere");
  await expect(page.getByText("There is no table “nowhere” in the database “test”.")).toBeVisible();
});
