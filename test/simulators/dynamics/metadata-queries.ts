/** `$select`, `$filter` and `$expand` over definitions; pages, order and counts are not documented for them. */
import type { ApiCall } from './api-call.ts'
import { refuseUnknownOptions } from './api-call.ts'
import type { Definition } from './definitions.ts'
import { errors } from './errors.ts'
import { holds, listPaths } from './filter.ts'
import { type Filter, type Literal, parseFilter } from './filter-syntax.ts'
import { splitOutside } from './odata-path.ts'

/** Collections that an address or an `$expand` may go on to. */
export type Children = Readonly<Record<string, () => readonly Definition[] | Definition | null>>

const ownProperty = (definition: Definition, name: string) => Object.hasOwn(definition, name)

function readPath(definition: Definition, path: string, type: string): Literal {
  let value: unknown = definition
  for (const name of path.split('/')) {
    if (typeof value !== 'object' || value === null || !ownProperty(value as Definition, name)) {
      throw errors.badRequest(
        `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${type}'.`,
      )
    }
    value = (value as Definition)[name]
  }
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as Literal
  throw errors.badRequest(`The property '${path}' cannot be compared.`)
}

/** The chosen properties, with the id and the kind that always come along. */
export function selectProperties(
  definition: Definition,
  select: string | undefined,
  type: string,
): Definition {
  if (select === undefined) return definition
  const names = select.split(',').map((name) => name.trim())
  const chosen: Record<string, unknown> = {}
  if (definition['@odata.type'] !== undefined) chosen['@odata.type'] = definition['@odata.type']
  for (const name of names) {
    if (!ownProperty(definition, name)) {
      throw errors.badRequest(
        `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${type}'.`,
      )
    }
    chosen[name] = definition[name]
  }
  chosen['MetadataId'] = definition['MetadataId']
  return chosen
}

function expand(children: Children, text: string | undefined, type: string): Definition {
  const expanded: Record<string, unknown> = {}
  for (const part of text === undefined ? [] : splitOutside(text, ',')) {
    const [, name = '', options] = /^\s*(\w+)\s*(?:\((.*)\))?\s*$/s.exec(part) ?? []
    const child = children[name]
    if (child === undefined) {
      throw errors.badRequest(
        `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${type}'.`,
      )
    }
    const inner = new Map(
      splitOutside(options ?? '', ';')
        .filter((each) => each.trim() !== '')
        .map((each) => each.trim().split(/=(.*)/s, 2) as [string, string]),
    )
    refuseUnknownOptions(inner, ['$select', '$filter'])
    const value = child()
    const choose = (each: Definition) => selectProperties(each, inner.get('$select'), name)
    expanded[name] =
      value === null
        ? null
        : isList(value)
          ? filterDefinitions(value, inner.get('$filter'), name).map(choose)
          : choose(value)
  }
  return expanded
}

const isList = (value: readonly Definition[] | Definition): value is readonly Definition[] =>
  Array.isArray(value)

function filterDefinitions(
  definitions: readonly Definition[],
  text: string | undefined,
  type: string,
): readonly Definition[] {
  if (text === undefined) return definitions
  const filter: Filter = parseFilter(text)
  const [first] = definitions
  if (first !== undefined) for (const path of listPaths(filter)) readPath(first, path, type)
  return definitions.filter((definition) => holds(filter, (path) => readPath(definition, path, type)))
}

/** The properties that expanding brings are not part of an answer without it. */
function withoutChildren(definition: Definition, children: Children): Definition {
  return Object.fromEntries(Object.entries(definition).filter(([name]) => children[name] === undefined))
}

export function answerDefinition(
  definition: Definition,
  children: Children,
  call: ApiCall,
  type: string,
): Definition {
  refuseUnknownOptions(call.query, ['$select', '$expand'])
  return {
    ...selectProperties(withoutChildren(definition, children), call.query.get('$select'), type),
    ...expand(children, call.query.get('$expand'), type),
  }
}

export function answerDefinitions(
  definitions: readonly { readonly definition: Definition; readonly children: Children }[],
  call: ApiCall,
  type: string,
): readonly Definition[] {
  refuseUnknownOptions(call.query, ['$select', '$filter', '$expand'])
  const kept = new Set(
    filterDefinitions(
      definitions.map(({ definition }) => definition),
      call.query.get('$filter'),
      type,
    ),
  )
  return definitions
    .filter(({ definition }) => kept.has(definition))
    .map(({ definition, children }) => ({
      ...selectProperties(withoutChildren(definition, children), call.query.get('$select'), type),
      ...expand(children, call.query.get('$expand'), type),
    }))
}
