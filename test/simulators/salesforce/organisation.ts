/** One Salesforce organisation: its schema, records, people and the rules an administrator has set up. */
import { type ChangeEventBus, createChangeEventBus } from './change-events.ts'
import { formatStamp } from './dates.ts'
import { toLongId } from './ids.ts'
import type { FieldSchema, Row, Scalar } from './schema.ts'
import { defineStandardObjects } from './standard-objects.ts'
import { createTables, type Table, type Tables } from './tables.ts'

/** A validation rule answers the message that the person sees, or null where the record is fine. */
export interface ValidationRule {
  readonly object: string
  readonly check: (record: Row, previous: Row | null) => string | null
  /** The field the message stands next to. */
  readonly field?: string
}

export interface DuplicateRule {
  readonly object: string
  readonly name: string
  readonly matches: (candidate: Row, existing: Row) => boolean
  /** `allow` lets a save through with the header `Sforce-Duplicate-Rule-Header: allowSave=true`; default. */
  readonly onMatch?: 'allow' | 'block'
}

export interface Stage {
  readonly label: string
  readonly probability: number
  readonly closed?: boolean
  readonly won?: boolean
  readonly active?: boolean
  readonly apiName?: string
}

export interface Organisation {
  id: string
  readonly name: string
  readonly multiCurrency: boolean
  readonly tables: Tables
  readonly now: () => Date
  readonly integrationUserId: string
  readonly personId: string
  readonly validationRules: ValidationRule[]
  readonly duplicateRules: DuplicateRule[]
  readonly changeEvents: ChangeEventBus
  /** By `Object.Field`: there, but granted to nobody yet. */
  readonly hiddenFields: Map<string, FieldSchema>
  /** Moves on each change of the schema: compiled queries of an older one are dropped. */
  schemaVersion: number
}

export const standardStages: readonly Stage[] = [
  { label: 'Prospecting', probability: 10 },
  { label: 'Qualification', probability: 10 },
  { label: 'Needs Analysis', probability: 20 },
  { label: 'Value Proposition', probability: 50 },
  { label: 'Id. Decision Makers', probability: 60 },
  { label: 'Perception Analysis', probability: 70 },
  { label: 'Proposal/Price Quote', probability: 75 },
  { label: 'Negotiation/Review', probability: 90 },
  { label: 'Closed Won', probability: 100, closed: true, won: true },
  { label: 'Closed Lost', probability: 0, closed: true },
]

/** Writes a row past every rule, as the platform does for its own set-up records. */
export function seedRow(
  organisation: Pick<Organisation, 'tables' | 'now'>,
  object: string,
  fields: Readonly<Record<string, Scalar>>,
  by: string,
): string {
  const table = organisation.tables.find(object)
  if (table === undefined) throw new Error(`no object ${object}`)
  const id = typeof fields['Id'] === 'string' ? fields['Id'] : organisation.tables.nextId(table)
  const at = formatStamp(organisation.now())
  const row: Record<string, Scalar> = {}
  for (const field of table.schema.fields.values()) row[field.name] = field.defaultValue
  Object.assign(row, fields, {
    Id: id,
    CreatedDate: at,
    CreatedById: by,
    LastModifiedDate: at,
    LastModifiedById: by,
    SystemModstamp: at,
  })
  organisation.tables.put(table, id, row, { at, by, fields })
  return id
}

/** Replaces the stage table and the choices of Opportunity.StageName together, as the stage set-up page does. */
export function setStages(organisation: Organisation, stages: readonly Stage[]): void {
  const table = organisation.tables.find('OpportunityStage')
  const opportunity = organisation.tables.find('Opportunity')?.schema
  const field = opportunity?.fields.get('stagename')
  if (table === undefined || opportunity === undefined || field === undefined) return
  for (const id of [...table.rows.keys()]) organisation.tables.put(table, id, undefined, null)
  stages.forEach((stage, index) => {
    const forecast = stage.won ? 'Closed' : stage.closed ? 'Omitted' : 'Pipeline'
    seedRow(
      organisation,
      'OpportunityStage',
      {
        MasterLabel: stage.label,
        ApiName: stage.apiName ?? stage.label,
        IsActive: stage.active ?? true,
        SortOrder: index + 1,
        IsClosed: stage.closed ?? false,
        IsWon: stage.won ?? false,
        ForecastCategory: forecast,
        ForecastCategoryName: forecast,
        DefaultProbability: stage.probability,
      },
      organisation.integrationUserId,
    )
  })
  opportunity.fields.set('stagename', {
    ...field,
    picklistValues: stages.map((stage) => ({
      value: stage.apiName ?? stage.label,
      label: stage.label,
      active: stage.active ?? true,
      defaultValue: false,
    })),
  })
  organisation.schemaVersion += 1
}

export function createOrganisation(options: {
  readonly now: () => Date
  readonly multiCurrency: boolean
  readonly username: string
  /** Objects selected for Change Data Capture. */
  readonly capturedObjects: readonly string[]
}): Organisation {
  const tables = createTables(defineStandardObjects(options.multiCurrency))
  const base = { tables, now: options.now }
  const integrationUserId = toLongId('005gL0000000011')
  const personId = toLongId('005gL0000000012')
  const user = (id: string, first: string, last: string, username: string, alias: string) =>
    seedRow(
      base,
      'User',
      {
        Id: id,
        FirstName: first,
        LastName: last,
        Name: `${first} ${last}`,
        Username: username,
        Email: username,
        Alias: alias,
        IsActive: true,
        UserType: 'Standard',
      },
      id,
    )
  user(integrationUserId, 'Counterpart', 'Integration', options.username, 'cpint')
  user(personId, 'Rita', 'Sales', 'rita.sales@vendor.example', 'rsale')
  const organisation: Organisation = {
    id: toLongId('00DgL0000000001'),
    name: 'Vendor Inc.',
    multiCurrency: options.multiCurrency,
    tables,
    now: options.now,
    integrationUserId,
    personId,
    validationRules: [],
    duplicateRules: [],
    hiddenFields: new Map(),
    changeEvents: createChangeEventBus(tables, options.now, options.capturedObjects),
    schemaVersion: 1,
  }
  seedRow(
    base,
    'Organization',
    {
      Id: organisation.id,
      Name: organisation.name,
      OrganizationType: 'Enterprise Edition',
      IsSandbox: false,
      InstanceName: 'SIM1',
      LanguageLocaleKey: 'en_US',
    },
    integrationUserId,
  )
  if (options.multiCurrency) seedCurrencies(base, integrationUserId)
  setStages(organisation, standardStages)
  return organisation
}

function seedCurrencies(base: Pick<Organisation, 'tables' | 'now'>, by: string): void {
  for (const [IsoCode, ConversionRate, DecimalPlaces] of [
    ['EUR', 1, 2],
    ['USD', 1.1, 2],
    ['GBP', 0.85, 2],
    ['JPY', 160, 0],
  ] as const) {
    const fields = { IsoCode, ConversionRate, DecimalPlaces, IsActive: true, IsCorporate: IsoCode === 'EUR' }
    seedRow(base, 'CurrencyType', fields, by)
  }
}

export function requireTable(organisation: Organisation, object: string): Table {
  const table = organisation.tables.find(object)
  if (table === undefined) throw new Error(`this organisation has no object ${object}`)
  return table
}
