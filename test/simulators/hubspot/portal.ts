/** One HubSpot portal: its objects, pipelines, owners, associations and the rules an administrator has set up. */
import { type Associations, createAssociations } from './associations.ts'
import { formatInstant, type Row } from './schema.ts'
import { defineStandardObjects } from './standard-objects.ts'
import { type Actor, createTable, type Table } from './tables.ts'

export interface Stage {
  readonly id: string
  readonly label: string
  /** 0 to 1; 1 and 0 of closed stages are won and lost. */
  readonly probability: number
  readonly closed?: boolean
}

export interface Pipeline {
  readonly id: string
  readonly label: string
  readonly stages: readonly Stage[]
}

export interface Owner {
  readonly id: string
  readonly userId: number
  readonly email: string
  readonly firstName: string
  readonly lastName: string
  readonly archived: boolean
  readonly createdAt: string
}

/** Answers what the person reads next to the property, or null where the record is fine. */
export interface ValidationRule {
  readonly object: string
  readonly property: string
  readonly check: (record: Row['properties'], previous: Row['properties'] | null) => string | null
  /** Default `INVALID_VALUE`. */
  readonly code?: string
  /** What is required under a condition binds the API from version 2026-09 on only; other rules always do. */
  readonly binds?: 'always' | 'from-2026-09'
}

/** What happened to a record, for webhooks. */
export type RecordEvent =
  | { readonly kind: 'creation' | 'deletion' | 'restore'; readonly table: Table; readonly id: string }
  | {
      readonly kind: 'propertyChange'
      readonly table: Table
      readonly id: string
      readonly property: string
      readonly value: string
    }
  | {
      readonly kind: 'merge'
      readonly table: Table
      readonly id: string
      readonly primaryId: string
      readonly mergedIds: readonly string[]
      readonly moved: number
    }
  | {
      readonly kind: 'associationChange'
      readonly table: Table
      readonly id: string
      readonly to: Table
      readonly toId: string
      readonly typeId: number
      readonly category: string
      readonly removed: boolean
      readonly primary: boolean
    }

export interface Portal {
  id: string
  readonly name: string
  readonly domain: string
  readonly appId: number
  readonly integrationUserId: string
  readonly personId: string
  readonly now: () => Date
  /** The portal's own currency first, then how many units of it one unit of each other is worth. */
  readonly currencies: ReadonlyMap<string, number>
  readonly tables: ReadonlyMap<string, Table>
  readonly pipelines: Map<string, readonly Pipeline[]>
  readonly owners: Map<string, Owner>
  readonly associations: Associations
  readonly validationRules: ValidationRule[]
  readonly listeners: ((event: RecordEvent, actor: Actor, at: Date) => void)[]
  nextId(): string
}

export const standardPipeline: Pipeline = {
  id: 'default',
  label: 'Sales Pipeline',
  stages: [
    { id: 'appointmentscheduled', label: 'Appointment Scheduled', probability: 0.2 },
    { id: 'qualifiedtobuy', label: 'Qualified To Buy', probability: 0.4 },
    { id: 'presentationscheduled', label: 'Presentation Scheduled', probability: 0.6 },
    { id: 'decisionmakerboughtin', label: 'Decision Maker Bought-In', probability: 0.8 },
    { id: 'contractsent', label: 'Contract Sent', probability: 0.9 },
    { id: 'closedwon', label: 'Closed Won', probability: 1, closed: true },
    { id: 'closedlost', label: 'Closed Lost', probability: 0, closed: true },
  ],
}

const currencies = new Map([
  ['EUR', 1],
  ['USD', 0.9],
  ['GBP', 1.15],
  ['JPY', 0.006],
])

const names: Readonly<Record<string, string>> = {
  deal: 'deals',
  '0-3': 'deals',
  company: 'companies',
  '0-2': 'companies',
  contact: 'contacts',
  '0-1': 'contacts',
}

export function findTable(portal: Pick<Portal, 'tables'>, name: string): Table | undefined {
  const folded = name.toLowerCase()
  return portal.tables.get(names[folded] ?? folded)
}

export function requireTable(portal: Pick<Portal, 'tables'>, name: string): Table {
  const table = findTable(portal, name)
  if (table === undefined) throw new Error(`this portal has no object ${name}`)
  return table
}

export function emit(portal: Portal, event: RecordEvent, actor: Actor, at: Date): void {
  for (const listener of portal.listeners) listener(event, actor, at)
}

/** A person works in the CRM's pages, our app over the API; `app:{id}` is somebody else's app. */
export function readActor(by: string): Actor {
  if (by === 'system') return { by, source: 'CALCULATED', sourceId: null }
  const [, app] = /^app:(.+)$/.exec(by) ?? []
  return app === undefined
    ? { by, source: 'CRM_UI', sourceId: `userId:${by}` }
    : { by, source: 'INTEGRATION', sourceId: app }
}

export function createPortal(options: { readonly now: () => Date; readonly indexLagMs: number }): Portal {
  const schemas = defineStandardObjects([...currencies.keys()])
  const tables = new Map(schemas.map((schema) => [schema.name, createTable(schema, options)]))
  let lastId = 18_700_000_000
  const createdAt = formatInstant(Date.parse('2021-03-02T10:15:00Z'))
  const owner = (id: string, userId: number, firstName: string, lastName: string): [string, Owner] => {
    const email = `${firstName}.${lastName}@vendor.example`.toLowerCase()
    return [id, { id, userId, email, firstName, lastName, archived: false, createdAt }]
  }
  return {
    id: '24387166',
    name: 'Vendor Inc.',
    domain: 'vendor.example',
    appId: 3_141_592,
    integrationUserId: '9000011',
    personId: '9000012',
    now: options.now,
    currencies,
    tables,
    pipelines: new Map([['deals', [standardPipeline]]]),
    owners: new Map([
      owner('78520011', 9_000_011, 'Counterpart', 'Integration'),
      owner('78520012', 9_000_012, 'Rita', 'Sales'),
    ]),
    associations: createAssociations(),
    validationRules: [],
    listeners: [],
    nextId() {
      lastId += 7
      return String(lastId)
    },
  }
}
