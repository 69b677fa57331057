"use strict";
const assert = require("node:assert");
const { test } = require("node:test");
const listing = require("../../../gitsession/editor/extension/lib/listing");
const { threads } = require("../../../gitsession/editor/extension/lib/remarks");
const { status } = require("./statuses");

const remark = (path, cell, line, text, author = "grace") => ({ path, cell, line, text, author, url: "https://x/1" });
const reviewed = (...remarks) => status({ review: { state: "changes requested", number: 7, url: "https://x/7", remarks, words: [] } });

test("remarks at one place are one thread; without a line there is no place to show them at", () => {
  const told = reviewed(remark("a.py", null, 3, "why?"), remark("n.ipynb", 2, 1, "plot"), remark("a.py", null, 3, "so", "ada"), remark("a.py", null, null, "gone"));
  assert.deepEqual(threads(told), [
    { path: "a.py", cell: null, line: 3, said: [{ author: "grace", text: "why?" }, { author: "ada", text: "so" }] },
    { path: "n.ipynb", cell: 2, line: 1, said: [{ author: "grace", text: "plot" }] },
  ]);
  assert.deepEqual(threads(status()), []);
  assert.deepEqual(threads(null), []);
});

test("the panel lists them, inert, and knows where each leads", () => {
  const [group] = listing.files(reviewed(remark("n.ipynb", 2, 1, "see $(x)\nmore"), remark("a.py", null, null, "[l](command:c)")));
  assert.equal(group.label, "Reviewers say");
  assert.deepEqual(group.children.map((row) => [row.label, row.description, row.cell, row.line]), [
    ["n.ipynb", "cell 2 line 1 · grace: see $ (x)", 2, 1],
    ["a.py", "grace: [l] (command:c)", null, null],
  ]);
  assert.equal(new Set(group.children.map((row) => row.id)).size, 2);
});

test("a path that leads out of the work tree is not shown", () => {
  assert.deepEqual(listing.files(reviewed(remark("../x", null, 1, "a"), remark("/etc/passwd", null, 1, "a"), remark("a/../../x", null, 1, "a"))), []);
});
