// Bundles the pages' code: `node build.mjs <folder>` writes one module per entry, `node build.mjs --test` runs the tests.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

// A page loads one or more of these as `built/<name>.js`; what they share is imported from the modules beside them.
const ENTRIES = ["desk", "lists", "live", "missed", "player", "ring", "room", "ticket"];

const target = process.argv[2];
const common = { bundle: true, format: "esm", logLevel: "warning", legalComments: "none" };

if (target === "--test") {
  const folder = mkdtempSync(join(tmpdir(), "presszero-pages-"));
  const names = readdirSync("tests").filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common,
    platform: "node",
    entryPoints: names.map((name) => join("tests", name)),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
  });
  const files = readdirSync(folder).map((name) => join(folder, name));
  const ran = spawnSync(process.execPath, ["--test", "--test-reporter=dot", ...files], { stdio: "inherit" });
  rmSync(folder, { recursive: true });
  process.exit(ran.status ?? 1);
}

await build({
  ...common,
  platform: "browser",
  target: "es2022",
  minify: true,
  splitting: true, // what several entries share, and the SIP phone, which not everybody needs
  chunkNames: "chunk-[hash]",
  entryPoints: ENTRIES.map((name) => `${name}.ts`),
  outdir: target,
});
