import { expect, expectAccessible, expectFits, fillPeople, open, query, test } from "./support";

const PEOPLE = 300;

/** Each place with a text that shows that its data has come. */
const PLACES: [string, string | RegExp][] = [
  ["dashboard", "Documents per second"],
  ["explorer", "runs the query"],
  ["tables", "people"],
  ["tables/test/people", "Person 1"],
  ["tables/test/people/indexes", "primary key"],
  ["tables/test/people/changes", "Waiting for the first change"],
  ["tables/test/people/settings", "Write hook"],
  ["users", "May do everything"],
  ["jobs", "Nothing runs at the moment"],
  ["backups", "No backups yet"],
  ["logs", /message|Message/],
  ["settings", "Command line"],
];
const WIDTHS_PX = [360, 768, 1440, 3840];

test.beforeAll(async ({ request }) => {
  await fillPeople(request, PEOPLE);
  await query(request, 'r.db("test").table("people").indexList().contains("city").branch(null, r.db("test").table("people").indexCreate("city"))');
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    for (const [place, text] of PLACES) {
      test(`${place} is sound`, async ({ page }) => {
        await open(page, place);
        await expect(page.locator("main").getByText(text).first()).toBeVisible();
        await expectAccessible(page, place);
        if (colorScheme === "dark") return;
        for (const width of WIDTHS_PX) {
          await page.setViewportSize({ width, height: 900 });
          await expectFits(page, `${place} at ${width} px`);
        }
      });
    }
  });
}

test("a narrow window keeps every page in reach", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open(page, "dashboard");
  for (const name of ["Explorer", "Tables", "Users", "Jobs", "Backups", "Logs", "Settings"]) {
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name }).click();
    await expect(page.getByRole("heading", { level: 1 })).toContainText(name);
  }
  await expectAccessible(page, "narrow");
});

test("the dashboard shows what happens", async ({ page, request }) => {
  await open(page, "dashboard");
  await expect(page.getByText("Healthy")).toBeVisible();
  const writes = page.locator(".tile", { hasText: "Writes / s" }).locator("strong");
  await expect(async () => {
    await query(request, 'r.range(500).forEach(n => r.db("test").table("people").get(n.mod(300)).update({seen: r.now()}))');
    expect(await writes.textContent()).not.toBe("0");
  }).toPass({ timeout: 20_000 });
});

test("pages answer to the keyboard", async ({ page }) => {
  await open(page, "dashboard");
  await expect(page.getByText("Healthy")).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await expect(page.getByRole("heading", { name: "Tables" })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await expectAccessible(page, "shortcuts");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("the theme can be chosen and is remembered", async ({ page }) => {
  await open(page, "settings");
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test("the server can be renamed", async ({ page, request }) => {
  await open(page, "settings");
  await page.getByLabel("Name").fill("photon_2");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  expect(await query(request, 'r.db("rethinkdb").table("server_config").nth(0)("name")')).toBe("photon_2");
});

test("a running query can be stopped", async ({ page, request }) => {
  const endless = request.post("/api/query", {
    data: { query: 'r.range(1000000000).map(n => n.mul(2)).reduce((a, b) => a.add(b).mod(7))' },
  });
  await open(page, "jobs");
  const row = page.getByRole("row", { name: /range\(1000000000\)/ });
  await expect(row).toBeVisible();
  await row.getByRole("button", { name: "Stop" }).click();
  expect((await endless).ok()).toBe(false);
  await expect(page.getByText("Nothing runs at the moment.")).toBeVisible();
});

test("a browser that comes with a page's address gets the policy", async ({ request }) => {
  const response = await request.get("/_admin/");
  const policy = response.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain("unsafe");
});
