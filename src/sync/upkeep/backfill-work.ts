import { isIncluded, toLocal } from '#mappings/apply.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { type Tx, violatedConstraint } from '#src/database/database.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import type { LocalRecord } from '#src/kernel/synced-entity.ts'
import { syncActor } from '../ground/engine.ts'
import { createLookup, type MappedEntity } from '../ground/workspace.ts'
import {
  insertLinks,
  linksOfRecords,
  linksToRemotes,
  type NewLink,
  retiredRecords,
} from '../memory/link-store.ts'
import { cursorOf, findCompanies } from '../memory/mirror-store.ts'
import { type NewReview, openReviews } from '../memory/review-store.ts'
import { assertLease } from '../memory/slot-store.ts'
import { judge } from '../records/create-records.ts'
import { type BackfillVerdict, judgeBackfill, likeliestDeals } from './backfill.ts'
import { keyCarriers, mirrorHolds, similarOpportunities } from './backfill-store.ts'
import { type FoundPair, linkFound } from './link-found.ts'
import { readObject } from './object-reading.ts'
import {
  type BackfillProgress,
  backfillProgressSchema,
  type Finding,
  type SyncTask,
  TaskPostponed,
} from './task.ts'
import type { TaskRun } from './task-run.ts'
import { foundRemotes, insertFindings, saveProgress } from './task-store.ts'

const batchSize = 500
const mirrorWaitMs = 15_000
const dealEntity = 'deal'

/**
 * Looks for the counterparts of records that are linked to nothing. It works on the mirror, so that it costs no call
 * unless the mapping has grown since the object was read. Certain ones are linked, doubtful ones wait for a person, and
 * nothing is ever made over there.
 */
export async function backfillStep(run: TaskRun): Promise<{ done: boolean; task: SyncTask }> {
  const { task, workspace } = run
  const progress = backfillProgressSchema.parse(task.progress)
  const mapped = workspace.byName.get(task.entity ?? '')
  if (!mapped) throw new TaskPostponed(`No mapping of ${task.entity} is published`, mirrorWaitMs)
  switch (progress.phase) {
    case 'check':
      return { done: false, task: { ...task, progress: await check(run, mapped, progress) } }
    case 'read':
      return { done: false, task: { ...task, progress: await readAnew(run, mapped, progress) } }
    case 'match': {
      const { progress: next, done } = await matchBatch(run, mapped, progress).catch(postponeCollision)
      return { done, task: { ...task, progress: next } }
    }
  }
}

async function check(
  { workspace, task }: TaskRun,
  { mapping, fields }: MappedEntity,
  progress: BackfillProgress,
): Promise<BackfillProgress> {
  const { engine, connection } = workspace
  const { object } = mapping.document
  return engine.database.transact(syncActor, async (tx) => {
    const { complete } = await cursorOf(tx, connection.id, object)
    if (!complete) throw new TaskPostponed(`The first reading of ${object} is not finished yet`, mirrorWaitMs)
    const phase = (await mirrorHolds(tx, connection.id, object, fields)) ? 'match' : 'read'
    const next = { ...progress, phase } as const
    await saveProgress(tx, task.id, next)
    return next
  })
}

async function readAnew(
  run: TaskRun,
  { mapping, fields }: MappedEntity,
  progress: BackfillProgress,
): Promise<BackfillProgress> {
  let next = progress
  await readObject(run, mapping.document.object, fields, progress.cursor, async (tx, cursor, records) => {
    next = { ...next, cursor, read: next.read + records }
    await saveProgress(tx, run.task.id, next)
  })
  return { ...next, phase: 'match' }
}

/** The engine linked one of them in this very moment: begin the batch anew. */
function postponeCollision(error: unknown): never {
  const constraint = violatedConstraint(error)
  if (constraint === 'link_record' || constraint === 'link_deal_remote')
    throw new TaskPostponed('A record was linked in the same moment', 1_000)
  throw error
}

interface Judged {
  readonly local: LocalRecord
  readonly verdict: BackfillVerdict
}

