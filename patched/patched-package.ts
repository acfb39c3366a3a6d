/** A package whose private members are used. */
export interface PatchedPackage {
  readonly name: string;
  /** The one version that was read for it. */
  readonly version: string;
  /** Fails once the patches are no longer needed. */
  readonly test: string;
}
