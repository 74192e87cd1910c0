import { svelte } from "@sveltejs/vite-plugin-svelte";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => {
  const environment = loadEnv(mode, ".", "PHOTONDB_");
  // Where `npm run dev` finds a running server.
  const server = environment["PHOTONDB_URL"] ?? "http://localhost:8080";
  return {
    // Relative, so that the pages work behind any prefix.
    base: "./",
    plugins: [svelte()],
    build: {
      outDir: environment["PHOTONDB_ADMIN_OUT"] ?? "dist",
      emptyOutDir: true,
      target: "es2023",
      // The content security policy forbids `data:` addresses and inline scripts.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 1000,
      // What the licences of others ask to be said.
      license: { fileName: "licences.md" },
    },
    server: { proxy: { "/api": { target: server, ws: true, changeOrigin: true } } },
    test: { include: ["src/**/*.test.ts"], environment: "node" },
  };
});
