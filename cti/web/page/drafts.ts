// What was typed and is not yet with the server. Kept in the browser per account and ticket, gone when it is, and at
// logout: a restart of the service or of the browser loses no word.

const PREFIX = "presszero.draft";
const KEPT_DAYS = 14;

type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

interface Draft {
  value: string;
  base: string; // what the server had when the typing began
  at: number; // ms
}

export class Drafts {
  constructor(
    private readonly login: string,
    private readonly shelf: Shelf,
    private readonly now: () => number = Date.now,
  ) {
    this.sweep((key) => !this.fresh(key));
  }

  put(ticket: string, field: string, value: string, base = ""): void {
    try {
      this.shelf.setItem(this.key(ticket, field), JSON.stringify({ value, base, at: this.now() } satisfies Draft));
    } catch {
      // The browser's shelf is full or closed: the page itself still holds the words.
    }
  }

  get(ticket: string, field: string): { value: string; base: string } | null {
    return this.read(this.key(ticket, field));
  }

  /** Of which fields of that ticket there is something. */
  fields(ticket: string): string[] {
    const prefix = this.key(ticket, "");
    const keys = Array.from({ length: this.shelf.length }, (_, at) => this.shelf.key(at) ?? "");
    return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  drop(ticket: string, field: string): void {
    this.shelf.removeItem(this.key(ticket, field));
  }

  /** At logout: of everybody who used this browser. */
  forget(): void {
    this.sweep(() => true);
  }

  private key(ticket: string, field: string): string {
    return [PREFIX, this.login, ticket, field].join("\n");
  }

  private read(key: string): Draft | null {
    try {
      return JSON.parse(this.shelf.getItem(key) ?? "null") as Draft | null;
    } catch {
      return null;
    }
  }

  private fresh(key: string): boolean {
    return (this.read(key)?.at ?? 0) > this.now() - KEPT_DAYS * 86_400_000;
  }

  private sweep(which: (key: string) => boolean): void {
    const keys = Array.from({ length: this.shelf.length }, (_, at) => this.shelf.key(at) ?? "");
    for (const key of keys) if (key.startsWith(`${PREFIX}\n`) && which(key)) this.shelf.removeItem(key);
  }
}
