"use strict";
// Words for people: ages, sizes, and foreign text that can do nothing but be read.

// Control, bidirectional and other invisible characters, which could hide or reorder what is shown.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

const LONGEST = 32; // characters

/** Foreign text for labels, messages and tooltips: no escapes, no `$(icon)`, no `[link](command:…)`. */
function inert(text) {
  return String(text)
    .replace(INVISIBLE, (character) => `\\u{${character.codePointAt(0).toString(16)}}`)
    .replace(/\$\(/g, "$ (")
    .replace(/\]\(/g, "] (");
}

/** `12 s ago`, `3 min ago`, `2 h ago`, `5 days ago`. */
function age(seconds) {
  const past = Math.max(0, seconds);
  if (past < 120) return `${Math.floor(past)} s ago`;
  if (past < 7200) return `${Math.floor(past / 60)} min ago`;
  if (past < 172800) return `${Math.floor(past / 3600)} h ago`;
  return `${Math.floor(past / 86400)} days ago`;
}

/** `45 s`, `12 min`, `9 h 12 min`. */
function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `1.4 MB`, in powers of 1,000. */
function size(bytes) {
  let amount = bytes;
  for (const unit of ["bytes", "kB", "MB", "GB"]) {
    if (amount < 1000) return unit === "bytes" ? `${amount} bytes` : `${amount.toFixed(1)} ${unit}`;
    amount /= 1000;
  }
  return `${amount.toFixed(1)} TB`;
}

/** `1 file`, `3 files`. */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** A long name without its middle, so that what stands behind it can be seen; a tooltip has the whole. */
function clipped(text) {
  const characters = [...text];
  return characters.length <= LONGEST ? text : `${characters.slice(0, 20).join("")}…${characters.slice(-11).join("")}`;
}

module.exports = { age, clipped, count, inert, size, span };
