/** One Dataverse organisation: its tables, people, rights and the rules an administrator has set up. */
import { formatInstant } from './dates.ts'
import { createGuidSequence, fixedGuid } from './guids.ts'
import { account, contact, opportunity } from './sales-tables.ts'
import type { Row, Scalar } from './schema.ts'
import {
  businessunit,
  opportunityclose,
  organization,
  sdkmessage,
  sdkmessagefilter,
  sdkmessageprocessingstep,
  serviceendpoint,
  systemuser,
  transactioncurrency,
} from './table-definitions.ts'
import { createTables, type Table, type Tables } from './tables.ts'

/** A rule or plug-in of the customer's own; answers the message the person sees, or null where the record is fine. */
export interface ValidationRule {
  readonly object: string
  readonly check: (record: Row, previous: Row | null) => string | null
  /** The attribute that the rule makes required, as table.attribute. */
  readonly requires?: string
}

export interface DuplicateRule {
  readonly object: string
  readonly name: string
  readonly matches: (candidate: Row, existing: Row) => boolean
}

export type Right = 'create' | 'read' | 'write' | 'delete' | 'append' | 'appendto' | 'customize'
/** How far a right reaches: change tracking needs to read the whole organisation. */
export type Depth = 'none' | 'user' | 'organisation'

/** Something that happened to a record, as steps hear of it. */
export interface RecordEvent {
  readonly message: 'Create' | 'Update' | 'Delete' | 'Win' | 'Lose' | 'Merge'
  readonly object: string
  readonly id: string
  readonly userId: string
  readonly at: Date
  /** Attributes that were written. */
  readonly fields: Row
  /** `?tag=` of the call. */
  readonly tag: string | null
}

export interface Organisation {
  id: string
  readonly name: string
  readonly tables: Tables
  readonly now: () => Date
  readonly nextId: () => string
  readonly integrationUserId: string
  readonly personId: string
  readonly businessUnitId: string
  readonly baseCurrencyId: string
  readonly validationRules: ValidationRule[]
  readonly duplicateRules: DuplicateRule[]
  /** Of the integration user, by `right:object`; what is not here reaches the whole organisation. */
  readonly rights: Map<string, Depth>
  /** How long the index of a key that a call creates is being built. */
  readonly keyBuildMs: number
  /** Delta links older than this version no longer work. */
  deltaFloor: number
  /** Whether calls may not change what is closed, as people may not; organisations were seen to differ in it. */
  closedReadOnly: boolean
  /** Set where events are listened to. */
  notify: (event: RecordEvent) => void
}

type Seeding = Pick<Organisation, 'tables' | 'now'>

/** Writes a row past every rule, as the platform does for its own set-up records. */
export function seedRow(
  organisation: Seeding,
  object: string,
  id: string,
  fields: Readonly<Record<string, Scalar>>,
  by: string,
): string {
  const table = requireTable(organisation, object)
  const at = formatInstant(organisation.now())
  const row: Record<string, Scalar> = {}
  for (const attribute of table.schema.attributes.values())
    row[attribute.logicalName] = attribute.defaultValue
  Object.assign(row, fields, { createdon: at, createdby: by, modifiedon: at, modifiedby: by })
  row[table.schema.primaryId] = id
  organisation.tables.put(table, row, { at, by, fields })
  return id
}

export function requireTable({ tables }: Pick<Organisation, 'tables'>, object: string): Table {
  const table = tables.find(object)
  if (table === undefined) throw new Error(`this organisation has no table ${object}`)
  return table
}

const currencies = [
  ['EUR', 'Euro', '€', 1, 2],
  ['USD', 'US Dollar', '$', 1.1, 2],
  ['GBP', 'Pound Sterling', '£', 0.85, 2],
  ['JPY', 'Yen', '¥', 160, 0],
] as const

