import { readBack, toRemote } from '#mappings/apply.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import type { Tx } from '#src/database/database.ts'
import { newId } from '#src/kernel/ids.ts'
import { syncActor } from '../ground/engine.ts'
import { type Lookup, memoryOf } from '../ground/workspace.ts'
import { type Attempt, logAttempts } from '../memory/attempt-store.ts'
import { insertLinks, type LinkChange, updateLinks } from '../memory/link-store.ts'
import {
  gatherBulk,
  lockCurrent,
  type Parked,
  parkMarks,
  postponeMarks,
  releaseChildren,
} from '../memory/mark-store.ts'
import { type FieldMemory, rememberSent } from '../memory/merge.ts'
import { cursorOf, findCompanies, type MirrorMatch } from '../memory/mirror-store.ts'
import { type NewReview, openReviews } from '../memory/review-store.ts'
import { assertLease } from '../memory/slot-store.ts'
import { type BegunItem, linkBegun } from './begun-records.ts'
import { fullBatches } from './full-batches.ts'
import { linkKnownPeople, people } from './known-contacts.ts'
import { warningsOf } from './merge-consequences.ts'
import { type ParentWait, waitOnParents } from './parents.ts'
import type { Item, Outgoing, Round } from './round.ts'
import { sendWrites } from './send.ts'

const mirrorWaitMs = 3_000
/** Creations that are held are released by whoever finds the cause mended; this is how long they rest otherwise. */
const heldMs = 5 * 60_000
/** Our key on a company that was there before is in nobody's way: such writes gather longer. */
const keyGatherMs = 30_000
/** Entities that are companies: they may exist over there already and are looked for before they are made. */
const companies = new Set(['customer', 'partner'])

const isBegun = (item: Item): item is BegunItem => item.link !== null

/**
 * Makes records over there for items without a link, and repeats what a `creating` link began and did not bring about.
 * Never a second record: a company is first looked for in the mirror, which must be complete.
 * @returns how many wait for company, since they would not fill a batch
 */
export async function createRecords(round: Round, items: readonly Item[], lookup: Lookup): Promise<number> {
  if (items.length === 0) return 0
  const fresh = items.filter(({ link }) => link === null)
  const toCreate = await withoutKnown(round, fresh, lookup)
  const again = await linkBegun(round, items.filter(isBegun))
  if (round.mapped.creationsHeld !== null) {
    await holdBack(round, [...again, ...toCreate])
    return 0
  }
  const { leaving, waiting } = await prepare(round, [...again, ...toCreate], lookup)
  await sendWrites(round, leaving)
  return waiting
}

/** What would fail alike for every record is not tried record by record: they wait until it is mended. */
async function holdBack({ workspace, mapped, lease }: Round, items: readonly Item[]): Promise<void> {
  await workspace.engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    const later = items.map(({ mark }) => ({ recordId: mark.recordId, delayMs: heldMs, counts: false }))
    await postponeMarks(tx, workspace.connection.id, mapped.name, later)
  })
}

/** @returns those that the CRM does not have yet */
async function withoutKnown(round: Round, items: readonly Item[], lookup: Lookup): Promise<readonly Item[]> {
  if (companies.has(round.mapped.name)) return linkExisting(round, items)
  return people.has(round.mapped.name) ? linkKnownPeople(round, items, lookup) : items
}

interface Prepared {
  readonly leaving: readonly Outgoing[]
  /** How many would not have filled a batch. */
  readonly waiting: number
}

/** Translates, records as sent and creating; what cannot be translated is parked, what needs a parent waits on it. */
async function prepare(round: Round, items: readonly Item[], lookup: Lookup): Promise<Prepared> {
  const { workspace, mapped, lease } = round
  return workspace.engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    const marks = items.map(({ mark }) => mark)
    const current = await lockCurrent(tx, workspace.connection.id, mapped.name, marks)
    return begin(
      tx,
      round,
      items.filter(({ mark }) => current.has(mark.recordId)),
      lookup,
    )
  })
}

