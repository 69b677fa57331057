"use strict";
const assert = require("node:assert");
const { test } = require("node:test");
const address = require("../../../gitsession/editor/extension/lib/address");
const { answer, outcome, program } = require("../../../gitsession/editor/extension/lib/verbs");

test("the program is the one that the editor names", () => {
  assert.deepEqual(program('["/usr/bin/python3", "-P", "x"]'), ["/usr/bin/python3", "-P", "x"]);
  for (const given of [undefined, "", "{}", "[]", "[1]", "nonsense"]) assert.deepEqual(program(given), ["gitsession"]);
});

test("the last line of JSON counts", () => {
  assert.deepEqual(answer('working…\n{"url": "https://a"}\n'), { url: "https://a" });
  assert.equal(answer("no JSON"), null);
});

test("an outcome says what happened and what to do", () => {
  const run = (code, stdout = "", stderr = "") => outcome("review", { code, stdout, stderr });
  assert.deepEqual(run(0, '{"url": "https://github.com/a/b/pull/1"}').url, "https://github.com/a/b/pull/1");
  assert.equal(run(0, '{"url": "command:evil"}').url, null);
  assert.match(run(2, "", "Error: No such command 'review'.").text, /upgrade/);
  assert.match(run(null).text, /in a terminal/);
  assert.equal(run(1, '{"error": {"what": "No network.", "hint": "Try again."}}').text, "No network. Try again.");
  assert.equal(run(70, "", "line\nlast line\n").text, "last line");
});

test("an address of a snapshot's file can be read back, and no other is accepted", () => {
  const parts = address.compose("src/a b#?.py", 12);
  assert.deepEqual(address.parse(parts), { path: "src/a b#?.py", snapshot: 12 });
  assert.deepEqual(address.parse(address.compose("a", null)), { path: "a", snapshot: null });
  for (const hostile of [{ ...parts, scheme: "file" }, { ...parts, query: "1;2" }, { ...parts, path: "a" }]) {
    assert.throws(() => address.parse(hostile));
  }
});
