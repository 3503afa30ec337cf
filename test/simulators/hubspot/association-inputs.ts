/** Reading what a call says about associations. */
import type { AssociationType } from './association-types.ts'
import { isJsonObject, readText } from './bodies.ts'
import { CallError, invalidInput, type RecordProblem } from './errors.ts'
import type { Portal } from './portal.ts'
import type { Table } from './tables.ts'

export interface Link {
  readonly types: readonly AssociationType[]
  readonly toId: string
}

const problem = (message: string): RecordProblem => ({ status: 400, category: 'VALIDATION_ERROR', message })

/** The types a call names, which must lead from the one object to the other. */
export function readTypes(portal: Portal, given: unknown, from: Table, to: Table | null): AssociationType[] {
  if (!Array.isArray(given) || given.length === 0) throw invalidInput('association types are missing')
  return given.map((each) => {
    const typeId = isJsonObject(each) ? Number(each['associationTypeId']) : Number.NaN
    const category = isJsonObject(each) ? each['associationCategory'] : null
    const type = portal.associations.types.get(typeId)
    const fits =
      type?.from === from.schema.name &&
      type.category === category &&
      (to === null || type.to === to.schema.name)
    if (type === undefined || !fits)
      throw invalidInput(
        `${String(category)} association type ${typeId} does not exist between ${from.schema.name} and ${to?.schema.name ?? 'any object'}`,
      )
    return type
  })
}

/** Associations of a record that is being created: `[{to: {id}, types: [{associationCategory, associationTypeId}]}]`. */
export function prepareAssociations(
  portal: Portal,
  table: Table,
  given: unknown,
):
  | { readonly ok: true; readonly links: readonly Link[] }
  | { readonly ok: false; readonly problem: RecordProblem } {
  if (given === undefined || given === null) return { ok: true, links: [] }
  if (!Array.isArray(given)) return { ok: false, problem: problem('associations must be a list') }
  const links: Link[] = []
  for (const each of given) {
    const target = isJsonObject(each) && isJsonObject(each['to']) ? readText(each['to']['id']) : null
    try {
      const types = readTypes(portal, isJsonObject(each) ? each['types'] : null, table, null)
      const to = portal.tables.get(types[0]?.to ?? '')
      const row = target === null ? undefined : to?.resolve(target)
      if (row === undefined)
        return { ok: false, problem: problem(`No ${to?.schema.singular} with ID ${target} exists`) }
      links.push({ types, toId: row.id })
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      return { ok: false, problem: error.problem }
    }
  }
  return { ok: true, links }
}
