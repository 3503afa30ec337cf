import { z } from 'zod'
import { ConnectorFault } from '../fault.ts'
import { queryPath } from './odata.ts'
import { readJson, type Session } from './session.ts'

const lookAgainMs = 30_000

const replySchema = z.object({
  value: z.array(
    z.object({
      transactioncurrencyid: z.string(),
      isocurrencycode: z.string(),
      statecode: z.number().nullish(),
    }),
  ),
})

export interface Currency {
  readonly id: string
  readonly code: string
  readonly active: boolean
}

/**
 * The organisation's currencies. Every amount over there carries its own; records name it by an id that differs from
 * organisation to organisation, so here it goes by its ISO code. Few and lasting: read once, and again for an unknown one.
 */
export interface Currencies {
  list(signal: AbortSignal): Promise<readonly Currency[]>
  /** Of those ids that the organisation knows. */
  codesOf(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>
  /** Of those codes that the organisation has an active currency for. */
  idsOf(codes: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string>>
}

export function createCurrencies(session: Session, now: () => Date): Currencies {
  let known: { readonly list: readonly Currency[]; readonly at: number } | null = null

  async function list(signal: AbortSignal): Promise<readonly Currency[]> {
    const path = queryPath({
      entitySet: 'transactioncurrencies',
      select: ['transactioncurrencyid', 'isocurrencycode', 'statecode'],
    })
    const call = { operation: 'describe', object: 'transactioncurrency', records: 0, method: 'GET' } as const
    const { value } = await session.send({ ...call, path, read: readJson(replySchema) }, signal)
    const currencies = value.map((row) => ({
      id: row.transactioncurrencyid.toLowerCase(),
      code: row.isocurrencycode.toUpperCase(),
      active: (row.statecode ?? 0) === 0,
    }))
    known = { list: currencies, at: now().getTime() }
    return currencies
  }

  async function holding(
    isKnown: (currencies: readonly Currency[]) => boolean,
    signal: AbortSignal,
  ): Promise<readonly Currency[]> {
    if (known && (isKnown(known.list) || now().getTime() - known.at < lookAgainMs)) return known.list
    return list(signal)
  }

  return {
    list,
    async codesOf(ids, signal) {
      if (ids.length === 0) return new Map()
      const all = await holding(
        (some) => ids.every((id) => some.some((currency) => currency.id === id)),
        signal,
      )
      return new Map(all.map(({ id, code }) => [id, code]))
    },
    async idsOf(codes, signal) {
      if (codes.length === 0) return new Map()
      const isUsable = (code: string) => (currency: Currency) => currency.code === code && currency.active
      const all = await holding((some) => codes.every((code) => some.some(isUsable(code))), signal)
      return new Map(all.filter(({ active }) => active).map(({ id, code }) => [code, id]))
    },
  }
}

/** Said of the one record: others may be in currencies that the organisation has. */
export const unknownCurrency = (code: string, field: string): ConnectorFault =>
  new ConnectorFault('rejected', `The organisation has no active currency ${code}: add it there`, {
    code: 'CURRENCY_UNKNOWN',
    fields: [field],
  })
