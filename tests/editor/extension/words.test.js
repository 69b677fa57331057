"use strict";
const assert = require("node:assert");
const { test } = require("node:test");
const { age, clipped, count, inert, size, span } = require("../../../gitsession/editor/extension/lib/words");

test("foreign text is shown and never obeyed", () => {
  assert.equal(inert("a\u001b[31mb\n"), "a\\u{1b}[31mb\\u{a}");
  assert.equal(inert("x\u202eyp.exe"), "x\\u{202e}yp.exe");
  assert.equal(inert("$(alert) [here](command:evil)"), "$ (alert) [here] (command:evil)");
  assert.equal(inert("\ud800"), "\\u{d800}");
  assert.equal(inert("naïve 文件 🎉.py"), "naïve 文件 🎉.py");
});

test("ages and spans read as in the terminal", () => {
  assert.deepEqual([-3, 12, 119, 180, 7200, 200000].map(age), ["0 s ago", "12 s ago", "119 s ago", "3 min ago", "2 h ago", "2 days ago"]);
  assert.deepEqual([0, 59.9, 60, 3600, 33120].map(span), ["0 s", "59 s", "1 min", "1 h 0 min", "9 h 12 min"]);
});

test("sizes and counts", () => {
  assert.deepEqual([0, 999, 1400, 2.5e6, 3e12].map(size), ["0 bytes", "999 bytes", "1.4 kB", "2.5 MB", "3.0 TB"]);
  assert.deepEqual([count(1, "file"), count(2, "file")], ["1 file", "2 files"]);
});

test("a long name loses its middle, and no half of a character", () => {
  assert.equal(clipped("train.py"), "train.py");
  assert.equal(clipped("🎉".repeat(33)), `${"🎉".repeat(20)}…${"🎉".repeat(11)}`);
});
