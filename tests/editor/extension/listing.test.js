"use strict";
const assert = require("node:assert");
const { test } = require("node:test");
const listing = require("../../../gitsession/editor/extension/lib/listing");
const { NOW, replica, status } = require("./statuses");

test("places name this machine, each replica, the time left and the branch", () => {
  const rows = listing.places(status({ deadline: { at: NOW + 600, estimate: true } }), NOW);
  assert.deepEqual(rows.map((row) => row.label), ["This machine", "Vault", "Remote", "Time left", "Session branch"]);
  assert.equal(rows[2].description, "snapshot 7 · safe");
  const failing = listing.places(status({ replicas: [replica("vault", "none", { acknowledged: 0, pending: 3, error: "full" })] }), NOW);
  assert.equal(failing[1].description, "nothing yet · 3 waiting · full");
  assert.equal(failing[1].icon, "warning");
  assert.deepEqual(listing.places(null, NOW), []);
});

test("files are grouped with their reasons, and empty groups are left out", () => {
  const held = [{ path: "big.bin", reason: "too large", size: 60_000_000, level: "stored" }];
  const groups = listing.files(status({ at_risk: ["a.py", "b.py"], unsaved: ["b.py"], held, skipped: [{ path: "s", reason: "a socket" }] }));
  assert.deepEqual(groups.map((group) => [group.label, group.children.map((row) => row.path)]), [
    ["At risk", ["a.py"]],
    ["Unsaved in the editor", ["b.py"]],
    ["Held back", ["big.bin"]],
    ["Left out", ["s"]],
  ]);
  assert.equal(groups[2].children[0].description, "too large · 60.0 MB · kept in the vault");
  assert.deepEqual(listing.files(status()), []);
  assert.deepEqual(listing.files(null), []);
});

test("a narrow panel shows a file's name and what is said of it before its folder", () => {
  const path = `${"a/long/".repeat(30)}${"weights-".repeat(20)}.bin`;
  const [group] = listing.files(status({ held: [{ path, reason: "too large", size: 60_000_000, level: "stored" }] }));
  const [row] = group.children;
  assert.deepEqual([row.label.length, row.label.slice(0, 8), row.label.slice(-4), row.path], [32, "weights-", ".bin", path]);
  assert.match(row.description, /^too large · 60\.0 MB · kept in the vault · a\/long\//);
  assert.ok(row.tooltip.startsWith(path));
  const [change] = listing.changes(3, { changes: [{ path: "src/left out/", kind: "added" }], more: 0 });
  assert.deepEqual([change.label, change.description], ["left out/", "added · src/"]);
  const shown = listing.snapshot({ number: 3, at: NOW, subject: `wip: ${path}` }, NOW);
  assert.equal(shown.label.length, 32);
  assert.ok(shown.tooltip.endsWith(path));
});

test("a group of very many files ends in how many more there are", () => {
  const many = Array.from({ length: 250 }, (_, number) => `f${number}`);
  const [group] = listing.files(status({ at_risk: many }));
  assert.equal(group.description, "250");
  assert.equal(group.children.at(-1).label, "50 more");
});

test("snapshots and changes are inert, and know what they open", () => {
  const row = listing.snapshot({ number: 3, at: NOW - 60, subject: "wip: $(x) [l](command:c)" }, NOW);
  assert.equal(row.label, "$ (x) [l] (command:c)");
  assert.deepEqual([row.kind, row.snapshot, row.path, row.description], ["snapshot", 3, null, "3 · 60 s ago"]);
  assert.equal(listing.snapshot({ number: 3, at: NOW, subject: "" }, NOW, "a.py").kind, "version");
  const rows = listing.changes(3, { changes: [{ path: "a\nb", kind: "added" }], more: 2 });
  assert.deepEqual([rows[0].label, rows[0].path, rows[0].description], ["a\\u{a}b", "a\nb", "added"]);
  assert.equal(rows[1].label, "2 more");
});
