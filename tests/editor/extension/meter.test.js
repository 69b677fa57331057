"use strict";
const assert = require("node:assert");
const { test } = require("node:test");
const { CALM, meter } = require("../../../gitsession/editor/extension/lib/meter");
const { NOW, replica, status } = require("./statuses");

const words = (more) => meter(status(more), NOW).words;

test("the meter says no stronger word than was checked", () => {
  assert.equal(words(), "all safe · 12 s ago");
  assert.equal(words({ state: "saving", at_risk: ["a"] }), "saving…");
  assert.equal(words({ at_risk: ["a"] }), "1 file at risk");
  assert.equal(words({ at_risk: ["a", "b"] }), "2 files at risk");
  assert.equal(words({ snapshot: null }), "nothing to save yet");
  assert.equal(words({ replicas: [replica("vault", "stored")] }), "all stored · 12 s ago");
  assert.equal(words({ replicas: [replica("remote", "safe", { pending: 1 })] }), "on this machine only");
  assert.equal(words({ replicas: [] }), "on this machine only");
});

test("a held file is as safe as its newest content", () => {
  const held = (level) => ({ held: [{ path: "x", reason: "too large", size: 1, level }] });
  assert.equal(words(held("stored")), "all stored · 12 s ago");
  assert.equal(words(held("local")), "on this machine only");
});

test("one place alone is named with what to do", () => {
  const refused = [replica("vault", "stored"), replica("remote", "safe", { pending: 2, error: "The token has expired." })];
  assert.equal(words({ replicas: refused, places: { vault: "Drive" } }), "Drive only: sign in again");
  assert.equal(words({ replicas: refused }), "Vault only: sign in again");
  const gone = [replica("vault", "stored", { error: "Drive is not mounted." }), replica("remote", "safe")];
  assert.equal(words({ replicas: gone }), "Remote only: Vault fails");
  const held = [{ path: "x", reason: "too large", size: 1, level: "local" }];
  assert.equal(words({ replicas: gone, held }), "on this machine only");
});

test("the colour is for what lasts, not for each keystroke", () => {
  const risky = status({ at_risk: ["a"] });
  assert.equal(meter(risky, NOW, NOW - 1).colour, "none");
  assert.equal(meter(risky, NOW, NOW - CALM - 1).colour, "warning");
  const late = { ...risky, deadline: { at: NOW + 60, estimate: true } };
  assert.equal(meter(late, NOW, NOW - CALM - 1).colour, "error");
  assert.equal(meter(status(), NOW).colour, "none");
  assert.equal(meter(null, NOW).colour, "error");
});

test("the time left is an estimate and is called one", () => {
  const until = (estimate) => status({ deadline: { at: NOW + 7500, estimate } });
  assert.match(meter(until(true), NOW).text, /about 2 h 5 min left$/);
  assert.match(meter(until(false), NOW).text, /· 2 h 5 min left$/);
  assert.match(meter(status({ deadline: { at: NOW - 1, estimate: true } }), NOW).text, /past its expected end/);
});

test("the tooltip names every place, and foreign words do nothing", () => {
  const shown = meter(status({ repo: "ada/[x](command:y)", replicas: [replica("vault", "stored", { error: "$(bug)\u001b" })] }), NOW);
  assert.match(shown.tooltip, /^ada\/\[x\] \(command:y\), session lesson/);
  assert.match(shown.tooltip, /Vault: snapshot 7, stored: \$ \(bug\)\\u\{1b\}/);
  assert.match(shown.label, /^gitsession: /);
  assert.doesNotMatch(shown.label, /\$\(/);
});
