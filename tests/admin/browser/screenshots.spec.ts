import type { APIRequestContext, Page } from "@playwright/test";
import { expect, expectComplaint, open, query, test, type } from "./support";

/** Where the pictures go; the test crate names it. */
const FOLDER = process.env["PHOTONDB_SCREENSHOTS"] ?? "pictures";
const CITIES = '["Oslo", "Lisbon", "Kyoto", "Nairobi", "Lima", "Toronto", "Perth", "Riga"]';
const SCHEMES = ["light", "dark"] as const;

const QUERY = `// What did each city spend?
r.db("shop").table("orders")
  .eqJoin("customer", r.db("shop").table("customers"))
  .zip()
  .group("city")
  .sum("total")
  .ungroup()
  .orderBy(r.desc("reduction"))`;

test.beforeAll(async ({ request }) => {
  await query(request, 'r.dbCreate("shop")');
  await query(request, 'r.db("shop").tableCreate("customers")');
  await query(request, 'r.db("shop").tableCreate("orders")');
  await query(request, 'r.db("shop").tableCreate("visits", {durability: "soft", ttl: {field: "at", seconds: 86400}})');
  await query(
    request,
    `r.range(400).forEach(n => r.db("shop").table("customers").insert({id: r.expr("customer-").add(n.coerceTo("string")),
      city: r.expr(${CITIES}).nth(n.mod(8)), joined: r.epochTime(n.mul(86400).add(1700000000)), newsletter: n.mod(3).eq(0)}))`,
  );
  await query(
    request,
    `r.range(12000).forEach(n => r.db("shop").table("orders").insert({id: n, customer: r.expr("customer-").add(n.mul(37).mod(400).coerceTo("string")),
      total: n.mul(7919).mod(40000).div(100), state: r.expr(["new", "paid", "sent", "sent", "returned"]).nth(n.mod(5)),
      placed: r.epochTime(n.mul(1000).add(1750000000)), lines: [{article: "lamp", pieces: n.mod(4).add(1)}]}, {durability: "soft"}))`,
  );
  for (const index of ["customer", "placed", "total"]) await query(request, `r.db("shop").table("orders").indexCreate("${index}")`);
  await query(request, 'r.db("rethinkdb").table("users").insert([{id: "shop", password: "x"}, {id: "reports", password: "y"}])');
  await query(request, 'r.db("shop").grant("shop", {read: true, write: true})');
  await query(request, 'r.grant("reports", {read: true})');
  await query(request, 'r.db("shop").table("customers").grant("reports", {read: false})');
});

/** Reads and writes enough for a picture of them. */
async function work(request: APIRequestContext, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const writes = 40 + Math.round(30 * Math.sin(round / 5)) + (round % 7) * 4;
    await query(request, `r.range(${writes}).forEach(n => r.db("shop").table("visits").insert({at: r.now(), n: n}, {durability: "soft"}))`);
    await query(request, `r.db("shop").table("orders").limit(${120 + Math.round(80 * Math.cos(round / 8))}).coerceTo("array").count()`);
    await new Promise((resolve) => setTimeout(resolve, 350));
  }
}

/** Takes a backup to its end. */
async function backUp(request: APIRequestContext, mode: string): Promise<void> {
  expect((await request.post("/api/backups", { data: { mode } })).status()).toBe(202);
  await expect(async () => expect((await request.get("/api/backups/running")).status()).toBe(404)).toPass();
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(400);
  await page.screenshot({ path: `${FOLDER}/${name}.png`, animations: "disabled" });
}

