import { readFileSync } from "node:fs";
import type { Page, WebSocketRoute } from "@playwright/test";
import { expect, expectAccessible, fillPeople, open, query, test, type } from "./support";

test.beforeAll(async ({ request }) => {
  await fillPeople(request, 2500);
});

test.beforeEach(async ({ page }) => {
  await open(page, "explorer");
});

async function run(page: Page, text: string): Promise<void> {
  await type(page, "ReQL query", text);
  await page.keyboard.press("ControlOrMeta+Enter");
}

test("a result has five views", async ({ page }) => {
  await run(page, 'r.table("people").filter({ city: "Oslo" }).limit(20)');
  await expect(page.getByRole("status").filter({ hasText: "20 rows" })).toBeVisible();
  const tree = page.getByRole("tree", { name: "Result" });
  await tree.getByRole("treeitem").first().click();
  await expect(tree.getByRole("treeitem", { name: /address/ }).first()).toBeVisible();
  await expectAccessible(page, "tree");

  await page.getByRole("tab", { name: "Table" }).click();
  const grid = page.getByRole("grid", { name: "Result" });
  await expect(grid.getByRole("columnheader", { name: "city" })).toBeVisible();
  await expect(grid.getByRole("gridcell", { name: "Oslo" }).first()).toBeVisible();
  await expectAccessible(page, "table");

  await page.getByRole("tab", { name: "Raw" }).click();
  await expect(page.getByRole("textbox", { name: "Result as JSON" })).toContainText('"city": "Oslo"');
  await expectAccessible(page, "raw");

  await page.getByRole("tab", { name: "Profile" }).click();
  await page.getByRole("button", { name: "Run with a profile" }).click();
  await expect(page.getByRole("region", { name: "Profile" }).getByRole("row").nth(2)).toBeVisible();
  await expectAccessible(page, "profile");

  await page.getByRole("tab", { name: "Plan" }).click();
  await expect(page.getByRole("region", { name: "Plan" }).getByText("filter").first()).toBeVisible();
  await expectAccessible(page, "plan");
});

test("a long result comes as it is looked at", async ({ page }) => {
  await page.getByRole("tab", { name: "Table" }).click();
  await run(page, 'r.table("people").orderBy({ index: "id" })');
  const grid = page.getByRole("grid", { name: "Result" });
  await expect(grid.getByRole("gridcell", { name: "Person 0", exact: true })).toBeVisible();
  await grid.focus();
  await expect(async () => {
    await page.keyboard.press("ControlOrMeta+End");
    await expect(grid.getByRole("gridcell", { name: "Person 2499", exact: true })).toBeVisible({ timeout: 500 });
  }).toPass();
});

test("what is typed is completed", async ({ page }) => {
  const editor = page.getByRole("textbox", { name: "ReQL query" });
  await editor.click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type('r.table("peo');
  const list = page.getByRole("listbox");
  await expect(list.getByRole("option", { name: /people/ })).toBeVisible();
  // A key that follows at once is still part of the typing.
  await page.waitForTimeout(200);
  await page.keyboard.press("Enter");
  await page.keyboard.press("End");
  await page.keyboard.type(".filt");
  await expect(list.getByRole("option", { name: "filter" })).toBeVisible();
  await expect(page.getByText("The elements for which a predicate holds.").first()).toBeVisible();
  await page.waitForTimeout(200);
  await page.keyboard.press("Enter");
  await page.keyboard.type("({ ci");
  await expect(list.getByRole("option", { name: /city/ })).toBeVisible();
  await expectAccessible(page, "completion");
});

test("a mistake is shown at its place", async ({ page }) => {
  await run(page, 'r.table("people")\n  .flter({ city: "Oslo" })');
  const report = page.getByRole("alert");
  await expect(report).toContainText("Reql Text Error");
  await expect(report.locator("mark")).toHaveText("flter");
  await expect(page.locator(".cm-lintRange-error")).toHaveText("flter");
  await expectAccessible(page, "error");

  // One that shows only while the query runs.
  await run(page, 'r.table("people").map(row => row("name").add(1))');
  await expect(report).toContainText("Expected type STRING but found NUMBER");
  await expect(report.locator("mark")).toBeVisible();
});

test("a query can be aborted", async ({ page }) => {
  await run(page, "r.range(1000000000).map(n => n.mul(2)).reduce((a, b) => a.add(b).mod(7))");
  await page.getByRole("button", { name: "Abort" }).click();
  await expect(page.getByText("Aborted")).toBeVisible();
  await expect(page.getByRole("button", { name: "Run", exact: true })).toBeVisible();
});

test("a feed is live, and can be paused", async ({ page, request }) => {
  await run(page, 'r.table("people").filter({ city: "Live" }).changes()');
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await query(request, 'r.db("test").table("people").insert({id: "live-1", city: "Live"})');
  await expect(page.getByText("1 message")).toBeVisible();
  await expect(page.getByRole("tree", { name: "Result" })).toContainText("live-1");
  await page.getByRole("button", { name: "Pause" }).click();
  await query(request, 'r.db("test").table("people").insert({id: "live-2", city: "Live"})');
  await expect(page.getByRole("button", { name: "Resume (1)" })).toBeVisible();
  await expect(page.getByRole("tree", { name: "Result" })).not.toContainText("live-2");
  await expectAccessible(page, "feed");
  await page.getByRole("button", { name: "Resume (1)" }).click();
  await expect(page.getByRole("tree", { name: "Result" })).toContainText("live-2");
  await page.getByRole("button", { name: "Abort" }).click();
});

test("a feed goes on after a lost connection", async ({ page, request }) => {
  const sockets: WebSocketRoute[] = [];
  await page.routeWebSocket(/\/api\/ws$/, (socket) => {
    sockets.push(socket);
    socket.connectToServer();
  });
  await page.reload();
  await run(page, 'r.table("people").filter({ city: "Lost" }).changes()');
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await sockets[0]?.close();
  await expect(page.getByText("Connecting again")).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await query(request, 'r.db("test").table("people").insert({id: "lost", city: "Lost"})');
  await expect(page.getByRole("tree", { name: "Result" })).toContainText("lost");
});

test("queries are remembered, saved and kept in tabs", async ({ page }) => {
  await run(page, "r.expr(1).add(41)");
  await expect(page.getByRole("tree", { name: "Result" })).toContainText("42");
  await page.keyboard.press("ControlOrMeta+s");
  await page.getByRole("dialog").getByLabel("Name").fill("The answer");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "New query" }).click();
  await run(page, 'r.expr("second")');
  await expect(page.getByRole("tree", { name: "Result" })).toContainText("second");
  await page.reload();
  await expect(page.getByRole("tab", { name: /expr\(1\)/ })).toBeVisible();
  await page.getByRole("button", { name: "History" }).click();
  const notes = page.getByRole("complementary", { name: "History and saved queries" });
  await expect(notes.getByRole("listitem")).toHaveCount(2);
  await notes.getByRole("button", { name: "Saved" }).click();
  await notes.getByRole("button", { name: /^The answer/ }).click();
  await expect(page.getByRole("textbox", { name: "ReQL query" })).toContainText("r.expr(1).add(41)");
  await expectAccessible(page, "notes");
});

test("a result can be taken along", async ({ page }) => {
  await run(page, 'r.table("people").orderBy({ index: "id" }).limit(2).pluck("id", "city")');
  await page.getByRole("button", { name: "Export" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "CSV" }).click();
  const path = await (await download).path();
  expect(readFileSync(path, "utf8")).toBe("id,city\r\n0,Oslo\r\n1,Lima\r\n");
});
