/** Linked records by the thousand: what one deal left behind here and in the CRM, copied under new names and ids. */
import { createHash } from 'node:crypto'
import type { RemoteValue, WriteCommand } from '#connectors/connector.ts'
import { type MappingDocument, remotesOf } from '#mappings/document.ts'
import { filingKeys } from '#src/conflicts/search-keys.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { openDatabase } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { canonicalJson } from '#src/kernel/canonical-json.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import { recordSeen, saveCursor } from '#src/sync/memory/mirror-store.ts'
import { query } from '#test/support/sql.ts'
import { createCompanies } from './companies.ts'
import { openConnector } from './open-connector.ts'
import type { BenchCrm } from './sync-crms.ts'

const clonesAtOnce = 2_000
const entities = ['customer', 'contact', 'deal'] as const
const companies = createCompanies(23)

type Row = Readonly<Record<string, unknown>>
type Fields = Readonly<Record<string, RemoteValue>>

/** One record of the pattern, and its counterpart. */
interface Part {
  readonly entity: string
  readonly object: string
  readonly keyField: string
  readonly recordId: string
  readonly remoteId: string
  /** What a creation writes, in the connector's words. */
  readonly written: Fields
  /** The same in the simulator's words, and what is no field there. */
  readonly row: Row
  readonly ties: Row
  /** The field over there that holds the expected close date. */
  readonly closeField: string
}

export interface Pattern {
  readonly parts: readonly Part[]
  readonly deal: Part
  /** Rows of ours by table, as JSON. */
  readonly rows: readonly (readonly [table: string, text: string])[]
  readonly company: { readonly name: string; readonly nameKey: string; readonly domain: string }
  readonly number: string
  readonly claimId: string
  readonly partner: { readonly object: string; readonly remoteId: string }
  readonly connectionId: ConnectionId
  /** What the service reads of each object. */
  readonly fieldsRead: ReadonlyMap<string, readonly string[]>
}

/** Reads what the only linked deal consists of. */
export async function readPattern(url: string, crm: BenchCrm, connectionId: string): Promise<Pattern> {
  const connector = openConnector(crm.vendor, crm.desk.credentials)
  const signal = new AbortController().signal
  type LinkRow = {
    entity: string
    object: string
    recordId: string
    remoteId: string
    fields: Record<string, object>
    document: MappingDocument
  }
  const links = await query<LinkRow>(
    url,
    `select link.entity, link.object, link.record_id as "recordId", link.remote_id as "remoteId", link.fields, document
     from link join mapping_version on mapping_version.id = link.mapping_version_id
     where link.connection_id = $1 and link.state = 'active'`,
    [connectionId],
  )
  const read = await query<{ object: string; cursor: string; names: string[] }>(
    url,
    `select object, cursor, (
       select array(select jsonb_object_keys(content)) from mirror_record mirror
       where mirror.connection_id = known.connection_id and mirror.object = known.object limit 1) as names
     from change_cursor known where connection_id = $1`,
    [connectionId],
  )
  const parts: Part[] = []
  for (const entity of entities) {
    const link = links.find((one) => one.entity === entity)
    if (!link) continue
    const { document, object, recordId, remoteId } = link
    const known = new Set(read.find((one) => one.object === object)?.names)
    const names = [
      ...document.fields.flatMap((line) =>
        // Fields that this organisation does not have are not read.
        'sent' in (link.fields[line.local] ?? {}) ? remotesOf(line).filter((name) => known.has(name)) : [],
      ),
      ...Object.keys({ ...document.fixed.onCreate, ...document.fixed.always }),
    ]
    const [found] = await connector.read(object, [remoteId], names, signal)
    if (!found || 'missing' in found) throw new Error(`The ${entity} of the pattern is not in the CRM`)
    const written = Object.fromEntries(
      Object.entries(found.fields).filter(([name, value]) => names.includes(name) && value !== null),
    )
    const raw = crm.simulator.get(object, remoteId) ?? {}
    const isTie = (name: string) => name.startsWith('association.')
    parts.push({
      entity,
      object,
      keyField: document.keyField,
      recordId,
      remoteId,
      written,
      row: Object.fromEntries(
        [...names, document.keyField]
          .filter((name) => !isTie(name) && (raw[name] ?? null) !== null)
          .map((name) => [name, raw[name]]),
      ),
      ties: Object.fromEntries(Object.entries(written).filter(([name]) => isTie(name))),
      closeField:
        document.fields.flatMap((line) =>
          line.local === 'expectedCloseDate' ? remotesOf(line)[0] : [],
        )[0] ?? '',
    })
  }
  await connector.close()
  const deal = parts.find(({ entity }) => entity === 'deal')
  const customer = parts.find(({ entity }) => entity === 'customer')
  const partner = links.find(({ entity }) => entity === 'partner')
  if (!deal || !customer || !partner) throw new Error('There is no linked deal to copy')
  const [company] = await query<Pattern['company'] & { number: string; claimId: string }>(
    url,
    `select company_name as name, customer.name_key as "nameKey", deal.domain, number, claim.id as "claimId"
     from deal join customer on customer.id = deal.customer_id join claim on claim.deal_id = deal.id
     where deal.id = $1`,
    [deal.recordId],
  )
  if (!company) throw new Error('There is no registration to copy')
  const rows: (readonly [string, string])[] = []
  const take = async (table: string, where: string, id: string) => {
    const found = await query<{ text: string }>(
      url,
      `select row_to_json(t)::text as text from ${table} t where ${where}`,
      [id],
    )
    rows.push(...found.map(({ text }) => [table, text] as const))
  }
  await take('customer', 'id = $1', customer.recordId)
  await take('customer_domain', 'customer_id = $1', customer.recordId)
  await take('contact', 'customer_id = $1', customer.recordId)
  await take('deal', 'id = $1', deal.recordId)
  await take('claim', 'deal_id = $1', deal.recordId)
  await take('deal_event', `deal_id = $1 and kind = 'approved'`, deal.recordId)
  for (const { recordId } of parts) await take('link', 'record_id = $1', recordId)
  return {
    parts,
    deal,
    rows,
    company,
    number: company.number,
    claimId: company.claimId,
    partner,
    connectionId: connectionId as ConnectionId,
    fieldsRead: new Map(
      read.map(({ object, cursor, names }) => [
        object,
        // A cursor that was made for other fields, or another order of them, begins anew.
        (JSON.parse(cursor) as { fields?: string[] }).fields ?? names,
      ]),
    ),
  }
}

