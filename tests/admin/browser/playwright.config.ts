import { defineConfig } from "@playwright/test";

const libraries = process.env["PHOTONDB_CHROMIUM_LIBRARIES"];

export default defineConfig({
  // The specs of one file share the server's tables.
  workers: 1,
  // Generous: other suites may run beside this one.
  timeout: 240_000,
  expect: { timeout: 30_000 },
  reporter: "list",
  forbidOnly: true,
  use: {
    baseURL: process.env["PHOTONDB_URL"],
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: process.env["PHOTONDB_CHROMIUM"],
      // In a container there is often no other user to become; the pages are our own.
      args: ["--no-sandbox"],
      env: { ...(process.env as Record<string, string>), ...(libraries ? { LD_LIBRARY_PATH: libraries } : {}) },
    },
  },
});
