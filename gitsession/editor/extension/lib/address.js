"use strict";
// The address of a file in a snapshot: `gitsession:/<path>?<snapshot>`; without a number it is an empty file.

const SCHEME = "gitsession";

/** The parts of a URI, for `Uri.from`. */
function compose(path, snapshot) {
  return { scheme: SCHEME, path: `/${path}`, query: snapshot === null ? "" : String(snapshot) };
}

/** `{path, snapshot}` of a URI; throws for one that is not ours. */
function parse({ scheme, path, query }) {
  if (scheme !== SCHEME || !path.startsWith("/") || !/^\d{0,9}$/.test(query)) {
    throw new Error("This is no file of a snapshot.");
  }
  return { path: path.slice(1), snapshot: query === "" ? null : Number(query) };
}

module.exports = { SCHEME, compose, parse };
