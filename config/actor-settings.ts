/** What the kinds of actors need of the settings. The edge hands it on and looks at none of it. */
export interface ActorSettings {
  /** How long an order with manual confirmation holds its stock for the person who confirms it. */
  readonly reservationTtlMs: number;
}
