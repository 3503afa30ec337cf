import { createHash } from 'node:crypto'
import type { RemoteRecord } from '#connectors/connector.ts'
import { toLocal } from '#mappings/apply.ts'
import type { MirrorRow } from '#src/conflicts/claim.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import type { Tx } from '#src/database/database.ts'
import { canonicalJson } from '#src/kernel/canonical-json.ts'
import type { Priority } from '#src/kernel/events.ts'
import { type FieldValue, isMoneyValue } from '#src/kernel/field-value.ts'
import type { PartnerId } from '#src/kernel/ids.ts'
import { parseDecimal } from '#src/kernel/money.ts'
import { syncActor } from '../ground/engine.ts'
import { createLookup, type MappedEntity, type Workspace } from '../ground/workspace.ts'
import { linksToRemotes } from '../memory/link-store.ts'
import { markDirty } from '../memory/mark-store.ts'
import {
  type MirrorIdentity,
  type MirrorRecord,
  mirrorRecords,
  recordSeen,
  type SeenRecord,
} from '../memory/mirror-store.ts'
import { leftProposals } from '../memory/review-list-store.ts'
import { type NewReview, openReviews } from '../memory/review-store.ts'
import { reportMoved } from './moved-records.ts'

export const companyEntity = 'customer'
export const dealEntity = 'deal'

/**
 * Puts what was read at `readAt` into the mirror, with the identity of companies.
 * @returns the records that are new or differ from what the mirror held
 */
export async function takeIn(
  tx: Tx,
  workspace: Workspace,
  object: string,
  readAt: Date,
  records: readonly RemoteRecord[],
): Promise<readonly RemoteRecord[]> {
  if (records.length === 0) return []
  const company = workspace.byName.get(companyEntity)
  const isCompany = company?.mapping.document.object === object
  const lookup = createLookup(workspace)
  const seen = records.map(
    (record): SeenRecord => ({
      record,
      hash: createHash('sha256').update(canonicalJson(record.fields)).digest('base64'),
      identity: company && isCompany ? identityOf(company, record, lookup.context) : null,
    }),
  )
  const changed = await recordSeen(tx, workspace.connection.id, readAt, seen)
  return records.filter(({ id }) => changed.has(id))
}

function identityOf(
  company: MappedEntity,
  record: RemoteRecord,
  context: Parameters<typeof toLocal>[2],
): MirrorIdentity | null {
  const { values } = toLocal(company.mapping, record.fields, context)
  const text = (name: string) => (typeof values[name] === 'string' ? (values[name] as string) : null)
  const name = text('name')
  if (!name) return null
  const { name: companyName, ...identity } = identifyCompany({
    name,
    domain: text('domain'),
    country: text('country'),
    city: text('city'),
    postalCode: text('postalCode'),
    phone: text('phone'),
  })
  return { companyName, ...identity }
}

/**
 * What a page of changes means: linked records are marked dirty, the others become claims of the direct pipeline, and
 * an opportunity that names one of our partners becomes a proposal.
 */
export async function announce(
  tx: Tx,
  workspace: Workspace,
  object: string,
  changed: readonly RemoteRecord[],
  priority: Priority,
): Promise<void> {
  if (changed.length === 0) return
  const { connection } = workspace
  const links = await linksToRemotes(
    tx,
    connection.id,
    changed.map(({ id }) => id),
  )
  await markDirty(
    tx,
    links
      .filter(({ object: linkedObject, state }) => linkedObject === object && state === 'active')
      .map(({ entity, recordId }) => ({ connectionId: connection.id, entity, recordId, priority })),
  )
  const deal = workspace.byName.get(dealEntity)
  if (deal?.mapping.document.object === object) {
    const linkedDeals = links.flatMap(({ entity, remoteId }) =>
      entity === dealEntity && remoteId ? [remoteId] : [],
    )
    // A linked opportunity is the registration's own; it stands in nobody's way.
    if (linkedDeals.length > 0)
      await workspace.engine.mirror.forgetMirror(tx, connection.id, 'opportunity', linkedDeals)
  }
  const linked = new Set(links.map(({ remoteId }) => remoteId))
  const free = changed.filter(({ id }) => !linked.has(id))
  if (deal?.mapping.document.object === object) {
    await reportMoved(tx, workspace, deal, free)
    await announceOpportunities(tx, workspace, deal, free)
  }
  const company = workspace.byName.get(companyEntity)
  if (company?.mapping.document.object === object) await announceAccounts(tx, workspace, company, free)
}

/** What was read for one entity may be linked to another one too, as a partner that is also a customer. */
export async function announceToOthers(
  tx: Tx,
  { connection }: Workspace,
  mapped: MappedEntity,
  changed: readonly RemoteRecord[],
): Promise<void> {
  const ids = changed.map(({ id }) => id)
  const links = ids.length === 0 ? [] : await linksToRemotes(tx, connection.id, ids)
  await markDirty(
    tx,
    links
      .filter(({ entity, object, state }) => {
        return entity !== mapped.name && object === mapped.mapping.document.object && state === 'active'
      })
      .map(({ entity, recordId }) => ({ connectionId: connection.id, entity, recordId, priority: 'live' })),
  )
}

