import type { Catalogue } from './catalogue.ts'
import type { Currencies } from './currencies.ts'
import type { Session } from './session.ts'

/** One organisation: the way to it, and what of it is known. */
export interface Organisation {
  readonly session: Session
  readonly catalogue: Catalogue
  readonly currencies: Currencies
}