/** Puts other names in the place of those of the pattern. */
function createRenaming({ parts, company, number, claimId, partner }: Pattern) {
  const words = [
    company.name,
    company.nameKey,
    company.domain,
    number,
    claimId,
    partner.remoteId,
    ...parts.flatMap(({ recordId, remoteId }) => [recordId, remoteId]),
  ]
  const any = new RegExp(words.map((word) => word.replaceAll(/[.()]/g, '\\$&')).join('|'), 'g')
  const escaped = (text: string) => JSON.stringify(text).slice(1, -1)
  return <Value>(value: Value, names: ReadonlyMap<string, string>): Value =>
    JSON.parse(JSON.stringify(value).replaceAll(any, (word) => escaped(names.get(word) ?? word))) as Value
}

function namesOf({ parts, company, number, claimId }: Pattern, index: number): Map<string, string> {
  const { name } = companies.companyAt(index)
  const domain = `seeded-company-${index}.com`
  return new Map([
    [company.name, name],
    [company.nameKey, identifyCompany({ name, domain }).nameKey],
    [company.domain, domain],
    [number, `D-9${String(index).padStart(7, '0')}`],
    [claimId, newId()],
    ...parts.map(({ recordId }): [string, string] => [recordId, newId()]),
  ])
}

/** What was copied: ids of the deals here, and there, and in the CRM that nobody is linked to. */
export interface Seeded {
  readonly dealIds: readonly string[]
  readonly remoteIds: readonly string[]
  readonly twinIds: readonly string[]
}

