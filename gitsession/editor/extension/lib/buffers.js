"use strict";
// What is open and what is typed but unsaved, within bounds, and what of another machine's to bring back.

const { createHash } = require("crypto");

const LONGEST = 1_000_000; // characters of one buffer
const ALL = 1_500_000; // and of all together: a request has room for 4 MiB of JSON
const MOST_TABS = 200;
const MOST_BUFFERS = 100;

/** The name by which a file's saved content is known again. */
function digest(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * The report for the agent. A buffer that is too long is named without its content.
 *
 * @param tabs paths relative to the work tree
 * @param unsaved `{path, content, base, language}` of each dirty buffer
 */
function report(tabs, unsaved) {
  let room = ALL;
  const bounded = unsaved.slice(0, MOST_BUFFERS).map((buffer) => {
    const fits = typeof buffer.content === "string" && buffer.content.length <= Math.min(LONGEST, room);
    room -= fits ? buffer.content.length : 0;
    return { ...buffer, content: fits ? buffer.content : null };
  });
  return { tabs: [...new Set(tabs)].slice(0, MOST_TABS), unsaved: bounded };
}

/** A path relative to the root with `/`; null for the root itself, what lies outside, and `.git`. */
function relative(root, path) {
  const base = root.endsWith("/") ? root : `${root}/`;
  if (!path.startsWith(base)) return null;
  const found = path.slice(base.length);
  return isInside(found) ? found : null;
}

/** Whether a path that another process names stays in the work tree. */
function isInside(path) {
  if (typeof path !== "string" || path.includes("\0")) return false;
  return !path.split("/").some((part) => ["", ".", "..", ".git"].includes(part));
}

/**
 * What to do with what another machine had unsaved: `edit` where the file is as it was then, `beside` where it
 * has changed since or never was a file, so that nothing newer is overwritten.
 */
function recovery(buffer, present) {
  if (typeof buffer.content !== "string") return "nothing";
  if (buffer.path.startsWith("untitled:") || !isInside(buffer.path) || present === null) return "beside";
  if (present.equals(Buffer.from(buffer.content, "utf8"))) return "nothing";
  return buffer.base === digest(present) ? "edit" : "beside";
}

module.exports = { ALL, LONGEST, digest, isInside, recovery, relative, report };
