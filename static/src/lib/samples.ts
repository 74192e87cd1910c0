import { run } from "../api/client";
import { reql, tableQuery, type Query } from "../api/reql";
import type { Document } from "../api/types";

/** What the tour loads: a small shop, made up from a formula so that every load is the same. */
export const SAMPLE_DATABASE = "tour";

const CITIES = ["Oslo", "Lisbon", "Kyoto", "Nairobi", "Lima", "Toronto", "Perth", "Riga"];
const GOODS = ["lamp", "chair", "desk", "kettle", "rug", "clock", "vase", "shelf"];
const ORDERS = 2000;
const CUSTOMERS = 200;
const DAY_S = 86_400;
const START_S = 1_704_067_200;

export function sampleCustomers(): Document[] {
  return Array.from({ length: CUSTOMERS }, (_, at) => ({
    id: `customer-${String(at + 1).padStart(3, "0")}`,
    city: pick(CITIES, at * 7),
    joined: time(START_S + at * DAY_S),
    newsletter: at % 3 === 0,
  }));
}

export function sampleOrders(): Document[] {
  return Array.from({ length: ORDERS }, (_, at) => {
    const lines = Array.from({ length: 1 + (at % 3) }, (_, line) => ({
      article: pick(GOODS, at * 5 + line * 3),
      pieces: 1 + ((at + line) % 4),
      price: 9.5 + ((at * 13 + line * 29) % 180),
    }));
    return {
      id: `order-${String(at + 1).padStart(5, "0")}`,
      customer: `customer-${String(((at * 37) % CUSTOMERS) + 1).padStart(3, "0")}`,
      placed: time(START_S + at * 7_919),
      lines,
      total: lines.reduce((sum, { pieces, price }) => sum + pieces * price, 0),
      state: pick(["new", "paid", "sent", "sent", "returned"], at * 11),
    };
  });
}

/** Makes the tour's tables and fills them; what is there already stays. */
export async function loadSamples(): Promise<void> {
  await attempt(reql`r.dbCreate(${SAMPLE_DATABASE})`);
  for (const [table, documents] of [["customers", sampleCustomers()], ["orders", sampleOrders()]] as const) {
    await attempt(reql`r.db(${SAMPLE_DATABASE}).tableCreate(${table})`);
    await run(reql`${tableQuery(SAMPLE_DATABASE, table)}.insert(${documents}, {conflict: "replace"})`);
  }
  const orders = tableQuery(SAMPLE_DATABASE, "orders");
  for (const field of ["customer", "placed", "total"]) {
    await attempt(reql`${orders}.indexCreate(${field})`);
  }
}

async function attempt(query: Query): Promise<void> {
  await run(query).catch((error: Error) => {
    if (!/already exists/.test(error.message)) throw error;
  });
}

function pick(words: readonly string[], at: number): string {
  return words[at % words.length] ?? "";
}

function time(epoch_time: number): Document {
  return { $reql_type$: "TIME", epoch_time, timezone: "+00:00" };
}
