/** Runs SOQL over the organisation's records: parse once, compile to closures, answer rows and a renderer. */
import { parseQuery, type Query, type FieldType as Selected } from '@jetstreamapp/soql-parser-js'
import { CallError } from './errors.ts'
import type { Organisation } from './organisation.ts'
import type { ObjectSchema, Row, Scalar } from './schema.ts'
import { findCandidates } from './soql-candidates.ts'
import { buildFilter, type Comparison, type Filter, failQuery } from './soql-conditions.ts'
import { type FieldPath, resolvePath } from './soql-fields.ts'
import { compileFilter, foldValue, type Predicate } from './soql-filter.ts'
import type { Table } from './tables.ts'

export type RenderedRecord = Record<string, unknown>

export interface QueryResult {
  readonly object: string
  readonly totalSize: number
  /** Empty for `SELECT COUNT()`. */
  readonly rows: readonly Row[]
  readonly render: (row: Row) => RenderedRecord
}

interface Compiled {
  readonly query: Query
  readonly table: Table
  readonly filter: Filter | null
  readonly paths: readonly FieldPath[] | null
  readonly render: (row: Row) => RenderedRecord
  readonly order: readonly { path: FieldPath; direction: 1 | -1; nullsFirst: boolean }[]
}

const base = '/services/data/v62.0/sobjects'

function attributesOf(schema: ObjectSchema, id: Scalar | undefined): unknown {
  return { type: schema.name, url: `${base}/${schema.name}/${id}` }
}

function compileRender(schema: ObjectSchema, paths: readonly FieldPath[]): (row: Row) => RenderedRecord {
  return (row) => {
    const record: RenderedRecord = { attributes: attributesOf(schema, row['Id']) }
    for (const path of paths) {
      let place = record
      let reached: Row | undefined = row
      for (const step of path.steps) {
        const name = step.relationship.relationshipName ?? step.relationship.name
        reached = step.table.rows.get(String(reached[step.relationship.name]))
        if (reached === undefined) {
          place[name] = null
          break
        }
        const known = place[name]
        const next =
          typeof known === 'object' && known !== null
            ? (known as RenderedRecord)
            : { attributes: attributesOf(step.table.schema, reached['Id']) }
        place[name] = next
        place = next
      }
      if (reached !== undefined) place[path.field.name] = reached[path.field.name] ?? null
    }
    return record
  }
}

function isCount(selected: Selected): boolean {
  return (
    selected.type === 'FieldFunctionExpression' &&
    selected.functionName.toUpperCase() === 'COUNT' &&
    (selected.parameters ?? []).length === 0
  )
}

function pathsOf(organisation: Organisation, schema: ObjectSchema, query: Query): readonly FieldPath[] {
  const paths: FieldPath[] = []
  const seen = new Set<string>()
  for (const selected of query.fields ?? []) {
    if (selected.type === 'FieldFunctionExpression' && selected.functionName.toUpperCase() === 'FIELDS') {
      const limit = query.limit ?? 201
      if (limit > 200) {
        throw failQuery('The SOQL FIELDS function must have a LIMIT of at most 200')
      }
      for (const field of schema.fields.values()) paths.push(resolvePath(organisation, schema, field.name))
      continue
    }
    if (selected.type !== 'Field' && selected.type !== 'FieldRelationship') {
      throw failQuery(`${selected.type} is not part of this organisation`)
    }
    const name =
      selected.type === 'Field' ? selected.field : [...selected.relationships, selected.field].join('.')
    const path = resolvePath(organisation, schema, name, query.sObjectAlias)
    const key = [...path.steps.map((step) => step.relationship.name), path.field.name].join('.')
    if (seen.has(key)) throw failQuery(`duplicate field selected: ${path.field.name}`)
    seen.add(key)
    paths.push(path)
  }
  return paths
}

function parse(soql: string): Query {
  try {
    return parseQuery(soql)
  } catch (error) {
    const found = error instanceof Error ? error.message.split('\n').at(-1) : ''
    throw failQuery(`unexpected token: ${found?.replace(/^but found: /, '') ?? ''}`)
  }
}

