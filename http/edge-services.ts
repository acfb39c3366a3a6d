/** Owns what all handlers share: the edge's surroundings with every default filled in. */
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { SettingValues } from '../config/setting.ts';
import type { Actors } from '../runtime/ask.ts';
import type { Clock } from '../kernel/clock.ts';
import type { EntityHistories } from '../persistence/ports.ts';
import type { ViewReads } from '../persistence/view-definition.ts';
import { createBodyReader, type BodyReader } from './body.ts';
import { DEFAULT_TIMEOUTS, type ClaimKeeper, type EdgeDeps, type EdgeLimits, type EdgeTimeouts } from './edge-deps.ts';
import { UnfinishedBodies, type Slots } from './unfinished-bodies.ts';

/** As many as the worker has sessions for them. */
const LIST_READS_AT_A_TIME_MAX = 2;

export interface EdgeServices {
  readonly actors: Actors;
  readonly views: ViewReads;
  readonly histories: EntityHistories;
  readonly claims: ClaimKeeper;
  /** Lists are read few at a time: a page is large, and commands come first. */
  readonly listReads: PQueue;
  readonly bodies: BodyReader;
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: EdgeDeps['health'];
  readonly idempotencyNamespace: string;
  readonly shards: number;
  /** Of the operations: the edge reads none of them. */
  readonly settings: SettingValues;
  readonly timeouts: EdgeTimeouts;
  readonly version: string;
}

export function createServices(deps: EdgeDeps, limits: EdgeLimits, slots: Slots): EdgeServices {
  const { actors, views, histories, claims, clock, log, health, idempotencyNamespace, shards, settings, version } =
    deps;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...deps.timeouts };
  return {
    actors,
    views,
    histories,
    claims,
    listReads: new PQueue({ concurrency: LIST_READS_AT_A_TIME_MAX }),
    bodies: createBodyReader(limits, new UnfinishedBodies(clock, slots, limits.unfinishedBodies)),
    clock,
    log,
    health,
    idempotencyNamespace,
    shards,
    settings,
    timeouts,
    version,
  };
}

/** What several operations share beyond the services: made once for each edge, at the first call. */
export function oncePerEdge<Part>(make: (services: EdgeServices) => Part): (services: EdgeServices) => Part {
  const parts = new WeakMap<EdgeServices, Part>();
  return (services) => {
    const before = parts.get(services);
    if (before !== undefined) return before;
    const part = make(services);
    parts.set(services, part);
    return part;
  };
}
