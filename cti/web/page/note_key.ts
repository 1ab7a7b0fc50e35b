// The key with which a note is sent: the same as long as it is the same note, so that what is sent again after a lost
// answer is on the ticket once.

/** A note that was sent, or is about to be, and is not known to have arrived. */
export interface Attempt {
  key: string;
  text: string;
  kind: string;
}

export function attemptOf(before: Attempt | null, text: string, kind: string): Attempt {
  if (before && before.text === text && before.kind === kind) return before;
  const random = crypto.getRandomValues(new Uint8Array(16)); // `randomUUID` is there over https only
  return { key: Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join(""), text, kind };
}
