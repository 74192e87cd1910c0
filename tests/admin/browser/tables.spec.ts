import type { Locator, Page } from "@playwright/test";
import { expect, expectAccessible, fillPeople, open, query, test, type } from "./support";

const PEOPLE = 100_000;

test.describe.configure({ mode: "serial" });

test("the tour loads its sample data", async ({ page, request }) => {
  await open(page, "tables");
  const tour = page.getByRole("region", { name: "First steps" });
  await expectAccessible(page, "tour");
  await tour.getByRole("button", { name: "Load the sample data" }).click();
  await expect(page.getByText("The sample data is there.")).toBeVisible();
  expect(await query(request, 'r.db("tour").table("orders").count()')).toBe(2000);
  await tour.getByRole("link", { name: "Open the query" }).click();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect(page.getByRole("status").filter({ hasText: "8 rows" })).toBeVisible();
});

test("databases and tables come and go", async ({ page, request }) => {
  await open(page, "tables");
  await page.getByRole("button", { name: "Database", exact: true }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("shop");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await page.getByRole("region", { name: "Database shop" }).getByRole("button", { name: "Table" }).click();
  const dialog = page.getByRole("dialog");
  await expectAccessible(page, "new table");
  await dialog.getByLabel("Name").fill("goods");
  await dialog.getByLabel("Primary key").fill("code");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("heading", { name: "goods" })).toBeVisible();
  await expect(page.getByText("No documents yet.")).toBeVisible();

  await open(page, "tables");
  await page.getByRole("button", { name: "Drop table goods" }).click();
  const drop = dialog.getByRole("button", { name: "Drop goods" });
  await expect(drop).toBeDisabled();
  await expectAccessible(page, "drop");
  await dialog.getByRole("textbox").fill("goods");
  await drop.click();
  await expect(page.getByText("Dropped shop.goods.")).toBeVisible();
  expect(await query(request, 'r.db("shop").tableList()')).toEqual([]);
});

test("documents are inserted, edited, deleted, and all of it undone", async ({ page, request }) => {
  await query(request, 'r.db("test").tableCreate("notes")');
  const notes = (): Promise<unknown> => query(request, 'r.db("test").table("notes").orderBy({index: "id"}).coerceTo("array")');
  await open(page, "tables/test/notes");
  await page.getByRole("button", { name: "Document", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await type(page, "Document as JSON", '{"id": 1, "text": "first"');
  await expect(dialog.getByText("This is no JSON")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Insert" })).toBeDisabled();
  await type(page, "Document as JSON", '{"id": 1, "text": "first"}');
  await expectAccessible(page, "document");
  await dialog.getByRole("button", { name: "Insert" }).click();
  await expect(page.getByRole("gridcell", { name: "first" })).toBeVisible();
  expect(await notes()).toEqual([{ id: 1, text: "first" }]);

  await page.getByRole("gridcell", { name: "first" }).click();
  await type(page, "Document as JSON", '{"id": 2, "text": "first"}');
  await expect(dialog.getByText("stays as it is")).toBeVisible();
  await type(page, "Document as JSON", '{"id": 1, "text": "second", "at": {"$reql_type$": "TIME", "epoch_time": 0, "timezone": "+00:00"}}');
  await page.keyboard.press("ControlOrMeta+s");
  await expect(page.getByRole("gridcell", { name: "second" })).toBeVisible();
  await expect(page.getByRole("gridcell", { name: "1970-01-01 00:00:00.000Z" })).toBeVisible();

  await page.getByRole("checkbox", { name: "Choose row 1" }).check();
  await page.getByRole("button", { name: "Delete 1" }).click();
  await expect(page.getByText("No documents yet.")).toBeVisible();
  expect(await notes()).toEqual([]);

  await page.getByRole("button", { name: "Undo" }).first().click();
  await expect(page.getByRole("gridcell", { name: "second" })).toBeVisible();
  await page.locator("main").click({ position: { x: 400, y: 10 } });
  await page.keyboard.press("ControlOrMeta+z");
  await expect(page.getByRole("gridcell", { name: "first" })).toBeVisible();
  expect(await notes()).toEqual([{ id: 1, text: "first" }]);
  await page.keyboard.press("ControlOrMeta+Shift+z");
  await expect(page.getByRole("gridcell", { name: "second" })).toBeVisible();

  // Somebody else's change is not overwritten by undoing one's own.
  await query(request, 'r.db("test").table("notes").get(1).update({text: "theirs"})');
  await page.keyboard.press("ControlOrMeta+z");
  await expect(page.getByText("Somebody else has changed this document meanwhile.").first()).toBeVisible();
  expect(await query(request, 'r.db("test").table("notes").get(1)("text")')).toBe("theirs");
});

test("changes of a table are shown as they happen", async ({ page, request }) => {
  await open(page, "tables/test/notes/changes");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await query(request, 'r.db("test").table("notes").get(1).update({text: "seen live"})');
  await expect(page.getByText("1 change since you came here")).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "seen live" })).toContainText("theirs");
  await expectAccessible(page, "changes");
});

