"use strict";
// What reviewers said at a line, as the agent heard it from the pull request.

/** The remarks of a status whose paths lie in the work tree: `{path, cell, line, author, text}`. */
function remarks(status) {
  const told = (status && status.review && status.review.remarks) || [];
  return told.filter(({ path }) => !path.startsWith("/") && !path.split("/").includes(".."));
}

/** Remarks at one place together, in their order: `{path, cell, line, said: [{author, text}]}`. */
function threads(status) {
  const found = new Map();
  for (const { path, cell, line, author, text } of remarks(status)) {
    if (!line) continue;
    const key = JSON.stringify([path, cell, line]);
    if (!found.has(key)) found.set(key, { path, cell, line, said: [] });
    found.get(key).said.push({ author, text });
  }
  return [...found.values()];
}

module.exports = { remarks, threads };
