import assert from "node:assert/strict";
import test from "node:test";
import { type Parts, conflicts, edited, patience, readDraft, tidyTags } from "../ticket_parts";

const BEFORE: Parts = { subject: "Prize", topic: "", tags: ["refund"], fields: { order: "17" } };

test("only what differs is an edit", () => {
  assert.deepEqual(edited(BEFORE, { ...BEFORE, subject: "Prize not paid" }), { subject: "Prize not paid" });
  assert.deepEqual(edited(BEFORE, { ...BEFORE, subject: "  Prize ", tags: [" #Refund", "refund"] }), {});
  assert.deepEqual(edited(BEFORE, { ...BEFORE, fields: { order: " 17 ", empty: " " } }), {});
});

test("an emptied part is an edit", () => {
  assert.deepEqual(edited(BEFORE, { ...BEFORE, tags: [], fields: {} }), { tags: [], fields: {} });
});

test("spaces that the house takes away are no edit: saving comes to an end", () => {
  assert.deepEqual(edited({ ...BEFORE, subject: "a b" }, { ...BEFORE, subject: "a   b" }), {});
});

test("two people conflict only over what both have changed, and not to the same", () => {
  const mine = { subject: "Mine" };
  assert.deepEqual(conflicts(BEFORE, mine, { ...BEFORE, topic: "Theirs" }), []);
  assert.deepEqual(conflicts(BEFORE, mine, { ...BEFORE, subject: "Theirs" }), ["subject"]);
  assert.deepEqual(conflicts(BEFORE, mine, { ...BEFORE, subject: "Mine" }), []);
});

test("tags are told apart as the house tells them apart", () => {
  assert.deepEqual(tidyTags([" #Two  words", "two words", "", "Ä", "a"]), ["a", "two words", "ä"]);
});

test("a draft that is not ours is none", () => {
  for (const text of [null, "", "{", "{}", '{"at":1,"base":{},"mine":{}}', "null"]) assert.equal(readDraft(text), undefined);
  const draft = { at: 1, base: BEFORE, mine: { subject: "x" } };
  assert.deepEqual(readDraft(JSON.stringify(draft)), draft);
});

test("each try in vain makes the next one wait longer, but not for ever", () => {
  assert.deepEqual([0, 1, 2, 99].map(patience), [2000, 4000, 8000, 30_000]);
});
