import assert from "node:assert/strict";
import { test } from "node:test";
import { clock } from "../clock";

test("a clock counts whole seconds that have passed, never below nothing", () => {
  assert.equal(clock(-3), "0:00");
  assert.equal(clock(7.9), "0:07");
  assert.equal(clock(754), "12:34");
  assert.equal(clock(3723), "1:02:03");
});