function seedCurrencies(base: Seeding, by: string): void {
  for (const [index, currency] of currencies.entries()) {
    const [isocurrencycode, currencyname, currencysymbol, exchangerate, currencyprecision] = currency
    const fields = { isocurrencycode, currencyname, currencysymbol, exchangerate, currencyprecision }
    seedRow(
      base,
      'transactioncurrency',
      fixedGuid(0xcc_00_00_00, index + 1),
      { ...fields, statuscode: 1 },
      by,
    )
  }
}

const messages = ['Create', 'Update', 'Delete', 'Win', 'Lose', 'Merge', 'SetState', 'Assign'] as const

/** The messages that steps are registered for, and the tables that each of them concerns. */
function seedMessages(base: Seeding, by: string): void {
  messages.forEach((name, index) => {
    const messageId = seedRow(base, 'sdkmessage', fixedGuid(0x5d_00_00_00, index + 1), { name }, by)
    for (const [place, table] of [...base.tables.all.values()].entries()) {
      const { logicalName, mergeable } = table.schema
      if ((name === 'Win' || name === 'Lose') && logicalName !== 'opportunity') continue
      if (name === 'Merge' && !mergeable) continue
      const id = fixedGuid(0x5d_f0_00_00, index * 1000 + place)
      seedRow(
        base,
        'sdkmessagefilter',
        id,
        { primaryobjecttypecode: logicalName, sdkmessageid: messageId },
        by,
      )
    }
  })
}

export function createOrganisation(options: {
  readonly now: () => Date
  readonly clientId: string
  /** Whether the columns, keys and change tracking that Counterpart needs are there. */
  readonly prepared: boolean
  readonly keyBuildMs: number
}): Organisation {
  const tables = createTables()
  for (const schema of [
    systemuser(),
    businessunit(),
    organization(),
    transactioncurrency(),
    account(options.prepared),
    contact(options.prepared),
    opportunity(options.prepared),
    opportunityclose(),
    serviceendpoint(),
    sdkmessage(),
    sdkmessagefilter(),
    sdkmessageprocessingstep(),
  ]) {
    tables.add(schema)
  }
  const base = { tables, now: options.now }
  const integrationUserId = fixedGuid(0x05_00_00_00, 1)
  const personId = fixedGuid(0x05_00_00_00, 2)
  const businessUnitId = fixedGuid(0xb0_00_00_00, 1)
  const baseCurrencyId = fixedGuid(0xcc_00_00_00, 1)
  const id = fixedGuid(0x0d_00_00_00, 1)
  const name = 'Vendor Inc.'
  seedRow(base, 'businessunit', businessUnitId, { name }, integrationUserId)
  const user = (
    userId: string,
    firstname: string,
    lastname: string,
    email: string,
    applicationid: string | null,
  ) =>
    seedRow(
      base,
      'systemuser',
      userId,
      {
        firstname,
        lastname,
        fullname: `${firstname} ${lastname}`,
        domainname: email,
        internalemailaddress: email,
        applicationid,
        businessunitid: businessUnitId,
      },
      integrationUserId,
    )
  user(integrationUserId, 'Counterpart', 'Integration', 'integration@vendor.example', options.clientId)
  user(personId, 'Rita', 'Sales', 'rita.sales@vendor.example', null)
  seedCurrencies(base, integrationUserId)
  seedRow(
    base,
    'organization',
    id,
    {
      name,
      basecurrencyid: baseCurrencyId,
      expirechangetrackingindays: 7,
      languagecode: 1033,
      schemanameprefix: 'new',
    },
    integrationUserId,
  )
  seedMessages(base, integrationUserId)
  return {
    id,
    name,
    tables,
    now: options.now,
    nextId: createGuidSequence(),
    integrationUserId,
    personId,
    businessUnitId,
    baseCurrencyId,
    validationRules: [],
    duplicateRules: [],
    rights: new Map(),
    keyBuildMs: options.keyBuildMs,
    deltaFloor: 0,
    closedReadOnly: true,
    notify: () => undefined,
  }
}
