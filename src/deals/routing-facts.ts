/** Where a deal goes when there are several connections: what rules may ask for, and what chooses. Pure. */
import type { Fact } from '#src/kernel/condition.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

/** A region is a list of countries. `productFamily` is one family at a time: see `RoutingFacts`. */
export const routingFactCatalogue: readonly Fact[] = [
  { name: 'programme', type: 'reference' },
  { name: 'partner', type: 'reference' },
  { name: 'partnerCountry', type: 'text' },
  { name: 'tier', type: 'text' },
  { name: 'country', type: 'text' },
  { name: 'registrationType', type: 'text' },
  { name: 'amount', type: 'money' },
  { name: 'productFamily', type: 'text' },
]

export interface RoutingFacts {
  /** All facts but the product family. */
  readonly facts: Readonly<Record<string, FieldValue>>
  /** Codes; a rule holds for a deal if it holds for one of them. */
  readonly productFamilies: readonly string[]
}

/** How deals without a connection get theirs. */
export interface DealRouting {
  /** Where what no rule names goes; null while there is no connection at all. */
  readonly fallback: ConnectionId | null
  /** Null when there are no rules, so that nobody need gather facts. */
  readonly choose: ((facts: RoutingFacts) => ConnectionId | null) | null
}
