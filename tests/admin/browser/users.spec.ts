import { expect, expectAccessible, expectComplaint, open, query, test } from "./support";

test.describe.configure({ mode: "serial" });

const PASSWORD = "correct horse";

test("users come with their permissions", async ({ page, request }) => {
  await query(request, 'r.db("test").tableCreate("orders")');
  await open(page, "users");
  await page.getByRole("button", { name: "User", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("ann");
  await dialog.getByLabel("Password").fill("one");
  await dialog.getByLabel("Once more").fill("two");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByText("The two passwords differ.")).toBeVisible();
  await dialog.getByLabel("Once more").fill("one");
  await expectAccessible(page, "new user");
  await dialog.getByRole("button", { name: "Create" }).click();

  const ann = page.getByRole("region", { name: "User ann" });
  await ann.getByLabel("read of ann on everything").selectOption("allow");
  await ann.getByRole("button", { name: "Scope" }).click();
  await dialog.getByLabel("Table").selectOption("orders");
  await dialog.getByRole("button", { name: "Add" }).click();
  await ann.getByLabel("write of ann on test.orders").selectOption("deny");
  await expect(ann.getByLabel("write of ann on test.orders")).toHaveValue("deny");
  await expectAccessible(page, "permissions");
  const rows = await query(request, 'r.db("rethinkdb").table("permissions").filter({user: "ann"}).map(row => [row("table").default(null), row("permissions")]).coerceTo("array")');
  expect(rows).toEqual(
    expect.arrayContaining([
      [null, { read: true }],
      ["orders", { read: true, write: false }],
    ]),
  );
  await ann.getByRole("button", { name: "Clear test.orders of ann" }).click();
  await expect(ann.getByLabel("write of ann on test.orders")).toHaveCount(0);
});

test("a password on admin closes the door", async ({ page }) => {
  await open(page, "users");
  await page.getByRole("region", { name: "User admin" }).getByRole("button", { name: "Password" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByLabel("Once more").fill(PASSWORD);
  expectComplaint(/401/);
  await dialog.getByRole("button", { name: "Set password" }).click();
  await expect(page.getByRole("button", { name: "Log in" })).toBeVisible();
});

test("one logs in and out", async ({ page }) => {
  await open(page, "tables");
  const login = page.getByRole("button", { name: "Log in" });
  await expect(login).toBeVisible();
  await expectAccessible(page, "login");
  await page.getByLabel("Password").fill("wrong");
  expectComplaint(/401/);
  await login.click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.getByLabel("Password").fill(PASSWORD);
  await login.click();
  await expect(page.getByRole("heading", { name: "Tables" })).toBeVisible();
  // The session outlives a reload, and its token lets it write.
  await page.reload();
  await page.getByRole("button", { name: "Database", exact: true }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("mine");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByText("Created database mine.")).toBeVisible();
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(login).toBeVisible();
});

test("a user with few rights sees what is allowed", async ({ page, request }) => {
  await open(page, "tables");
  await page.getByLabel("User").fill("ann");
  await page.getByLabel("Password").fill("one");
  expectComplaint(/403/);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("link", { name: "orders" })).toBeVisible();
  await page.getByRole("link", { name: "orders" }).click();
  await expect(page.getByText("No documents yet.")).toBeVisible();
  // What only the system tables tell is not there, and the page says why and what helps.
  await expect(page.getByRole("alert")).toHaveCount(0);
  for (const place of ["dashboard", "users", "jobs", "logs", "settings"]) {
    await open(page, place);
    await expect(page.getByRole("heading", { name: "You have no right to see this" })).toBeVisible();
    await expect(page.getByRole("alert")).toHaveCount(0);
  }
  await open(page, "dashboard");
  await expectAccessible(page, "no right");
  await expect(page.locator(".tile")).toHaveCount(0);
  const allow = 'r.db("rethinkdb").grant("ann", {read: true})';
  await expect(page.getByText(allow)).toBeVisible();
  const granted = await request.post("/api/query", { data: { query: allow }, headers: { Authorization: `Basic ${btoa(`admin:${PASSWORD}`)}` } });
  expect(granted.ok()).toBe(true);
  await page.getByRole("button", { name: "Look again" }).click();
  await expect(page.locator(".tile").first()).toBeVisible();
});
