import { FilterOperatorEnum } from '@hubspot/api-client/lib/codegen/crm/objects/index.js'
import type { CallLabel } from '../wire/exchange.ts'
import type { CrmObject } from './api-paths.ts'
import { listedRecords } from './apis.ts'
import { type Row, readProperties } from './records.ts'
import type { Session } from './session.ts'

/** The most that one page may hold. */
export const searchLimit = 200

const operators = {
  EQ: FilterOperatorEnum.Eq,
  GT: FilterOperatorEnum.Gt,
  GTE: FilterOperatorEnum.Gte,
  IN: FilterOperatorEnum.In,
} as const

export interface SearchFilter {
  readonly propertyName: string
  readonly operator: keyof typeof operators
  readonly value?: string
  readonly values?: readonly string[]
}

export interface SearchCall {
  readonly operation: CallLabel['operation']
  readonly object: CrmObject
  readonly properties: readonly string[]
  /** All of them must hold. */
  readonly filters: readonly SearchFilter[]
  readonly sort?: string
  /** Where an earlier page ended. */
  readonly after?: string
}

export interface SearchPage {
  readonly rows: readonly Row[]
  readonly after: string | null
  readonly answeredAt: Date | null
}

/** One page of a search. Its index lags behind by seconds, so it proves neither that a record is there nor that it is not. */
export async function searchPage(
  session: Session,
  call: SearchCall,
  signal: AbortSignal,
): Promise<SearchPage> {
  const { operation, object, properties, filters, sort = 'hs_object_id', after } = call
  const { value, answeredAt } = await session.send(
    {
      operation,
      object,
      records: searchLimit,
      ask: async (apis) =>
        listedRecords(
          await apis.search().doSearch(object, {
            filterGroups: [
              {
                filters: filters.map(({ operator, values, ...filter }) => ({
                  ...filter,
                  operator: operators[operator],
                  ...(values === undefined ? {} : { values: [...values] }),
                })),
              },
            ],
            sorts: [sort],
            properties: readProperties(object, properties),
            limit: searchLimit,
            ...(after === undefined ? {} : { after }),
          }),
        ),
    },
    signal,
  )
  return { rows: value.results, after: value.paging?.next?.after ?? null, answeredAt }
}