function compile(organisation: Organisation, query: Query): Compiled {
  const table = organisation.tables.find(query.sObject ?? '')
  if (table === undefined) {
    throw new CallError(
      400,
      'INVALID_TYPE',
      `sObject type '${query.sObject}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.`,
    )
  }
  if (query.groupBy !== undefined || query.having !== undefined) {
    throw failQuery('GROUP BY is not part of this organisation')
  }
  if ((query.offset ?? 0) > 2000) {
    throw new CallError(400, 'NUMBER_OUTSIDE_VALID_RANGE', 'Maximum SOQL offset allowed is 2000')
  }
  const { schema } = table
  const counts = (query.fields ?? []).length === 1 && (query.fields ?? []).some(isCount)
  const paths = counts ? null : pathsOf(organisation, schema, query)
  const clauses = query.orderBy === undefined ? [] : [query.orderBy].flat()
  const order = clauses.map((clause) => {
    if (!('field' in clause)) throw failQuery('functions in ORDER BY are not part of this organisation')
    const path = resolvePath(organisation, schema, clause.field, query.sObjectAlias)
    const direction: 1 | -1 = clause.order === 'DESC' ? -1 : 1
    return { path, direction, nullsFirst: clause.nulls !== 'LAST' }
  })
  return {
    query,
    table,
    filter: query.where === undefined ? null : buildFilter(query.where),
    paths,
    render: compileRender(schema, paths ?? []),
    order,
  }
}

function compareRows(order: Compiled['order']): (left: Row, right: Row) => number {
  return (left, right) => {
    for (const { path, direction, nullsFirst } of order) {
      const a = foldValue(path.field, path.read(left))
      const b = foldValue(path.field, path.read(right))
      if (a === b) continue
      if (a === null || b === null) return (a === null) === nullsFirst ? -1 : 1
      return a < b ? -direction : direction
    }
    return 0
  }
}

function followsStampOrder(order: Compiled['order']): boolean {
  return order.every(
    ({ path, direction }, index) =>
      direction === 1 && path.steps.length === 0 && path.field.name === ['SystemModstamp', 'Id'][index],
  )
}

export interface QueryEngine {
  /** `includeDeleted` is the difference between /queryAll and /query. */
  run(soql: string, includeDeleted: boolean): QueryResult
}

export function createQueryEngine(organisation: Organisation): QueryEngine {
  const compiledQueries = new Map<string, Compiled>()
  let schemaVersion = organisation.schemaVersion

  function compileOnce(soql: string): Compiled {
    if (schemaVersion !== organisation.schemaVersion || compiledQueries.size > 500) {
      compiledQueries.clear()
      schemaVersion = organisation.schemaVersion
    }
    const known = compiledQueries.get(soql)
    if (known !== undefined) return known
    const compiled = compile(organisation, parse(soql))
    compiledQueries.set(soql, compiled)
    return compiled
  }

  function select(compiled: Compiled, includeDeleted: boolean): Row[] {
    const { query, table, filter, order } = compiled
    const runSubquery = (comparison: Comparison): readonly Scalar[] => {
      if (!('valueQuery' in comparison)) return []
      const inner = compile(organisation, comparison.valueQuery)
      const path = inner.paths?.[0]
      return path === undefined ? [] : select(inner, includeDeleted).map((row) => path.read(row))
    }
    const scope = { organisation, schema: table.schema, alias: query.sObjectAlias, runSubquery }
    const matches: Predicate = filter === null ? () => true : compileFilter(scope, filter)
    const candidates = findCandidates(organisation, table, filter)
    const needsSort = order.length > 0 && !(candidates.inStampOrder && followsStampOrder(order))
    const first = query.offset ?? 0
    const enough = needsSort ? Number.POSITIVE_INFINITY : first + (query.limit ?? Number.POSITIVE_INFINITY)
    const rows: Row[] = []
    for (const row of candidates.rows) {
      if (rows.length >= enough) break
      if ((includeDeleted || row['IsDeleted'] !== true) && matches(row)) rows.push(row)
    }
    if (needsSort) rows.sort(compareRows(order))
    return rows.slice(first, first + (query.limit ?? rows.length))
  }

  return {
    run(soql, includeDeleted) {
      const compiled = compileOnce(soql)
      const rows = select(compiled, includeDeleted)
      const object = compiled.table.schema.name
      return {
        object,
        totalSize: rows.length,
        rows: compiled.paths === null ? [] : rows,
        render: compiled.render,
      }
    },
  }
}
