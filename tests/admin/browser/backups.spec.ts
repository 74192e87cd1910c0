import { expect, expectAccessible, expectComplaint, expectFits, fillPeople, open, query, test } from "./support";

test.describe.configure({ mode: "serial" });

const PEOPLE = 2000;
/** Where the test that runs this restores what was fetched. */
const DOWNLOAD = process.env["PHOTONDB_DOWNLOAD"] ?? "";

test("a backup is taken, continued, verified and fetched", async ({ page, request }) => {
  await fillPeople(request, PEOPLE);
  await open(page, "backups");
  await expect(page.getByText("No backups yet.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Add changes" })).toBeDisabled();
  await page.getByRole("button", { name: "Full backup" }).click();
  const set = page.getByRole("region", { name: /^Backup / });
  await expect(set).toHaveCount(1);
  await expect(page.getByText(/The last backup took .* and added/)).toBeVisible();

  await page.getByRole("button", { name: "Add changes" }).click();
  await expect(page.getByText("The last backup had nothing to add.")).toBeVisible();
  await query(request, 'r.db("test").table("people").insert({id: "late", name: "Person who came late"})');
  await page.getByRole("button", { name: "Add changes" }).click();
  await expect(set.getByRole("button", { name: "2 files" })).toBeVisible();
  await set.getByRole("button", { name: "2 files" }).click();
  await expect(set.getByText("increment", { exact: true })).toBeVisible();

  await set.getByRole("button", { name: "Verify" }).click();
  await expect(set.getByText("verified")).toBeVisible();
  await expect(page.getByText(/found every byte as it was written/)).toBeVisible();
  await expect(set.getByText(/^photondb restore .* --data-dir restored_data$/)).toBeVisible();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await set.getByRole("button", { name: "Copy the command" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^photondb restore /);
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await expectAccessible(page, `backups, ${scheme}`);
  }
  for (const width of [360, 768, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await expectFits(page, `backups at ${width} px`);
  }

  const fetching = page.waitForEvent("download");
  await set.getByRole("link", { name: "Download" }).click();
  const download = await fetching;
  expect(download.suggestedFilename()).toMatch(/^photondb-.*\.tar$/);
  if (DOWNLOAD) await download.saveAs(DOWNLOAD);

  const metrics = await (await request.get("/_metrics")).text();
  expect(metrics).toMatch(/photondb_backups_total 3/);
  expect(metrics).toMatch(/photondb_backup_last_timestamp_seconds \d/);
});

test("a backup is deleted once that is confirmed", async ({ page }) => {
  await open(page, "backups");
  await page.getByRole("button", { name: "Full backup" }).click();
  const sets = page.getByRole("region", { name: /^Backup / });
  await expect(sets).toHaveCount(2);
  await sets.first().getByRole("button", { name: /^Delete backup/ }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog.getByText(/is deleted for good/)).toBeVisible();
  await expectAccessible(page, "delete a backup");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(sets).toHaveCount(2);
  await sets.first().getByRole("button", { name: /^Delete backup/ }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(sets).toHaveCount(1);
});

test("backups are for admin alone", async ({ request }) => {
  await query(request, 'r.db("rethinkdb").table("users").insert({id: "ann", password: "one"})');
  const headers = { Authorization: `Basic ${btoa("ann:one")}` };
  expectComplaint(/403/);
  for (const path of ["/api/backups", "/api/backups/sets/any/download"]) {
    expect((await request.get(path, { headers })).status()).toBe(403);
  }
  expect((await request.post("/api/backups", { headers, data: {} })).status()).toBe(403);
  expect((await request.delete("/api/backups/sets/any", { headers })).status()).toBe(403);
});