async function begin(tx: Tx, round: Round, items: readonly Item[], lookup: Lookup): Promise<Prepared> {
  const { workspace, mapped } = round
  const { mapping } = mapped
  const { object, keyField } = mapping.document
  const { connection } = workspace
  const parked: Parked[] = []
  const waiting: ParentWait[] = []
  const outgoing: Outgoing[] = []
  const warned = new Map<string, readonly Attempt[]>()
  const sentAt = new Date().toISOString()
  for (const { mark, link, local } of items) {
    const write = toRemote(mapping, local.fields, lookup.context, { creating: true })
    const [parent] = write.waiting
    if (write.issues.length > 0) {
      const issues = write.issues.map(({ field, message }) => ({ field, message }))
      parked.push({ recordId: mark.recordId, code: 'mapping', message: issues[0]?.message ?? '', issues })
    } else if (parent) waiting.push({ mark, parent })
    else {
      const lines = Object.keys(write.perLine)
      const memory: Record<string, FieldMemory> = {}
      for (const line of lines) {
        const compiled = mapping.byName.get(line)
        if (!compiled) continue
        const back = readBack(mapping, line, write.perLine[line] ?? {}, lookup.context)
        const ours = local.fields[line] ?? null
        memory[line] = rememberSent(memoryOf(link, compiled), ours, back.ok ? back.value : ours, sentAt)
      }
      warned.set(mark.recordId, warningsOf(mapped, mark.recordId, null, write.warnings))
      outgoing.push({
        mark,
        recordId: mark.recordId,
        linkId: link?.id ?? newId(),
        remoteId: null,
        creating: true,
        command: {
          object,
          target: { kind: 'key', field: keyField, value: mark.recordId },
          fields: write.fields,
        },
        lines,
        sentAt,
        memory,
      })
    }
  }
  const leaving = fullBatches(outgoing, workspace.connector.traits.batch.create, ({ mark }) => mark.ripe)
  const begun = new Set(items.flatMap(({ link }) => (link ? [link.id] : [])))
  await insertLinks(
    tx,
    connection.id,
    leaving
      .filter(({ linkId }) => !begun.has(linkId))
      .map((write) => ({
        id: write.linkId,
        entity: mapped.name,
        recordId: write.recordId,
        object,
        remoteId: null,
        state: 'creating' as const,
        fields: write.memory,
        keyWritten: true,
        writing: true,
      })),
  )
  const changes = leaving
    .filter(({ linkId }) => begun.has(linkId))
    .map((write): LinkChange => ({ id: write.linkId, fields: write.memory, writing: 'begins' }))
  await updateLinks(tx, changes)
  await parkMarks(tx, connection.id, mapped.name, parked)
  await waitOnParents(tx, round, waiting)
  await logAttempts(
    tx,
    connection.id,
    leaving.flatMap(({ recordId }) => warned.get(recordId) ?? []),
  )
  await logAttempts(
    tx,
    connection.id,
    parked.map((entry) => ({
      direction: 'out' as const,
      entity: mapped.name,
      recordId: entry.recordId,
      remoteId: null,
      mappingVersionId: mapped.versionId,
      fields: entry.issues.map(({ field }) => field),
      outcome: 'parked',
      code: entry.code,
      message: entry.message,
    })),
  )
  return { leaving, waiting: outgoing.length - leaving.length }
}

/**
 * Links companies that exist over there already: the same → link, doubtful → a person decides, none → create.
 * @returns the items for which there is none
 */
