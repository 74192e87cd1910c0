import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type APIRequestContext, type Page } from "@playwright/test";

/** A page that fails its test when it complains on the console, or asks another server. */
export const test = base.extend({
  page: async ({ page, baseURL }, use) => {
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(`${error.message}\n${error.stack ?? ""}`));
    page.on("request", (request) => {
      if (!/^(?:blob|data):/.test(request.url()) && new URL(request.url()).origin !== baseURL) {
        complaints.push(`asked ${request.url()}`);
      }
    });
    await use(page);
    expect(complaints.filter((complaint) => !expected.some((pattern) => pattern.test(complaint)))).toEqual([]);
    expected.length = 0;
  },
});

const expected: RegExp[] = [];

/** A complaint of the browser that belongs to what a test does, such as a refused login. */
export function expectComplaint(pattern: RegExp): void {
  expected.push(pattern);
}

export { expect };

/** Runs a query as a program would. */
export async function query(request: APIRequestContext, text: string): Promise<unknown> {
  const response = await request.post("/api/query", { data: { query: text } });
  const answer = await response.json();
  expect(response.ok(), `${text}: ${JSON.stringify(answer)}`).toBe(true);
  return answer.result;
}

/** Opens a page of the interface. */
export async function open(page: Page, place: string): Promise<void> {
  await page.goto(`/_admin/#/${place}`);
}

/** The rules that axe knows, on what is shown now. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}: ${node.failureSummary}`),
  );
  expect(found, what).toEqual([]);
}

/** Nothing sticks out of the window to the right. */
export async function expectFits(page: Page, what: string): Promise<void> {
  const excess_px = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(excess_px, what).toBeLessThanOrEqual(0);
}

/** Puts a text into an editor. */
export async function type(page: Page, label: string, text: string): Promise<void> {
  const editor = page.getByRole("textbox", { name: label });
  await editor.click();
  await page.keyboard.press("ControlOrMeta+a");
  // As one insertion: brackets are not closed twice, and no list of proposals opens.
  await page.keyboard.insertText(text);
}

/** Documents enough to scroll through, unless they are there. */
export async function fillPeople(request: APIRequestContext, count: number): Promise<void> {
  if (((await query(request, 'r.db("test").tableList()')) as string[]).includes("people")) return;
  await query(request, 'r.db("test").tableCreate("people", {durability: "soft"})');
  await query(
    request,
    `r.db("test").table("people").insert(r.range(${count}).map(n => ({
      id: n, name: r.expr("Person ").add(n.coerceTo("string")), age: n.mod(80), city: r.expr(["Oslo", "Lima", "Riga", "Perth"]).nth(n.mod(4)),
      active: n.mod(3).eq(0), address: {zip: n.add(10000), street: "Main"}, joined: r.epochTime(n.add(1600000000))})))`,
  );
}
