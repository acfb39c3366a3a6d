/** The settings that kinds of actors need. The edge passes them on and reads none. */
export interface ActorSettings {
  /** How long an order with manual confirmation holds its stock for the person who confirms it. */
  readonly reservationTtlMs: number;
}
