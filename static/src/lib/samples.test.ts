import { expect, it } from "vitest";
import { sampleCustomers, sampleOrders } from "./samples";

it("makes orders of customers that exist", () => {
  const customers = new Set(sampleCustomers().map(({ id }) => id));
  const orders = sampleOrders();
  expect(orders.every(({ customer }) => customers.has(customer ?? null))).toBe(true);
  expect(new Set(orders.map(({ id }) => id)).size).toBe(2000);
});
