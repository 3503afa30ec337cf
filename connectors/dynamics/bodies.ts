import type { RemoteValue } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { unknownCurrency } from './currencies.ts'
import { isRecordId } from './odata.ts'
import type { Organisation } from './organisation.ts'
import { type Column, columnOf, isCurrencyLookup, isLookup, type Table } from './table.ts'

type Fields = Readonly<Record<string, RemoteValue>>

/** What a body needs that is kept elsewhere: entity sets of the tables that lookups point to, ids of currencies. */
export interface References {
  readonly entitySets: ReadonlyMap<string, string>
  readonly currencyIds: ReadonlyMap<string, string>
}

const knownSets = { systemuser: 'systemusers', transactioncurrency: 'transactioncurrencies' }

/** Looks up what the bodies of these records need. Fields that the table does not have are left to `toBody`. */
export async function lookUpReferences(
  { catalogue, currencies }: Organisation,
  table: Table,
  records: readonly Fields[],
  signal: AbortSignal,
): Promise<References> {
  const names = [...new Set(records.flatMap(Object.keys))]
  const lookups = names.flatMap((name) => table.columns.get(name) ?? []).filter(isLookup)
  const codes = lookups
    .filter(isCurrencyLookup)
    .flatMap(({ name }) => records.map((fields) => fields[name]))
    .filter((code) => typeof code === 'string')
  const entitySets = new Map<string, string>(Object.entries(knownSets))
  for (const name of new Set(
    lookups.flatMap(({ targets }) => (targets.length === 1 ? targets.map((to) => to.table) : [])),
  )) {
    if (name === 'owner' || entitySets.has(name)) continue
    entitySets.set(name, (await catalogue.table(name, signal)).entitySet)
  }
  return {
    entitySets,
    currencyIds: await currencies.idsOf([...new Set(codes.map((code) => code.toUpperCase()))], signal),
  }
}

/** The JSON body of a record: lookups as bindings, everything else as it is. Throws what is the matter with a field. */
export function toBody(table: Table, fields: Fields, references: References): Record<string, RemoteValue> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const column = columnOf(table, name)
      return isLookup(column) ? binding(table, column, value, references) : [name, value]
    }),
  )
}

function binding(
  table: Table,
  column: Column,
  value: RemoteValue,
  { entitySets, currencyIds }: References,
): readonly [string, string | null] {
  const { name, type, targets } = column
  // An owner is a user here; teams are assigned by people.
  const target =
    type === 'Owner' ? { table: 'systemuser', property: name } : targets.length === 1 ? targets[0] : undefined
  if (!target) {
    throw new ConnectorFault(
      'configuration',
      `${table.name}.${name} points to several tables: map it with the one that is meant, such as ${name}.${targets[0]?.table ?? 'account'}`,
      { code: 'POLYMORPHIC_LOOKUP', fields: [name] },
    )
  }
  const property = `${target.property}@odata.bind`
  if (value === null || value === '') return [property, null]
  const set = entitySets.get(target.table) ?? target.table
  if (isCurrencyLookup(column)) {
    const id = currencyIds.get(String(value).toUpperCase())
    if (id === undefined) throw unknownCurrency(String(value), name)
    return [property, `/${set}(${id})`]
  }
  if (typeof value === 'string' && isRecordId(value)) return [property, `/${set}(${value})`]
  throw new ConnectorFault('rejected', `${table.name}.${name} takes the id of a record`, {
    code: 'NOT_AN_ID',
    fields: [name],
  })
}
