/** Owns what lies in the folder contracts/: the contract as other systems take it, made from the code and committed. */
import { breakingChanges } from './compatibility.ts';
import { publishedSchema, type JsonSchema } from './json-schemas.ts';
import type { PublicEventCatalogue } from './public-event-catalogue.ts';
import { sampleDocument, sampleMessageOf } from './samples.ts';

const SCHEMA_SUFFIX = '.schema.json';

/** Text by path within the folder. */
export type ContractFiles = ReadonlyMap<string, string>;

export function contractFiles(events: PublicEventCatalogue, asyncApi: unknown): ContractFiles {
  const files = new Map<string, string>();
  for (const event of events.all) {
    const { routingKey } = event;
    files.set(routingKey + SCHEMA_SUFFIX, fileText(publishedSchema(event)));
    files.set(`samples/${routingKey}.json`, fileText(sampleDocument(sampleMessageOf(events, event))));
  }
  return files.set('asyncapi.json', fileText(asyncApi));
}

/** What the new files would break of the committed ones, a sentence each. */
export function brokenContracts(committed: ContractFiles, current: ContractFiles): string[] {
  const broken: string[] = [];
  for (const [path, text] of committed) {
    if (!path.endsWith(SCHEMA_SUFFIX)) continue;
    const type = path.slice(0, -SCHEMA_SUFFIX.length);
    const now = current.get(path);
    if (now === undefined) broken.push(`${type}: is no longer sent`);
    else broken.push(...breakingChanges(parsed(text), parsed(now)).map((change) => `${type}: ${change}`));
  }
  return broken;
}

/** Paths that differ, are missing or are one too many. */
export function staleContracts(committed: ContractFiles, current: ContractFiles): string[] {
  const paths = new Set([...committed.keys(), ...current.keys()]);
  return [...paths].filter((path) => committed.get(path) !== current.get(path)).sort();
}

function parsed(text: string): JsonSchema {
  return JSON.parse(text) as JsonSchema;
}

function fileText(content: unknown): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}
