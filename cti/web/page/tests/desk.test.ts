import assert from "node:assert/strict";
import { test } from "node:test";
import { hintFor, toolsFor } from "../call_bar";
import { Drafts } from "../drafts";
import { actionOf, KEYS } from "../keys";
import { subjectLabel } from "../labels";
import { changed, merge } from "../merge";
import { attemptOf } from "../note_key";
import { safeLink } from "../pop";
import { statusHint } from "../presence";
import type { CallState, Colleague, Me, Pop } from "../snapshot";
import { pause } from "../stream";
import { asEdit } from "../ticket_strip";

class Shelf implements Storage {
  private readonly kept = new Map<string, string>();
  get length(): number {
    return this.kept.size;
  }
  key(at: number): string | null {
    return [...this.kept.keys()][at] ?? null;
  }
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }
  removeItem(key: string): void {
    this.kept.delete(key);
  }
  clear(): void {
    this.kept.clear();
  }
}

const press = (code: string, more: object = {}) => ({
  code,
  key: code.replace("Key", "").toLowerCase(),
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  repeat: false,
  ...more,
});

test("a letter acts while nobody types, with Alt always, and never with other modifiers", () => {
  assert.equal(actionOf(press("KeyH"), false, true), "hold");
  assert.equal(actionOf(press("KeyH"), true, true), null);
  assert.equal(actionOf(press("KeyH", { altKey: true }), true, true), "hold");
  assert.equal(actionOf(press("KeyH"), false, false), null);
  assert.equal(actionOf(press("KeyH", { altKey: true }), false, false), "hold");
  assert.equal(actionOf(press("KeyC", { ctrlKey: true }), false, true), null);
  assert.equal(actionOf(press("KeyX", { repeat: true }), false, true), null);
});

test("keys go by their place, so a Russian layout has the same ones", () => {
  assert.equal(actionOf(press("KeyH", { key: "р" }), false, true), "hold");
  assert.equal(actionOf(press("Digit7", { key: "?", shiftKey: true }), false, true), "sheet");
});

test("no two actions share a key", () => {
  assert.equal(new Set(Object.values(KEYS)).size, Object.keys(KEYS).length);
});

test("what each changed alone is kept; what both changed is a person's decision", () => {
  const base = { subject: "Prize", topic: "", tags: "a" };
  const mine = { subject: "My prize", topic: "Prize", tags: "a" };
  assert.deepEqual(merge(base, mine, { subject: "Prize", topic: "", tags: "a, b" }), {
    fields: { subject: "My prize", topic: "Prize", tags: "a, b" },
    clashes: [],
  });
  assert.deepEqual(merge(base, mine, { subject: "A prize", topic: "Prize", tags: "a" }).clashes, ["subject"]);
  assert.deepEqual(changed(base, mine), { subject: "My prize", topic: "Prize" });
});

test("merging what the server has by now changes nothing", () => {
  for (const mine of [{ a: "1" }, { a: "2" }, { a: "" }]) {
    for (const base of [{ a: "1" }, { a: "3" }]) assert.deepEqual(merge(base, mine, mine), { fields: mine, clashes: [] });
  }
});

test("an edit goes out as the API takes it", () => {
  assert.deepEqual(asEdit({ subject: "S", topic: " ", tags: "a, , b" }, {}), { subject: "S", topic: null, tags: ["a", "b"] });
  const mine = { subject: "S", "field:draw": "12", "field:shop": "Harbour", "field:gone": " " };
  assert.deepEqual(asEdit({ subject: "S" }, mine), { subject: "S" });
  assert.deepEqual(asEdit({ "field:draw": "12" }, mine), { fields: { draw: "12", shop: "Harbour" } });
  // A field about which two disagree goes out as the other has it, until the person has decided.
  assert.deepEqual(asEdit({ "field:draw": "12" }, mine, { "field:shop": "Mall" }), { fields: { draw: "12", shop: "Mall" } });
});

test("a draft outlives the page, is another person's for nobody, and goes at logout", () => {
  const shelf = new Shelf();
  new Drafts("grace", shelf).put("PZ-1001", "note", "half a sen", "");
  assert.deepEqual(new Drafts("grace", shelf).get("PZ-1001", "note")?.value, "half a sen");
  assert.equal(new Drafts("tomas", shelf).get("PZ-1001", "note"), null);
  assert.equal(new Drafts("grace", shelf).get("PZ-1002", "note"), null);
  assert.deepEqual(new Drafts("grace", shelf).fields("PZ-1001"), ["note"]);
  shelf.setItem("other", "stays");
  new Drafts("tomas", shelf).forget();
  assert.equal(new Drafts("grace", shelf).get("PZ-1001", "note"), null);
  assert.equal(shelf.getItem("other"), "stays");
});

test("a draft that nobody came back to is swept away", () => {
  const shelf = new Shelf();
  new Drafts("grace", shelf, () => 0).put("PZ-1001", "note", "old");
  assert.equal(new Drafts("grace", shelf).get("PZ-1001", "note"), null);
});

