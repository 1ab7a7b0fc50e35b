import assert from "node:assert/strict";
import { test } from "node:test";
import { lastBefore } from "../moments";

const starts = [0.5, 1, 1, 4.25];
const at = (seconds: number): number => lastBefore(starts, seconds, (one) => one);

test("it finds the last that has begun", () => {
  assert.equal(at(0), -1);
  assert.equal(at(0.5), 0);
  assert.equal(at(1), 2);
  assert.equal(at(4.24), 2);
  assert.equal(at(7200), 3);
  assert.equal(lastBefore([], 1, Number), -1);
});

test("it finds each word of a long call", () => {
  const words = Array.from({ length: 20_000 }, (_, number) => number * 0.36);
  for (const number of [0, 1, 9_999, 19_999]) assert.equal(lastBefore(words, words[number] ?? 0, (one) => one), number);
});
