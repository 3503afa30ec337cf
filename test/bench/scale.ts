/** How much is measured. */
export interface Scale {
  readonly registration: {
    readonly fewer: number
    readonly more: number
    readonly perTurn: number
    readonly rounds: number
  }
  readonly ledger: {
    /** Batches and single postings of one turn. */
    readonly batches: number
    readonly postings: number
    readonly rounds: number
  }
  readonly mapping: { readonly translations: number; readonly rounds: number }
  readonly conflicts: {
    readonly sizes: readonly number[]
    readonly lookups: number
    readonly rounds: number
  }
  readonly sync: {
    /** How many records are linked; each size builds on the one before. */
    readonly links: readonly number[]
    /** Deals of one turn. */
    readonly deals: number
    readonly rounds: number
    readonly singleChanges: number
    /** How long it is watched while nothing changes. */
    readonly quietSeconds: number
  }
}

export const fullScale: Scale = {
  registration: { fewer: 10_000, more: 300_000, perTurn: 400, rounds: 5 },
  ledger: { batches: 10, postings: 3_000, rounds: 5 },
  mapping: { translations: 50_000, rounds: 5 },
  conflicts: { sizes: [12_000, 100_000], lookups: 400, rounds: 5 },
  sync: { links: [1_000, 100_000], deals: 1_000, rounds: 2, singleChanges: 100, quietSeconds: 5 },
}

/** A minute or two: enough to see that nothing fell over. */
export const quickScale: Scale = {
  registration: { fewer: 2_000, more: 20_000, perTurn: 150, rounds: 3 },
  ledger: { batches: 3, postings: 500, rounds: 3 },
  mapping: { translations: 10_000, rounds: 3 },
  conflicts: { sizes: [5_000], lookups: 150, rounds: 3 },
  sync: { links: [500, 5_000], deals: 200, rounds: 1, singleChanges: 100, quietSeconds: 3 },
}