for (const colorScheme of SCHEMES) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });
    test.setTimeout(240_000);

    test("dashboard", async ({ page, request }) => {
      await open(page, "dashboard");
      await work(request, 140);
      await shoot(page, `dashboard-${colorScheme}`);
      await page.setViewportSize({ width: 390, height: 844 });
      await shoot(page, `dashboard-${colorScheme}-phone`);
    });

    test("explorer", async ({ page }) => {
      await open(page, "explorer");
      await type(page, "ReQL query", QUERY);
      await page.keyboard.press("ControlOrMeta+Enter");
      await expect(page.getByRole("status").filter({ hasText: "8 rows" })).toBeVisible();
      await page.getByRole("treeitem").first().click();
      await page.getByRole("textbox", { name: "ReQL query" }).click();
      await page.keyboard.press("ControlOrMeta+End");
      await page.keyboard.press("Enter");
      await page.keyboard.type("  .lim");
      await expect(page.getByRole("listbox")).toBeVisible();
      await expect(page.getByText("The first elements of a sequence.").first()).toBeVisible();
      await shoot(page, `explorer-${colorScheme}`);
      await page.keyboard.press("Escape");
      await page.keyboard.press("ControlOrMeta+z");
      await page.getByRole("tab", { name: "Profile" }).click();
      await page.getByRole("button", { name: "Run with a profile" }).click();
      await expect(page.getByRole("region", { name: "Profile" })).toBeVisible();
      await shoot(page, `profile-${colorScheme}`);
      await page.getByRole("tab", { name: "Table" }).click();
      await page.setViewportSize({ width: 390, height: 844 });
      await shoot(page, `explorer-${colorScheme}-phone`);
    });

    test("feed", async ({ page, request }) => {
      await open(page, "explorer");
      await type(page, "ReQL query", 'r.db("shop").table("orders").filter({ state: "paid" }).changes()');
      await page.keyboard.press("ControlOrMeta+Enter");
      await expect(page.getByText("Live", { exact: true })).toBeVisible();
      for (let n = 0; n < 9; n++) await query(request, `r.db("shop").table("orders").get(${n * 55 + 1}).update({total: r.row("total").add(1)})`);
      await expect(page.getByRole("status").filter({ hasText: "9 messages" })).toBeVisible();
      await shoot(page, `feed-${colorScheme}`);
    });

    test("tables", async ({ page }) => {
      await open(page, "tables");
      await expect(page.getByRole("link", { name: "orders" })).toBeVisible();
      await shoot(page, `tables-${colorScheme}`);
      await open(page, "tables/shop/orders");
      await expect(page.getByRole("gridcell", { name: "customer-37", exact: true }).first()).toBeVisible();
      await shoot(page, `documents-${colorScheme}`);
      await page.getByRole("gridcell", { name: "customer-37", exact: true }).first().click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await shoot(page, `document-${colorScheme}`);
      await page.keyboard.press("Escape");
      await open(page, "tables/shop/orders/indexes");
      await expect(page.getByText("ready").nth(3)).toBeVisible();
      await shoot(page, `indexes-${colorScheme}`);
      await open(page, "tables/shop/orders/settings");
      await shoot(page, `table-settings-${colorScheme}`);
    });

    test("changes", async ({ page, request }) => {
      await open(page, "tables/shop/orders/changes");
      await expect(page.getByText("Live", { exact: true })).toBeVisible();
      for (let n = 0; n < 12; n++) {
        await query(request, `r.db("shop").table("orders").get(${n * 31}).update({state: r.expr(["paid", "sent", "returned"]).nth(${(n + SCHEMES.indexOf(colorScheme)) % 3}), seen: r.now()})`);
      }
      await shoot(page, `changes-${colorScheme}`);
    });

    test("others", async ({ page, request }) => {
      const endless = request
        .post("/api/query", { data: { query: "r.range(1000000000).map(n => n.mul(2)).reduce((a, b) => a.add(b).mod(7))" } })
        .catch(() => null);
      for (const place of ["users", "jobs", "logs", "settings"]) {
        await open(page, place);
        await page.waitForTimeout(1500);
        // The folder of a test is nobody's business.
        await page.evaluate(() => {
          for (const code of document.querySelectorAll("dd code")) code.textContent = "photondb serve";
          for (const message of document.querySelectorAll(".message")) {
            message.textContent = (message.textContent ?? "").replace(/ \/\S*\/data$/, " photondb_data");
          }
        });
        await shoot(page, `${place}-${colorScheme}`);
      }
      await backUp(request, "automatic");
      await query(request, 'r.db("shop").table("orders").limit(300).update({seen: r.now()})');
      await backUp(request, "automatic");
      await open(page, "backups");
      const set = page.getByRole("region", { name: /^Backup / }).first();
      await set.getByRole("button", { name: "Verify" }).click();
      await expect(page.getByText(/found every byte as it was written/)).toBeVisible();
      await set.getByRole("button", { name: /files$/ }).click();
      await page.evaluate(() => {
        for (const code of document.querySelectorAll("code")) code.textContent = (code.textContent ?? "").replace(/\/\S*\/backups/, "/var/lib/photondb/backups");
      });
      await shoot(page, `backups-${colorScheme}`);
      await query(request, 'r.db("rethinkdb").table("jobs").filter(job => job("info")("query").match("1000000000")).delete()').catch(() => null);
      await endless;
    });
  });
}

test("first steps and login", async ({ page, request }) => {
  await query(request, 'r.dbDrop("shop")');
  const schemes = async (place: string, text: string, name: string): Promise<void> => {
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      await open(page, place);
      await page.reload();
      await expect(page.getByText(text)).toBeVisible();
      await shoot(page, `${name}-${colorScheme}`);
    }
  };
  await schemes("tables", "Load the sample data", "first-steps");
  expectComplaint(/401/);
  await query(request, 'r.db("rethinkdb").table("users").get("admin").update({password: "secret"})');
  await schemes("dashboard", "Log in to", "login");
});
