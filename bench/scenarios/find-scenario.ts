/**
 * Finds scenarios by the names of their files, so that adding one touches no other file, and applies options to them.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Changes } from '../options.ts';
import type { Phase, Scenario } from './scenario.ts';

const FOLDER = path.dirname(fileURLToPath(import.meta.url));
/** Of this folder, but no scenarios. */
const OTHERS = new Set(['scenario', 'phases', 'find-scenario']);
const SOURCE_FILE = /^([a-z0-9-]+)\.(ts|js)$/;

export async function scenarioNames(): Promise<string[]> {
  const names = (await readdir(FOLDER)).map((file) => SOURCE_FILE.exec(file)?.[1]);
  return names.filter((name): name is string => name !== undefined && !OTHERS.has(name)).sort();
}

/** @throws Error that names the existing ones */
export async function findScenario(name: string): Promise<Scenario> {
  const names = await scenarioNames();
  if (!names.includes(name)) throw new Error(`there is no scenario ${name}; there are ${names.join(', ')}`);
  const file = path.join(FOLDER, name + path.extname(fileURLToPath(import.meta.url)));
  return ((await import(file)) as { readonly scenario: Scenario }).scenario;
}

/** @throws Error for an option that has no meaning in this scenario */
export function changed(scenario: Scenario, changes: Changes): Scenario {
  const { alone, openHolds, rounds, inFlight, rate, relay } = changes;
  const kinds = new Set(scenario.phases.map(({ arrivals }) => arrivals.kind));
  if (inFlight !== undefined && !kinds.has('closed'))
    throw new Error('--in-flight: its load is an open loop; see --rate');
  if (rate !== undefined && !kinds.has('open')) throw new Error('--rate: its load is a closed loop; see --in-flight');
  const { peers, ...others } = scenario;
  return {
    ...others,
    ...(peers && alone !== true && { peers }),
    phases: scenario.phases.map((phase) => changedPhase(phase, changes)),
    ...(openHolds !== undefined && { openHolds }),
    ...(rounds !== undefined && { rounds }),
    ...(relay !== undefined && { relay }),
  };
}

function changedPhase(phase: Phase, { seconds, inFlight, rate }: Changes): Phase {
  const { length, arrivals, measured } = phase;
  return {
    ...phase,
    length: measured && seconds !== undefined && 'seconds' in length ? { seconds } : length,
    arrivals:
      arrivals.kind === 'closed'
        ? { ...arrivals, inFlight: inFlight ?? arrivals.inFlight }
        : { ...arrivals, perSecond: rate ?? arrivals.perSecond },
  };
}
