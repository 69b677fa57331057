"use strict";
// Status documents in the form of the agent's.

const NOW = 1_700_000_000;

function replica(name, level, more = {}) {
  return { name, level, acknowledged: 7, pending: 0, error: null, ...more };
}

function status(more = {}) {
  return {
    session: "lesson",
    repo: "ada/engine",
    branch: "session/ada/lesson",
    worktree: "/content/engine",
    state: "safe",
    snapshot: { number: 7, commit: "abc", at: NOW - 12 },
    replicas: [replica("vault", "stored"), replica("remote", "safe")],
    at_risk: [],
    held: [],
    skipped: [],
    notes: [],
    deadline: null,
    unsaved: [],
    ...more,
  };
}

module.exports = { NOW, replica, status };