async function announceAccounts(
  tx: Tx,
  workspace: Workspace,
  company: MappedEntity,
  records: readonly RemoteRecord[],
): Promise<void> {
  const lookup = createLookup(workspace)
  const rows = records.flatMap((record): MirrorRow[] => {
    const identity = identityOf(company, record, lookup.context)
    if (!identity || isOurs(company, record)) return []
    return [
      {
        source: 'account',
        connectionId: workspace.connection.id,
        remoteId: record.id,
        company: { ...identity, name: identity.companyName },
        partnerId: null,
        customerId: null,
        dealId: null,
        open: true,
        amountMinor: null,
        currency: null,
        stage: null,
        openedOn: null,
      },
    ]
  })
  await workspace.engine.mirror.recordMirror(tx, rows)
}

/** It carries our key, so it is ours, although its link does not know its id yet. */
const isOurs = ({ mapping }: MappedEntity, record: RemoteRecord): boolean => {
  const key = record.fields[mapping.document.keyField]
  return typeof key === 'string' && key !== ''
}

async function announceOpportunities(
  tx: Tx,
  workspace: Workspace,
  deal: MappedEntity,
  records: readonly RemoteRecord[],
): Promise<void> {
  const theirs = records.filter((record) => !isOurs(deal, record))
  if (theirs.length === 0) return
  const { connection, engine } = workspace
  const lookup = createLookup(workspace)
  const remoteOf = (entity: string) =>
    deal.references.find((reference) => reference.entity === entity)?.remote
  const customerField = remoteOf('customer')
  const partnerField = remoteOf('partner')
  const textOf = (record: RemoteRecord, field: string | undefined) => {
    const value = field === undefined ? null : record.fields[field]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const accountIds = theirs.flatMap((record) => textOf(record, customerField) ?? [])
  await lookup.addRemotes(
    tx,
    theirs.flatMap((record) =>
      [textOf(record, customerField) ?? [], textOf(record, partnerField) ?? []].flat(),
    ),
  )
  const accountObject = workspace.byName.get('customer')?.mapping.document.object ?? ''
  const accounts = await mirrorRecords(tx, connection.id, accountObject, accountIds)
  const left = await leftProposals(
    tx,
    connection.id,
    theirs.map(({ id }) => id),
  )
  const rows: MirrorRow[] = []
  const proposals: NewReview[] = []
  for (const record of theirs) {
    const { values } = toLocal(deal.mapping, record.fields, lookup.context)
    const partnerId = typeof values['partner'] === 'string' ? (values['partner'] as PartnerId) : null
    rows.push(
      opportunityRow(workspace, record, values, accounts.get(textOf(record, customerField) ?? ''), partnerId),
    )
    const wasLeft = left.has(record.id) && left.get(record.id) === partnerId
    if (partnerId && values['outcome'] === 'open' && !wasLeft) {
      proposals.push({
        kind: 'proposal',
        entity: dealEntity,
        recordId: null,
        remoteId: record.id,
        message:
          'An opportunity made in the CRM names a partner and has no registration. Adopt it, or leave it direct.',
        details: { partnerId, title: values['title'] ?? null },
      })
    }
  }
  await engine.mirror.recordMirror(tx, rows)
  await openReviews(tx, connection.id, proposals)
  if (proposals.length > 0) await engine.reviewsOpened(tx, syncActor, proposals.length, connection)
}

function opportunityRow(
  workspace: Workspace,
  record: RemoteRecord,
  values: Readonly<Record<string, FieldValue>>,
  account: MirrorRecord | undefined,
  partnerId: PartnerId | null,
): MirrorRow {
  const company = workspace.byName.get(companyEntity)
  const context = createLookup(workspace).context
  const identity =
    account && company
      ? identityOf(
          company,
          {
            object: account.object,
            id: account.remoteId,
            fields: account.content,
            modifiedAt: null,
            modifiedBy: null,
          },
          context,
        )
      : null
  const title = typeof values['title'] === 'string' ? values['title'] : record.id
  const amount = isMoneyValue(values['amount'] ?? null)
    ? (values['amount'] as { amount: string; currency: string })
    : null
  return {
    source: 'opportunity',
    connectionId: workspace.connection.id,
    remoteId: record.id,
    company: identity ? { ...identity, name: identity.companyName } : identifyCompany({ name: title }),
    partnerId,
    customerId: null,
    dealId: null,
    open: values['outcome'] === 'open',
    amountMinor: amount ? parseDecimal(amount.amount, amount.currency) : null,
    currency: amount?.currency ?? null,
    stage: typeof values['stage'] === 'string' ? values['stage'] : null,
    openedOn: null,
  }
}
