/**
 * Owns what bench and its load process say to each other. The load runs in a process of its own, so that its work is
 * counted apart and bench's own does not disturb it.
 */

export interface LoadJob {
  readonly port: number;
  readonly concurrency: number;
  /** One bearer token a customer; requests take turns over them. */
  readonly tokens: readonly string[];
  readonly form: OrderForm;
  /** Begins each idempotency key, so it must be new for every job on one database. */
  readonly keyPrefix: string;
  readonly end: JobEnd;
}

/** How orders look: distinct lines out of the first `products` products. */
export interface OrderForm {
  readonly products: number;
  readonly linesPerOrder: number;
}

export type JobEnd =
  | { readonly kind: 'after-time'; readonly warmUpMs: number; readonly measureMs: number }
  | { readonly kind: 'after-orders'; readonly orders: number };

export interface LoadResult {
  /** Answers that met the promise, warm-up included. */
  readonly orders: number;
  readonly window: LoadWindow;
  readonly errors: readonly LoadError[];
}

/** What fell between warm-up and end; for a job that ends after its orders, everything. */
export interface LoadWindow {
  readonly orders: number;
  readonly seconds: number;
  /** Of each order answered in the window, from sending to the whole answer, in microseconds, in no order. */
  readonly latenciesUs: Uint32Array;
  readonly loadCpuSeconds: number;
}

/** Equal failures, counted. */
export interface LoadError {
  readonly message: string;
  readonly count: number;
}

export type ToLoad = { readonly kind: 'run'; readonly job: LoadJob };

export type FromLoad =
  | { readonly kind: 'window-opened' }
  | { readonly kind: 'window-closed' }
  | { readonly kind: 'progress'; readonly orders: number; readonly errors: number }
  | { readonly kind: 'done'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly message: string };
