import type { RemoteRecord } from '#connectors/connector.ts'
import { remotesOf } from '#mappings/document.ts'
import { newId } from '#src/kernel/ids.ts'
import { syncActor } from '../ground/engine.ts'
import type { Lookup } from '../ground/workspace.ts'
import { logAttempts } from '../memory/attempt-store.ts'
import { insertLinks, linksToRemotes } from '../memory/link-store.ts'
import { type Parked, parkMarks, releaseChildren } from '../memory/mark-store.ts'
import { type NewReview, openReviews } from '../memory/review-store.ts'
import { assertLease } from '../memory/slot-store.ts'
import type { Item, Round } from './round.ts'

/** Entities that are people: they may exist over there already and are looked for by their e-mail address. */
export const people: ReadonlySet<string> = new Set(['contact'])

type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'same'; readonly record: RemoteRecord }
  | { readonly kind: 'doubtful'; readonly remoteIds: readonly string[] }

/**
 * One person with the address at the same company is the same person. The address elsewhere, or twice, is doubtful.
 * @param company the record of the customer over there; null where it has none yet
 */
export function judgePerson(
  company: string | null,
  companyField: string | null,
  records: readonly RemoteRecord[],
): Found {
  const here = records.filter(({ fields }) => companyField === null || fields[companyField] === company)
  const [only] = here
  if (only && here.length === 1) return { kind: 'same', record: only }
  return records.length === 0
    ? { kind: 'none' }
    : { kind: 'doubtful', remoteIds: records.map(({ id }) => id) }
}

/**
 * Links people who exist over there already: the same → link, doubtful → a person decides, none → create. They are asked
 * for in the CRM itself, one call for all. Whoever's company is not there yet waits for it first.
 * @returns the items for which there is nobody
 */
export async function linkKnownPeople(
  round: Round,
  items: readonly Item[],
  lookup: Lookup,
): Promise<readonly Item[]> {
  const { workspace, mapped, lease, signal } = round
  const { connection, connector, engine } = workspace
  const { object, keyField } = mapped.mapping.document
  const emailLine = mapped.mapping.byName.get('email')
  if (items.length === 0 || !emailLine) return items
  const [emailField] = remotesOf(emailLine.line)
  const company = mapped.references.find(({ entity }) => entity === 'customer') ?? null
  const emails = [...new Set(items.flatMap(({ local }) => emailOf(local.fields['email']) ?? []))]
  const fields = [emailField, keyField, ...(company ? [company.remote] : [])]
  const records = emails.length === 0 ? [] : await connector.find(object, emailField, emails, fields, signal)
  const byEmail = Map.groupBy(records, (record) => emailOf(record.fields[emailField]) ?? '')
  return engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    const create: Item[] = []
    const links: { readonly item: Item; readonly record: RemoteRecord }[] = []
    const reviews: NewReview[] = []
    const parked: Parked[] = []
    const taken = new Set(
      (
        await linksToRemotes(
          tx,
          connection.id,
          records.map(({ id }) => id),
        )
      ).flatMap(({ entity, remoteId }) => (entity === mapped.name ? [remoteId] : [])),
    )
    for (const item of items) {
      const customer = company ? item.local.fields[company.line] : null
      const there = typeof customer === 'string' ? lookup.context.toRemoteId('customer', customer) : undefined
      const found = judgePerson(
        there ?? null,
        company?.remote ?? null,
        (byEmail.get(emailOf(item.local.fields['email']) ?? '') ?? []).filter(({ id }) => !taken.has(id)),
      )
      // Without its company there is no telling; creation waits for it, and then looks again.
      if (found.kind === 'none' || there === null) create.push(item)
      else if (found.kind === 'same') links.push({ item, record: found.record })
      else {
        const { recordId } = item.mark
        const message = `${found.remoteIds.length} records in the CRM with this e-mail address may be this ${mapped.name}. Choose one, or create a new one.`
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
    }
    await insertLinks(
      tx,
      connection.id,
      links.map(({ item, record }) => ({
        id: newId(),
        entity: mapped.name,
        recordId: item.mark.recordId,
        object,
        remoteId: record.id,
        state: 'active' as const,
        fields: {},
        // A key of somebody else's, perhaps of another installation, is left where it is.
        keyWritten: record.fields[keyField] !== null && record.fields[keyField] !== undefined,
        writing: false,
      })),
    )
    await releaseChildren(
      tx,
      connection.id,
      links.map(({ item }) => `${mapped.name}:${item.mark.recordId}`),
    )
    await openReviews(tx, connection.id, reviews)
    if (reviews.length > 0) await engine.reviewsOpened(tx, syncActor, reviews.length, connection)
    await parkMarks(tx, connection.id, mapped.name, parked)
    await logAttempts(
      tx,
      connection.id,
      links.map(({ item, record }) => ({
        direction: 'in' as const,
        entity: mapped.name,
        recordId: item.mark.recordId,
        remoteId: record.id,
        mappingVersionId: mapped.versionId,
        fields: [],
        outcome: 'linked',
        message: 'The person existed in the CRM already',
      })),
    )
    return create
  })
}

const emailOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.toLowerCase() : null
