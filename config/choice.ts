/** A setting that picks one of several implementations by name. Those who have them declare it. */
export interface Choice {
  readonly setting: string;
  readonly names: readonly string[];
  readonly byDefault: string;
}
