/**
 * A service under measurement: how to start it on a database of its own, and how to prove afterwards that its answers
 * were true.
 */

export interface Target {
  /** As reports name it. */
  readonly name: string;
  /** Its part in names of databases and JSON: lower-case letters, digits, `_`. */
  readonly id: string;
  /** From the project's root, without extension. */
  readonly program: string;
  /** It reports its state on its admin port. */
  readonly hasMetrics?: true;
  /** An order can be left waiting for its confirmation, with its stock on hold. */
  readonly keepsHolds?: true;
  environment(place: TargetPlace): Readonly<Record<string, string>>;
  verify(databaseUrl: string, ordersAnswered: number): Promise<Verdict>;
}

/** The bench's settings for a service. */
export interface TargetPlace {
  readonly databaseUrl: string;
  readonly port: number;
  readonly adminPort: number;
  /** Empty, its own, removed at the end. */
  readonly dataDir: string;
  readonly workers: number;
  /** Left out: as many as a node has by itself. */
  readonly shards?: number;
  readonly jwtSecret: string;
  /** Where events are to be published; absent: nowhere. */
  readonly amqpUrl?: string;
  /** Where its processes write CPU profiles; absent: they are not profiled. */
  readonly profileDir?: string;
}

/** `unchecked`: there is no check for it. A figure counts only where it is `clean`. */
export type Verdict =
  | { readonly kind: 'clean'; readonly by: string }
  | { readonly kind: 'violated'; readonly problems: readonly string[] }
  | { readonly kind: 'unchecked'; readonly reason: string };
