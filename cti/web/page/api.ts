// The service's JSON API: a deadline for each question, and errors as sentences for people.
import { t } from "./words";

const DEADLINE_S = 8;

/** What the service refused. `message` is a sentence to show. */
export class Refused extends Error {
  constructor(
    readonly status: number, // 0: it did not answer
    message: string,
    readonly body: unknown = null,
  ) {
    super(message);
  }

  /** Whether the same question may be answered later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export interface Answer<T> {
  body: T;
  etag: string | null;
}

export async function ask<T = unknown>(
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<T>> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(DEADLINE_S * 1000),
    });
  } catch {
    throw new Refused(0, t("The service does not answer."));
  }
  if (answer.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    throw new Refused(401, t("Log in again."));
  }
  const read: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, sentence(read) ?? t("The service refused."), read);
  return { body: read as T, etag: answer.headers.get("ETag") };
}

/** `detail` of a problem document (RFC 9457), or its title. */
function sentence(body: unknown): string | null {
  if (typeof body !== "object" || body === null) return null;
  const { detail, title } = body as { detail?: unknown; title?: unknown };
  return typeof detail === "string" ? detail : typeof title === "string" ? title : null;
}
