/**
 * Decides which versions may run on a database that a newer one has migrated. During a roll the older nodes still run
 * (and restart) beside the first new one, so a migration is additive wherever that is possible: it adds only what older
 * versions ignore. One that older versions can't run on is breaking, and names the version that is needed.
 *
 * The database stores this for each migration, because a version that must be refused does not know the migration.
 */
export type Compatibility =
  | { readonly kind: 'additive' }
  /** `needs`: the first version of Holdfast that runs on it. */
  | { readonly kind: 'breaking'; readonly needs: string };

export interface CompatibilityRow {
  readonly name: string;
  /** A version whose newest migration has at least this number may run on it. */
  readonly oldestSchema: number;
  readonly needs: string;
}

/** A migration's number is the digits its name begins with. */
export function schemaOf(name: string): number {
  return Number.parseInt(name, 10);
}

/** What the database stores of each migration, in their order. */
export function compatibilityRows(
  migrations: readonly { readonly name: string; readonly compatibility: Compatibility }[],
): CompatibilityRow[] {
  let oldestSchema = 0;
  let needs = '';
  return migrations.map(({ name, compatibility }) => {
    if (compatibility.kind === 'breaking') {
      oldestSchema = schemaOf(name);
      ({ needs } = compatibility);
    }
    return { name, oldestSchema, needs };
  });
}

/**
 * @param known names of this version's migrations @param applied those of the database
 * @returns why this version may not run on it; undefined when it may.
 */
export function refusalOf(
  known: readonly string[],
  applied: readonly string[],
  recorded: readonly CompatibilityRow[],
): string | undefined {
  const schema = Math.max(0, ...known.map(schemaOf));
  for (const name of applied) {
    if (known.includes(name)) continue;
    const rule = recorded.find((row) => row.name === name);
    if (rule && rule.oldestSchema <= schema) continue;
    const needed = rule && rule.needs !== '' ? `Run Holdfast ${rule.needs} or newer` : 'Run the version that did';
    return `The database was migrated by a newer Holdfast (${name}), and this one can't run on it. ${needed}, or set DATABASE_URL to another database.`;
  }
  return undefined;
}