async function matchBatch(
  run: TaskRun,
  mapped: MappedEntity,
  progress: BackfillProgress,
): Promise<{ progress: BackfillProgress; done: boolean }> {
  const { workspace, task, lease } = run
  const { engine, connection } = workspace
  return engine.database.transact(task.actor, async (tx) => {
    await assertLease(tx, lease)
    const ids = await mapped.entity.listIds(tx, progress.after, batchSize)
    const links = await linksOfRecords(tx, connection.id, mapped.name, ids)
    const free = ids.filter((id) => !links.has(id))
    const retired = await retiredRecords(tx, connection.id, mapped.name, free)
    const locals = await mapped.entity.load(
      tx,
      free.filter((id) => !retired.has(id)),
    )
    const wanted = [...locals.values()].filter((local) => isIncluded(mapped.mapping, local))
    const judged = await judgeAll(tx, run, mapped, wanted)
    const doubtful = judged.filter(({ verdict }) => verdict.kind === 'doubtful')
    const certain = judged.filter(({ verdict }) => verdict.kind === 'certain')
    await insertFindings(
      tx,
      task.id,
      [...certain, ...doubtful].map((one) => findingOf(mapped, one)),
    )
    if (!task.dryRun) {
      await linkFound(tx, run, mapped, certain.flatMap(pairOf), 'bulk')
      await askAbout(tx, run, mapped, doubtful)
    }
    const { counts } = progress
    const next: BackfillProgress = {
      ...progress,
      phase: 'match',
      after: ids.at(-1) ?? progress.after,
      counts: {
        looked: counts.looked + ids.length,
        settled: counts.settled + ids.length - locals.size,
        excluded: counts.excluded + locals.size - wanted.length,
        certain: counts.certain + certain.length,
        doubtful: counts.doubtful + doubtful.length,
        none: counts.none + judged.length - certain.length - doubtful.length,
      },
    }
    await saveProgress(tx, task.id, next)
    return { progress: next, done: ids.length < batchSize }
  })
}

async function judgeAll(
  tx: Tx,
  { workspace, task }: TaskRun,
  mapped: MappedEntity,
  locals: readonly LocalRecord[],
): Promise<readonly Judged[]> {
  if (locals.length === 0) return []
  const { connection } = workspace
  const { object, keyField } = mapped.mapping.document
  const ids = locals.map(({ id }) => id)
  const carriers = await keyCarriers(tx, connection.id, object, keyField, ids)
  const isDeal = mapped.name === dealEntity
  const companies = isDeal ? [] : locals.map(companyOf)
  const matches = isDeal ? [] : await findCompanies(tx, connection.id, object, keyField, companies)
  const remoteIds = [...[...carriers.values()].flat(), ...matches.map(({ remoteId }) => remoteId)]
  const takenBy = await takenRemotes(tx, connection.id, mapped.name, task.id, remoteIds)
  const suggestions = isDeal ? await suggestDeals(tx, workspace, mapped, locals) : new Map<string, string[]>()
  return locals.map((local, index) => {
    const company = companies[index]
    const found = company
      ? judge(
          company.country,
          company.domain,
          matches.filter(({ queryIndex }) => queryIndex === index),
        )
      : suggested(suggestions.get(local.id) ?? [])
    const verdict = judgeBackfill(local.id, carriers.get(local.id) ?? [], found, (id) => takenBy.has(id))
    // What this batch gives away is gone for those behind.
    if (verdict.kind === 'certain') takenBy.add(verdict.remoteId)
    return { local, verdict }
  })
}

const suggested = (remoteIds: readonly string[]) =>
  remoteIds.length === 0 ? ({ kind: 'none' } as const) : ({ kind: 'doubtful', remoteIds } as const)

function companyOf({ fields }: LocalRecord, index: number) {
  const text = (name: string) => (typeof fields[name] === 'string' ? (fields[name] as string) : null)
  const company = identifyCompany({
    name: text('name') ?? '',
    domain: text('domain'),
    country: text('country'),
  })
  return { index, nameKey: company.nameKey, domain: company.domain, country: company.country }
}

/** Records over there that another one of ours has: by a link, or found by this very task (a dry run links nothing). */
async function takenRemotes(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  taskId: string,
  remoteIds: readonly string[],
): Promise<Set<string>> {
  const linked = await linksToRemotes(tx, connectionId, remoteIds)
  const found = await foundRemotes(tx, taskId, 'certain', remoteIds)
  const ofEntity = linked.filter((link) => link.entity === entity)
  return new Set([...found, ...ofEntity.flatMap(({ remoteId }) => (remoteId === null ? [] : [remoteId]))])
}