/** Copies number `from` to `to`, into the database, the CRM, and its twin. The connection must rest meanwhile. */
export async function seedLinks(
  url: string,
  pattern: Pattern,
  crm: BenchCrm,
  twin: { readonly crm: BenchCrm; readonly partnerId: string },
  from: number,
  to: number,
): Promise<Seeded> {
  const rename = createRenaming(pattern)
  const seeded = { dealIds: [] as string[], remoteIds: [] as string[], twinIds: [] as string[] }
  const columns = await insertableColumns(url)
  const [numbered] = await query<{ last: string }>(
    url,
    `select setval('claim_seq', nextval('claim_seq') + $1) as last`,
    [to - from],
  )
  let claimSeq = Number(numbered?.last) - (to - from)
  const insertAll = ({ simulator, tie }: BenchCrm, all: readonly Map<string, string>[]) => {
    for (const part of pattern.parts) {
      const rows = all.map((names) => rename(part.row, names))
      const ids = simulator.insertMany(part.object, rows, simulator.integrationUserId)
      ids.forEach((id, place) => {
        const names = all[place]
        names?.set(part.remoteId, id)
        if (names) tie(part.object, id, rename(part.ties, names))
      })
    }
  }
  for (let start = from; start < to; start += clonesAtOnce) {
    const count = Math.min(clonesAtOnce, to - start)
    const here = Array.from({ length: count }, (_, place) => namesOf(pattern, start + place))
    const there = here.map((names) => new Map(names).set(pattern.partner.remoteId, twin.partnerId))
    crm.longAgo(() => insertAll(crm, here))
    twin.crm.longAgo(() => insertAll(twin.crm, there))
    await crm.forget()
    await twin.crm.forget()
    const rows = new Map<string, Row[]>()
    for (const [table, text] of pattern.rows) {
      const original = JSON.parse(text) as Row
      for (const names of here) {
        const row: Record<string, unknown> = rename(original, names)
        if (table === 'claim') row['claim_seq'] = claimSeq += 1
        if (table === 'link' || table === 'deal_event') row['id'] = newId()
        const some = rows.get(table) ?? []
        some.push(row)
        rows.set(table, some)
      }
    }
    rows.set('claim_key', (rows.get('claim') ?? []).flatMap(keysOf))
    for (const [table, some] of rows) {
      await query(
        url,
        `insert into ${table} (${columns.get(table)})
         select ${columns.get(table)} from jsonb_populate_recordset(null::${table}, $1::jsonb)`,
        [JSON.stringify(some)],
      )
    }
    seeded.dealIds.push(...here.map((names) => names.get(pattern.deal.recordId) ?? ''))
    seeded.remoteIds.push(...here.map((names) => names.get(pattern.deal.remoteId) ?? ''))
    seeded.twinIds.push(...there.map((names) => names.get(pattern.deal.remoteId) ?? ''))
  }
  await mirrorChanges(url, pattern, crm)
  await query(url, 'vacuum analyze')
  return seeded
}

const keysOf = (claim: Row): Row[] =>
  filingKeys({
    name: String(claim['name']),
    nameKey: String(claim['name_key']),
    domain: String(claim['domain']),
    country: String(claim['country']),
    city: String(claim['city']),
  }).map((key) => ({ key, claim_id: claim['id'] }))

async function insertableColumns(url: string): Promise<ReadonlyMap<string, string>> {
  const rows = await query<{ table: string; columns: string }>(
    url,
    `select table_name as table, string_agg(quote_ident(column_name), ', ') as columns
     from information_schema.columns
     where table_schema = 'public' and is_generated = 'NEVER' and identity_generation is null
     group by table_name`,
  )
  return new Map(rows.map(({ table, columns }) => [table, columns]))
}

/** Brings the mirror and the cursors up to what the CRM holds, as a first reading would, without marking anything. */
async function mirrorChanges(url: string, pattern: Pattern, crm: BenchCrm): Promise<void> {
  const connector = openConnector(crm.vendor, crm.desk.credentials)
  const database = openDatabase({ url, poolSize: 1 })
  const actor = systemActor('bench')
  const { connectionId } = pattern
  try {
    for (const [object, fields] of pattern.fieldsRead) {
      const pages = connector.changes(object, null, fields, new AbortController().signal)
      for await (const page of pages) {
        const readAt = new Date()
        const seen = page.records.map((record) => ({
          record,
          hash: createHash('sha256').update(canonicalJson(record.fields)).digest('base64'),
          identity: null,
        }))
        await database.transact(actor, async (tx) => {
          await recordSeen(tx, connectionId, readAt, seen)
          await saveCursor(tx, connectionId, object, page.cursor, {
            done: page.done,
            startedAt: readAt,
            readAt,
          })
        })
      }
    }
    const customer = pattern.parts.find(({ entity }) => entity === 'customer')
    await query(
      url,
      `update mirror_record set company_name = customer.name, name_key = customer.name_key,
         domain = customer.domain, country = customer.country, city = customer.city
       from link join customer on customer.id = link.record_id
       where link.entity = 'customer' and link.connection_id = mirror_record.connection_id
         and mirror_record.object = $1 and mirror_record.remote_id = link.remote_id and company_name is null`,
      [customer?.object],
    )
    // What was seeded is not told of again to who listens.
    await query(url, 'update push_channel set cursor = null')
  } finally {
    await connector.close()
    await database.close()
  }
}

/** Prepared creations of further copies; those of one part need the ids that the parts before it were given. */
export function createCommands(pattern: Pattern, twinPartnerId: string, from: number, count: number) {
  const rename = createRenaming(pattern)
  const all = Array.from({ length: count }, (_, place) =>
    namesOf(pattern, from + place).set(pattern.partner.remoteId, twinPartnerId),
  )
  return {
    parts: pattern.parts,
    commandsOf: (part: Part): WriteCommand[] =>
      all.map((names) => ({
        object: part.object,
        target: { kind: 'key', field: part.keyField, value: names.get(part.recordId) ?? '' },
        fields: rename(part.written, names),
      })),
    tell: (part: Part, ids: readonly string[]) =>
      ids.forEach((id, place) => void all[place]?.set(part.remoteId, id)),
  }
}
