"use strict";
const assert = require("node:assert");
const { test } = require("node:test");
const { Warnings } = require("../../../gitsession/editor/extension/lib/warnings");
const { NOW, replica, status } = require("./statuses");

const ending = (minutes, more = {}) => status({ deadline: { at: NOW + minutes * 60, estimate: true }, ...more });
const texts = (warnings, of) => warnings.due(of, NOW).map(({ text }) => text);

test("each threshold of the deadline warns once, and only the nearest of several", () => {
  const warnings = new Warnings();
  const at = (minutes) => warnings.due(status({ deadline: { at: NOW, estimate: true } }), NOW - minutes * 60).map(({ text }) => text);
  assert.deepEqual(at(16), []);
  assert.match(at(12.5)[0], /about 13 min/);
  assert.deepEqual(at(12), []);
  assert.match(at(0.9)[0], /about 1 min\. Everything is saved elsewhere/);
  assert.deepEqual(at(0.5), []);
});

test("the warning says what is not saved", () => {
  const said = (more) => texts(new Warnings(), ending(4, more))[0];
  assert.match(said({}), /Everything is saved elsewhere/);
  assert.match(said({ at_risk: ["a", "b"] }), /2 files not saved elsewhere yet/);
  const held = [{ path: "x", reason: "too large", size: 1, level: "local" }];
  for (const more of [{ held }, { state: "saving" }, { snapshot: null }, { replicas: [] }]) {
    assert.match(said(more), /Not everything is saved elsewhere yet/);
  }
});

test("what was said before a reload is not said again", () => {
  const first = new Warnings();
  first.due(ending(4), NOW);
  assert.deepEqual(texts(new Warnings([...first.told]), ending(4)), []);
});

test("a countdown in a note or an error is one warning", () => {
  const warnings = new Warnings();
  assert.equal(texts(warnings, status({ notes: ["Saving fails, the next try is in 2 s."] })).length, 1);
  assert.equal(texts(warnings, status({ notes: ["Saving fails, the next try is in 4 s."] })).length, 0);
  const failing = status({ replicas: [replica("remote", "safe", { error: "No answer in 10 s" })] });
  assert.deepEqual(texts(warnings, failing), ["Remote: No answer in 10 s"]);
  assert.deepEqual(texts(warnings, failing), []);
});

test("the agent's own word on the deadline is not repeated, and links are broken up", () => {
  const found = texts(new Warnings(), status({ notes: ["This machine is expected to end in 5 min.", "[a](command:b)"] }));
  assert.deepEqual(found, ["[a] (command:b)"]);
});