async function suggestDeals(
  tx: Tx,
  workspace: TaskRun['workspace'],
  mapped: MappedEntity,
  locals: readonly LocalRecord[],
): Promise<Map<string, string[]>> {
  const { connection } = workspace
  const { object, keyField } = mapped.mapping.document
  const reference = (entity: string) => mapped.references.find((one) => one.entity === entity)
  const [customer, partner] = [reference('customer'), reference('partner')]
  if (!customer || !partner) return new Map()
  const remoteOf = async (entity: string, line: string) => {
    const ids = locals.flatMap(({ fields }) => (typeof fields[line] === 'string' ? [fields[line]] : []))
    const links = await linksOfRecords(tx, connection.id, entity, [...new Set(ids)])
    return ({ fields }: LocalRecord) => {
      const link = links.get(String(fields[line]))
      return link?.state === 'active' ? link.remoteId : null
    }
  }
  const customerOf = await remoteOf('customer', customer.line)
  const partnerOf = await remoteOf('partner', partner.line)
  const deals = locals.flatMap((local) => {
    const [ours, theirs] = [customerOf(local), partnerOf(local)]
    return ours === null ? [] : [{ recordId: local.id, customer: ours, partner: theirs ?? '' }]
  })
  const names = { key: keyField, customer: customer.remote, partner: partner.remote }
  const rows = await similarOpportunities(tx, connection.id, object, names, deals)
  const { context } = createLookup(workspace)
  const byDeal = Map.groupBy(rows, ({ recordId }) => recordId)
  return new Map(
    locals.map((local) => {
      const candidates = (byDeal.get(local.id) ?? []).map(({ remoteId, samePartner, content }) => {
        const { values } = toLocal(mapped.mapping, content, context)
        const { amount = null, expectedCloseDate = null } = values
        return { remoteId, samePartner, amount, expectedCloseDate }
      })
      const { amount = null, expectedCloseDate = null } = local.fields
      return [local.id, [...likeliestDeals({ amount, expectedCloseDate }, candidates)]]
    }),
  )
}

const pairOf = ({ local, verdict }: Judged): FoundPair[] =>
  verdict.kind === 'certain' ? [{ recordId: local.id, remoteId: verdict.remoteId, by: verdict.by }] : []

function findingOf(mapped: MappedEntity, { local, verdict }: Judged): Finding {
  const title = local.fields['title'] ?? local.fields['name'] ?? null
  const base = { entity: mapped.name, recordId: local.id }
  return verdict.kind === 'certain'
    ? { ...base, kind: 'certain', remoteId: verdict.remoteId, details: { title, by: verdict.by } }
    : {
        ...base,
        kind: 'doubtful',
        remoteId: null,
        details:
          verdict.kind === 'doubtful'
            ? { title, candidates: verdict.remoteIds, reason: verdict.reason }
            : { title },
      }
}

/**
 * A person chooses. Until then a registration that looks like an opportunity over there is held as a proposed link, so
 * that no second opportunity is made of it meanwhile; companies are looked for again before they are made anyway.
 */
async function askAbout(
  tx: Tx,
  { workspace }: TaskRun,
  mapped: MappedEntity,
  doubtful: readonly Judged[],
): Promise<void> {
  if (doubtful.length === 0) return
  const { connection, engine } = workspace
  const { object } = mapped.mapping.document
  const reviews = doubtful.flatMap(({ local, verdict }): NewReview[] =>
    verdict.kind === 'doubtful'
      ? [
          {
            kind: 'doubtful_match',
            entity: mapped.name,
            recordId: local.id,
            remoteId: null,
            message: `${verdict.reason}. Choose one, or create a new one.`,
            details: { candidates: verdict.remoteIds },
          },
        ]
      : [],
  )
  if (mapped.name === dealEntity) {
    await insertLinks(
      tx,
      connection.id,
      doubtful.map(
        ({ local }): NewLink => ({
          id: newId(),
          entity: mapped.name,
          recordId: local.id,
          object,
          remoteId: null,
          state: 'proposed',
          fields: {},
          keyWritten: false,
          writing: false,
        }),
      ),
    )
  }
  await openReviews(tx, connection.id, reviews)
  await engine.reviewsOpened(tx, syncActor, reviews.length, connection)
}
