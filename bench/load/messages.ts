/**
 * The messages between the bench and its load process. The load runs in a process of its own, so that its CPU is
 * counted apart and the bench does not disturb it.
 */

/** How orders look: distinct lines out of the first `products` products. */
export interface OrderForm {
  readonly products: number;
  readonly linesPerOrder: number;
}

/** Equal failures, counted. */
export interface LoadError {
  readonly message: string;
  readonly count: number;
}

/** The work of a load process. Weights of operations need no particular sum. */
export type Mix = Readonly<Partial<Record<OperationName, number>>>;

/**
 * `place` is answered once the order is durable, `place until confirmed` once it is complete, `place manually` waits
 * for `confirm` or `cancel`, which take the orders that it left.
 */
export type OperationName =
  'place' | 'place until confirmed' | 'place manually' | 'confirm' | 'cancel' | 'read' | 'list' | 'read stock';

/** `open`: at times of their own. `closed`: each answered one is followed by the next. */
export type Arrivals =
  | { readonly kind: 'open'; readonly perSecond: number; readonly spacing: 'constant' | 'poisson' }
  | { readonly kind: 'closed'; readonly inFlight: number };

export interface LoadJob {
  readonly port: number;
  /** One bearer token a customer; requests take turns over them. */
  readonly tokens: readonly string[];
  readonly adminToken: string;
  readonly form: OrderForm;
  readonly mix: Mix;
  /** Begins each idempotency key, so it must be new for every job on one database. */
  readonly keyPrefix: string;
  readonly phases: readonly JobPhase[];
}

export interface JobPhase {
  /** `orders`: complete ones. `answers`: of any kind of operation, refusals and errors not counted. */
  readonly length: { readonly seconds: number } | { readonly orders: number } | { readonly answers: number };
  readonly arrivals: Arrivals;
}

export interface PhaseCounts {
  readonly seconds: number;
  readonly dropped: number;
  /** Orders whose answer says that they are complete, or that they will be without a further request. */
  readonly orders: number;
  readonly operations: readonly OperationCounts[];
  readonly loadCpuSeconds: number;
}

export interface OperationCounts {
  readonly name: OperationName;
  readonly answered: number;
  readonly refused: number;
  readonly errors: readonly LoadError[];
  /** Microseconds; HdrHistogram, compressed, base64. */
  readonly hdr: string;
}

/** What was answered within one second of the load. */
export interface LoadSecond {
  /** Its end, in seconds since the load began. */
  readonly at: number;
  readonly answered: number;
  readonly refused: number;
  readonly errors: number;
  readonly latenciesUs: Uint32Array;
}

export interface ToLoad {
  readonly kind: 'run';
  readonly job: LoadJob;
}

export type FromLoad =
  /** The phase of this index begins; after the last one, that nothing more is sent. */
  | { readonly kind: 'phase'; readonly index: number }
  | { readonly kind: 'second'; readonly second: LoadSecond }
  | { readonly kind: 'done'; readonly phases: readonly PhaseCounts[] }
  | { readonly kind: 'failed'; readonly message: string };
