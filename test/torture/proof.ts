/** One statement about the world, and every exception to it, in plain sentences. */
export interface Proof {
  readonly claim: string
  readonly violations: readonly string[]
}