test("pauses between attempts grow, and stay short enough to be back within seconds", () => {
  const pauses = [1, 2, 3, 4, 20].map((failed) => pause(failed, 0.5));
  assert.deepEqual(pauses, [0.5, 1, 1.5, 1.5, 1.5]);
  assert.notEqual(pause(3, 0), pause(3, 1));
});

test("only what the call and the phone allow is offered", () => {
  const call = (state: CallState, consulting: string | null = null) => ({ state, consulting }) as Pop;
  assert.deepEqual(toolsFor(call("asked"), false, { talk: "none" }), new Set());
  assert.deepEqual(toolsFor(call("asked"), true, { talk: "talking" }), new Set(["mute", "hang_up"]));
  assert.deepEqual(toolsFor(call("ringing"), true, { talk: "ringing" }), new Set(["answer", "hang_up"]));
  assert.deepEqual(toolsFor(call("ringing"), false, { talk: "none" }), new Set(["hang_up"]));
  assert.ok(toolsFor(call("talking"), true, { talk: "talking" }).has("mute"));
  assert.ok(!toolsFor(call("talking"), false, { talk: "none" }).has("mute"));
  assert.ok(toolsFor(call("held", "102"), false, { talk: "none" }).has("complete"));
  assert.ok(!toolsFor(call("held", "102"), false, { talk: "none" }).has("transfer"));
  const elsewhere = (state: CallState, tools: string[]): Pop => ({ ...call(state), tools });
  assert.deepEqual(toolsFor(elsewhere("ringing", ["hang_up"]), true, { talk: "none" }), new Set());
  assert.deepEqual(toolsFor(elsewhere("talking", ["hang_up", "consult"]), false, { talk: "none" }), new Set(["transfer", "hang_up"]));
  assert.deepEqual(toolsFor(elsewhere("talking", ["hang_up", "record"]), false, { talk: "none" }), new Set(["record", "hang_up"]));
  assert.ok(!toolsFor(call("talking"), true, { talk: "talking" }).has("record")); // our own PBX records every call
  assert.deepEqual(toolsFor(elsewhere("talking", []), false, { talk: "none" }), new Set());
  assert.deepEqual(toolsFor(null, true, { talk: "ringing" }), new Set(["answer", "hang_up"]));
  assert.deepEqual(toolsFor(call("wrap_up"), true, { talk: "none" }), new Set());
});

const BEN: Colleague = { extension: "102", name: "Ben Carter", presence: "ready", talking: false };
const ME = { extension: "101", phone: "page", presence: "ready" } as Me;

test("whoever asks a colleague is told their name and whether they have answered", () => {
  const asking = (answered: boolean, whom = "102") => ({ state: "held", consulting: whom, consulting_answered: answered }) as Pop;
  assert.match(hintFor(asking(false), ME, [BEN]), /Ben Carter rings/);
  assert.match(hintFor(asking(true), ME, [BEN]), /Ben Carter has answered/);
  assert.match(hintFor(asking(true, "103"), ME, [BEN]), /103 has answered/);
  const asked = (state: CallState) => ({ state, consulting: null, asked_by: "102" }) as Pop;
  assert.match(hintFor(asked("ringing"), ME, [BEN]), /Ben Carter wants to ask/);
  assert.match(hintFor(asked("ringing"), { ...ME, phone: "own" }, [BEN]), /wants to ask.* extension 101/);
  assert.equal(hintFor({ state: "ringing", consulting: null, asked_by: null } as Pop, ME, [BEN]), "");
});

test("what the house wrote of an earlier call names the operator", () => {
  const name = (extension: string) => (extension === "102" ? "Ben Carter" : undefined);
  assert.equal(subjectLabel("Vera Lindqvist: talked with operator 102", name), "Vera Lindqvist: talked with Ben Carter");
  assert.equal(subjectLabel("Talked with operator 107", name), "Talked with operator 107");
  assert.equal(subjectLabel("+1 202-555-0133: hung up after 12 s in the queue", name), "+1 202-555-0133: hung up after 12 s in the queue");
  assert.equal(subjectLabel("Prize: talked with operator 102 about it", name), "Prize: talked with operator 102 about it");
});

test("who has a caller is not told that calls come", () => {
  assert.equal(statusHint(ME, null), "Calls come to you.");
  assert.match(statusHint(ME, "talking"), /when this one is over/);
  assert.match(statusHint({ ...ME, presence: "paused" }, "held"), /no other call/);
  assert.match(statusHint(ME, "ringing"), /rings/);
});

test("a note keeps its key until it is another one", () => {
  const first = attemptOf(null, "She is angry.", "note");
  assert.match(first.key, /^[0-9a-f]{32}$/);
  assert.equal(attemptOf(first, "She is angry.", "note").key, first.key);
  assert.notEqual(attemptOf(first, "She is calm.", "note").key, first.key);
  assert.notEqual(attemptOf(first, "She is angry.", "answer").key, first.key);
  assert.notEqual(attemptOf(null, "She is angry.", "note").key, first.key);
});

test("an order's link leads to the web or nowhere", () => {
  assert.ok(safeLink("https://shop.example/1"));
  assert.ok(!safeLink("javascript:alert(1)"));
  assert.ok(!safeLink(null));
});
