// Two people edit one ticket: what each changed, seen from what both began with.

export type Fields = Record<string, string>;

export interface Merged {
  fields: Fields; // what to go on with
  clashes: string[]; // fields that both changed, each in another way: a person decides
}

/** `base` is what the typing began with, `mine` what stands here, `theirs` what the server has now. */
export function merge(base: Fields, mine: Fields, theirs: Fields): Merged {
  const fields: Fields = {};
  const clashes: string[] = [];
  for (const name of Object.keys(mine)) {
    const [was, here, there] = [base[name] ?? "", mine[name] ?? "", theirs[name] ?? ""];
    fields[name] = here === was ? there : here;
    if (here !== was && there !== was && here !== there) clashes.push(name);
  }
  return { fields, clashes };
}

/** The fields in which `mine` differs from `base`. */
export function changed(base: Fields, mine: Fields): Fields {
  return Object.fromEntries(Object.entries(mine).filter(([name, value]) => value !== (base[name] ?? "")));
}