async function linkExisting(round: Round, items: readonly Item[]): Promise<readonly Item[]> {
  if (items.length === 0) return []
  const { workspace, mapped, lease } = round
  const { connection, engine } = workspace
  const { object, keyField } = mapped.mapping.document
  return engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    const { complete } = await cursorOf(tx, connection.id, object)
    if (!complete) {
      const wait = items.map(({ mark }) => ({
        recordId: mark.recordId,
        delayMs: mirrorWaitMs,
        counts: false,
      }))
      await postponeMarks(tx, connection.id, mapped.name, wait)
      return []
    }
    const queries = items.map(({ local }, index) => {
      const text = (name: string) =>
        typeof local.fields[name] === 'string' ? (local.fields[name] as string) : null
      const company = identifyCompany({
        name: text('name') ?? '',
        domain: text('domain'),
        country: text('country'),
      })
      return { index, nameKey: company.nameKey, domain: company.domain, country: company.country }
    })
    const matches = await findCompanies(tx, connection.id, object, keyField, queries)
    const create: Item[] = []
    const links: { item: Item; remoteId: string; keyTaken: boolean }[] = []
    const reviews: NewReview[] = []
    const parked: Parked[] = []
    items.forEach((item, index) => {
      const query = queries[index]
      const found = judge(
        query?.country ?? null,
        query?.domain ?? null,
        matches.filter((match) => match.queryIndex === index),
      )
      if (found.kind === 'none') create.push(item)
      else if (found.kind === 'same') {
        const keyTaken = found.match.keyValue !== null && found.match.keyValue !== item.mark.recordId
        links.push({ item, remoteId: found.match.remoteId, keyTaken })
      } else {
        const { recordId } = item.mark
        const message = `${found.remoteIds.length} records in the CRM may be this ${mapped.name}. Choose one, or create a new one.`
        const details = { candidates: found.remoteIds }
        reviews.push({
          kind: 'doubtful_match',
          entity: mapped.name,
          recordId,
          remoteId: null,
          message,
          details,
        })
        parked.push({ recordId, code: 'doubtful_match', message, issues: [] })
      }
    })
    await insertLinks(
      tx,
      connection.id,
      links.map(({ item, remoteId, keyTaken }) => ({
        id: newId(),
        entity: mapped.name,
        recordId: item.mark.recordId,
        object,
        remoteId,
        state: 'active' as const,
        fields: {},
        keyWritten: keyTaken,
        writing: false,
      })),
    )
    await releaseChildren(
      tx,
      connection.id,
      links.map(({ item }) => `${mapped.name}:${item.mark.recordId}`),
    )
    const linked = links.map(({ item }) => item.mark)
    await gatherBulk(tx, connection.id, mapped.name, linked, keyGatherMs)
    await openReviews(tx, connection.id, reviews)
    if (reviews.length > 0) await engine.reviewsOpened(tx, syncActor, reviews.length, connection)
    await parkMarks(tx, connection.id, mapped.name, parked)
    await logAttempts(
      tx,
      connection.id,
      links.map(({ item, remoteId }) => ({
        direction: 'in' as const,
        entity: mapped.name,
        recordId: item.mark.recordId,
        remoteId,
        mappingVersionId: mapped.versionId,
        fields: [],
        outcome: 'linked',
        message: 'The company existed in the CRM already',
      })),
    )
    return create
  })
}

type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'same'; readonly match: MirrorMatch }
  | { readonly kind: 'doubtful'; readonly remoteIds: readonly string[] }

/**
 * One record with the same domain is the same company. Without one, the same name in the same country is too, unless
 * both have a domain and they differ. The same name with a country missing on one side is doubtful, and so are several.
 */
export function judge(country: string | null, domain: string | null, matches: readonly MirrorMatch[]): Found {
  const byDomain = matches.filter(({ by }) => by === 'domain')
  if (byDomain.length > 0) return oneOf(byDomain)
  const byName = matches.filter(
    (match) =>
      !(domain !== null && match.domain !== null) &&
      (country === null || match.country === null || match.country === country),
  )
  const sure = byName.filter((match) => country !== null && match.country === country)
  if (sure.length > 0) return oneOf(sure)
  return byName.length === 0
    ? { kind: 'none' }
    : { kind: 'doubtful', remoteIds: byName.map(({ remoteId }) => remoteId) }
}

function oneOf(matches: readonly MirrorMatch[]): Found {
  const [match, ...others] = matches
  if (!match) return { kind: 'none' }
  return others.length === 0
    ? { kind: 'same', match }
    : { kind: 'doubtful', remoteIds: matches.map(({ remoteId }) => remoteId) }
}
