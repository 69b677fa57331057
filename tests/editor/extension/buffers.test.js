"use strict";
const assert = require("node:assert");
const { test } = require("node:test");
const buffers = require("../../../gitsession/editor/extension/lib/buffers");

test("a report stays within what a request may hold", () => {
  const long = "x".repeat(buffers.LONGEST);
  const unsaved = Array.from({ length: 150 }, (_, number) => ({ path: `f${number}`, content: number < 2 ? long : "y" }));
  const found = buffers.report(["a", "a", ...unsaved.map(({ path }) => path), ...Array(300).fill("b")], unsaved);
  assert.equal(found.unsaved.length, 100);
  assert.equal(found.unsaved[0].content, long);
  assert.equal(found.unsaved[1].content, null);
  assert.equal(found.unsaved[2].content, "y");
  assert.ok(found.tabs.length <= 200 && new Set(found.tabs).size === found.tabs.length);
  assert.ok(JSON.stringify(found).length < 4 * 1024 * 1024);
});

test("paths stay inside the work tree", () => {
  assert.equal(buffers.relative("/w", "/w/src/a.py"), "src/a.py");
  for (const path of ["/w", "/wide/a", "/w/../etc", "/w/.git/config", "/w/"]) assert.equal(buffers.relative("/w", path), null);
  for (const path of ["", "/etc", "a/../b", "a\0b", ".git/x", 3, null]) assert.equal(buffers.isInside(path), false);
});

test("nothing newer is overwritten by what another machine had unsaved", () => {
  const then = Buffer.from("then");
  const buffer = { path: "a.py", content: "typed", base: buffers.digest(then) };
  assert.equal(buffers.recovery(buffer, then), "edit");
  assert.equal(buffers.recovery(buffer, Buffer.from("newer")), "beside");
  assert.equal(buffers.recovery(buffer, Buffer.from("typed")), "nothing");
  assert.equal(buffers.recovery(buffer, null), "beside");
  assert.equal(buffers.recovery({ ...buffer, content: null }, then), "nothing");
  assert.equal(buffers.recovery({ path: "untitled:Untitled-1", content: "note" }, null), "beside");
  assert.equal(buffers.recovery({ ...buffer, path: "../../etc/passwd" }, then), "beside");
});
