// Unpacks the Chromium of an npm package into a folder: `unpack.mjs PACKAGES FOLDER`.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [packages, folder] = process.argv.slice(2);
const draft = `${folder}.${process.pid}`;

fs.mkdirSync(draft, { recursive: true });
// The package unpacks into the folder for temporary files, and only in Amazon's functions
// the libraries that a bare machine lacks.
process.env.TMPDIR = draft;
process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
const entry = path.join(packages, "node_modules/@sparticuz/chromium/build/esm/index.js");
const { default: chromium } = await import(pathToFileURL(entry).href);
await chromium.executablePath();
try {
  fs.renameSync(draft, folder);
} catch (error) {
  // Another test was faster.
  if (!fs.existsSync(folder)) throw error;
  fs.rmSync(draft, { recursive: true });
}