test("a hundred thousand documents can be browsed", async ({ page, request }) => {
  await fillPeople(request, PEOPLE);
  await open(page, "tables/test/people");
  const grid = page.getByRole("grid");
  await expect(grid).toHaveAttribute("aria-rowcount", String(PEOPLE + 1));
  const cell = (name: string): Locator => grid.getByRole("gridcell", { name, exact: true });
  await expect(cell("Person 0")).toBeVisible();
  await grid.focus();
  await page.keyboard.press("ControlOrMeta+End");
  await expect(cell(`Person ${PEOPLE - 1}`)).toBeVisible();
  await page.keyboard.press("PageUp");
  await page.keyboard.press("ControlOrMeta+Home");
  await expect(cell("Person 0")).toBeVisible();
  // To the middle at once, with the mouse.
  await grid.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
  await expect(grid.getByRole("gridcell", { name: /^Person (49|50)\d{3}$/ }).first()).toBeVisible();
  // Few rows are there at any time.
  expect(await grid.getByRole("row").count()).toBeLessThan(100);

  await page.getByRole("button", { name: "id", exact: true }).click();
  await grid.evaluate((element) => (element.scrollTop = 0));
  await expect(cell(`Person ${PEOPLE - 1}`)).toBeVisible();

  await type(page, "Filter", 'r.row("age").eq(7).and(r.row("city").eq("Perth"))');
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status").filter({ hasText: "found" })).toBeVisible();
  await expect(cell("Person 99927")).toBeVisible();
  await expectAccessible(page, "filtered");
  await type(page, "Filter", "{ age: ");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toBeVisible();
});

test("an index is built before one's eyes", async ({ page, request }) => {
  await open(page, "tables/test/people/indexes");
  await create(page, "age");
  const row = page.getByRole("row", { name: /^age / });
  // Its progress is shown for as long as it lasts.
  await expect(row.getByRole("progressbar").or(row.getByText("ready"))).toBeVisible();
  await expect(row.getByText("ready")).toBeVisible({ timeout: 60_000 });
  await expect(row).toContainText('r.row("age")');
  expect(await query(request, 'r.db("test").table("people").getAll(7, {index: "age"}).count()')).toBe(1250);

  await open(page, "tables/test/people");
  await page.getByRole("combobox", { name: "Order by" }).selectOption("age");
  await expect(page.getByRole("columnheader", { name: "age" })).toHaveAttribute("aria-sort", "ascending");

  await open(page, "tables/test/people/indexes");
  await page.getByRole("button", { name: "Drop index age" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Drop index" }).click();
  await expect(row).toHaveCount(0);
});

test("the progress of an index is told", async ({ page }) => {
  // A build that is half done stays so for as long as the test looks.
  await page.route("**/api/query", async (route) => {
    if (!route.request().postData()?.includes("indexStatus")) return route.fallback();
    const status = { index: "slow", ready: false, outdated: false, multi: false, geo: false, query: "", progress: 0.42 };
    return route.fulfill({ json: { kind: "atom", result: [status], rows: 1, more: false, time_ms: 1 } });
  });
  await open(page, "tables/test/people/indexes");
  const row = page.getByRole("row", { name: /^slow / });
  await expect(row.getByRole("progressbar")).toHaveAttribute("value", "0.42");
  await expect(row).toContainText("42 %");
  await expectAccessible(page, "progress");
});

async function create(page: Page, field: string): Promise<void> {
  await page.getByRole("button", { name: "Index", exact: true }).click();
  await expectAccessible(page, "new index");
  await page.getByRole("dialog").getByLabel("Field").fill(field);
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
}

test("a table is configured", async ({ page, request }) => {
  await open(page, "tables/test/notes/settings");
  await page.getByLabel("Durability").selectOption("soft");
  await page.getByLabel("Documents expire").check();
  await page.getByLabel("Field with a time").fill("expires");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  const config = (await query(request, 'r.db("test").table("notes").config()')) as Record<string, unknown>;
  expect(config).toMatchObject({ durability: "soft", ttl: { field: "expires" } });

  await type(page, "Write hook", '(context, before, after) => after.merge({ hooked: true })');
  await page.getByRole("button", { name: "Save the hook" }).click();
  await expect(page.getByText("The write hook is set.")).toBeVisible();
  await query(request, 'r.db("test").table("notes").insert({id: "hooked"})');
  expect(await query(request, 'r.db("test").table("notes").get("hooked")')).toMatchObject({ hooked: true });
  await page.getByRole("button", { name: "Remove it" }).click();
  await expect(page.getByText("The write hook is gone.")).toBeVisible();
});
