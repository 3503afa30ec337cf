import { compileMapping, type Mapping, toLocal } from '#mappings/apply.ts'
import { collectReferences, mappingContext } from '#src/connections/references.ts'
import type { Tx } from '#src/database/database.ts'
import type { DetailsPatch } from '#src/deals/deal-details.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { daySchema } from '#src/kernel/calendar.ts'
import { NotFound, Refused } from '#src/kernel/errors.ts'
import { type FieldValue, isMoneyValue } from '#src/kernel/field-value.ts'
import type { PartnerId, ProgrammeId } from '#src/kernel/ids.ts'
import { parseDecimal } from '#src/kernel/money.ts'
import type { SyncConnection } from '../ground/engine.ts'
import { referenceLookup } from '../ground/mapping-ports.ts'
import { type MirrorRecord, mirrorRecords } from '../memory/mirror-store.ts'
import type { ReviewItem } from '../memory/review-list-store.ts'
import type { LinkUseCases } from './link-use-cases.ts'
import type { OperationDeps } from './operation-deps.ts'

type Values = Readonly<Record<string, FieldValue>>

/** What a person adds to what the CRM says. */
export interface AdoptionChoice {
  readonly programmeId?: ProgrammeId | undefined
  readonly registrationType?: string | undefined
}

/** Opportunities that were made in a CRM and become registrations. */
export function createAdoption(deps: OperationDeps, links: Pick<LinkUseCases, 'linkRecord'>) {
  async function mappingOf(tx: Tx, { id }: SyncConnection, entity: string): Promise<Mapping | null> {
    const mappings = await deps.engine.connections.publishedMappings(tx, id)
    const published = mappings.find((one) => one.entity === entity)
    return published ? compileMapping(published.document) : null
  }

  async function read(
    tx: Tx,
    connection: SyncConnection,
    mapping: Mapping,
    { content }: MirrorRecord,
  ): Promise<Values> {
    const pairs = collectReferences([mapping], [{ here: { fields: {} }, there: { fields: content } }])
    const references = await referenceLookup(tx, connection.id, pairs)
    return toLocal(mapping, content, mappingContext(connection, references)).values
  }

  /** The company behind the opportunity, as the CRM knows it. */
  async function companyOf(
    tx: Tx,
    connection: SyncConnection,
    deal: Mapping,
    opportunity: MirrorRecord,
  ): Promise<Values> {
    const accounts = await mappingOf(tx, connection, 'customer')
    const field = deal.lines.find(({ transform }) => transform.refersTo === 'customer')?.names.remote[0]
    const remoteId = field === undefined ? null : opportunity.content[field]
    if (!accounts || typeof remoteId !== 'string') return {}
    const { object } = accounts.document
    const account = (await mirrorRecords(tx, connection.id, object, [remoteId])).get(remoteId)
    return account ? read(tx, connection, accounts, account) : {}
  }

  /**
   * Makes the registration and links it to the opportunity that it came from: nothing is made over there.
   * @throws NotFound · Refused `not_mapped`, `names_no_partner`, `remote_taken` · InvalidInput
   */
  return async function adopt(
    tx: Tx,
    actor: Actor,
    { connectionId, entity, remoteId }: ReviewItem,
    choice: AdoptionChoice,
    reason: string,
  ): Promise<void> {
    const connection = await deps.connectionOf(tx, connectionId)
    const mapping = await mappingOf(tx, connection, entity)
    if (!mapping) throw new Refused('not_mapped', 'No mapping of deals is published for this connection')
    const { object } = mapping.document
    const seen =
      remoteId === null
        ? undefined
        : (await mirrorRecords(tx, connectionId, object, [remoteId])).get(remoteId)
    if (!seen) throw new NotFound('The opportunity in the CRM')
    const values = await read(tx, connection, mapping, seen)
    const partnerId = values['partner']
    if (typeof partnerId !== 'string') {
      throw new Refused('names_no_partner', 'The opportunity names none of our partners any more')
    }
    // What becomes a registration of its partner stands in nobody's way, its own least of all.
    await deps.engine.mirror.forgetMirror(tx, connectionId, 'opportunity', [seen.remoteId])
    const deal = await deps.deals.adopt(tx, actor, {
      connectionId,
      partnerId: partnerId as PartnerId,
      programmeId: choice.programmeId ?? null,
      details: {
        ...detailsOf(values, await companyOf(tx, connection, mapping, seen)),
        registrationType: choice.registrationType ?? null,
      },
      reason,
    })
    await links.linkRecord(tx, actor, { connectionId, entity, recordId: deal.id }, seen.remoteId, reason)
  }
}

const text = (value: FieldValue | undefined): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value : null

function detailsOf(deal: Values, company: Values): DetailsPatch & { readonly companyName: string } {
  const amount = deal['amount'] ?? null
  const amountMinor = isMoneyValue(amount) ? parseDecimal(amount.amount, amount.currency) : null
  const day = daySchema.safeParse(deal['expectedCloseDate'])
  return {
    companyName: text(company['name']) ?? text(deal['title']) ?? 'Unknown',
    domain: text(company['domain']),
    country: text(company['country'])?.length === 2 ? text(company['country']) : null,
    city: text(company['city']),
    need: text(deal['need']),
    amountMinor: amountMinor !== null && amountMinor >= 0n ? amountMinor : null,
    currency: isMoneyValue(amount) ? amount.currency : null,
    expectedCloseDate: day.success ? day.data : null,
  }
}
