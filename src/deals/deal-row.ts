import type { ProductId } from '#src/kernel/ids.ts'
import type { Deal } from './deal.ts'
import type { DealProduct } from './deal-details.ts'

/** A deal is one row; its columns, with the types in which they travel as JSON to the database. */
const fixedColumns = {
  id: 'uuid',
  number: 'text',
  partner_id: 'uuid',
  programme_id: 'uuid',
  external_ref: 'text',
  provenance: 'jsonb',
  submitter_id: 'text',
  submitter_name: 'text',
  attempt: 'integer',
  previous_attempt_id: 'uuid',
  created_at: 'timestamptz',
} as const

const changingColumns = {
  company_name: 'text',
  domain: 'text',
  country: 'text',
  city: 'text',
  contact_name: 'text',
  contact_email: 'text',
  contact_phone: 'text',
  need: 'text',
  amount_minor: 'bigint',
  currency: 'text',
  expected_close_date: 'date',
  products: 'jsonb',
  registration_type: 'text',
  notes: 'text',
  customer_id: 'uuid',
  contact_id: 'uuid',
  status: 'text',
  conflict: 'text',
  ineligible: 'text[]',
  registered_at: 'timestamptz',
  decider_id: 'uuid',
  decider_name: 'text',
  review_started_at: 'timestamptz',
  review_target_at: 'timestamptz',
  review_overdue_at: 'timestamptz',
  review_paused_at: 'timestamptz',
  decided_at: 'timestamptz',
  decided_by: 'text',
  decision_code: 'text',
  decision_reason: 'text',
  protected_from: 'date',
  protected_until: 'date',
  protection_kept: 'boolean',
  reminded_days: 'smallint',
  outcome: 'text',
  outcome_revision: 'integer',
  outcome_on: 'date',
  outcome_standing: 'text',
  review_hold: 'text',
  change_requested: 'boolean',
  stage: 'text',
  crm_state: 'text',
  crm_connection_id: 'uuid',
  crm_remote_id: 'text',
  crm_url: 'text',
  plan_version_id: 'uuid',
  tier_id: 'uuid',
  revision: 'integer',
  updated_at: 'timestamptz',
} as const

const types: Readonly<Record<string, string>> = { ...fixedColumns, ...changingColumns }

export const changingNames: readonly string[] = Object.keys(changingColumns)
export const columnNames: readonly string[] = Object.keys(types)

/** `columns as type` list for jsonb_to_recordset. */
export const recordType = (columns: readonly string[]): string =>
  columns.map((column) => `${column} ${types[column]}`).join(', ')

/** The row as it comes back: camel case, the clock flat, products as JSON. */
export interface DealRow extends Omit<Deal, 'review' | 'products'> {
  readonly reviewStartedAt: Date | null
  readonly reviewTargetAt: Date | null
  readonly reviewOverdueAt: Date | null
  readonly reviewPausedAt: Date | null
  readonly products: readonly StoredProduct[]
}

interface StoredProduct {
  readonly productId: ProductId
  readonly familyId: string
  readonly amountMinor: string | null
}

export function fromRow(row: DealRow): Deal {
  const { reviewStartedAt, reviewTargetAt, reviewOverdueAt, reviewPausedAt, products, ...rest } = row
  return {
    ...rest,
    products: products.map(readProduct),
    review:
      reviewStartedAt && reviewTargetAt && reviewOverdueAt
        ? {
            startedAt: reviewStartedAt,
            targetAt: reviewTargetAt,
            overdueAt: reviewOverdueAt,
            pausedAt: reviewPausedAt,
          }
        : null,
  }
}

export const readProduct = (stored: StoredProduct): DealProduct => ({
  ...stored,
  amountMinor: stored.amountMinor === null ? null : BigInt(stored.amountMinor),
})

export const writeProduct = (product: DealProduct): StoredProduct => ({
  productId: product.productId,
  familyId: product.familyId,
  amountMinor: product.amountMinor?.toString() ?? null,
})

/** The deal as one JSON object by column name. */
export function toRow(deal: Deal): Record<string, unknown> {
  const { review, ...rest } = deal
  const flat: Record<string, unknown> = {
    ...rest,
    products: deal.products.map(writeProduct),
    amountMinor: deal.amountMinor?.toString() ?? null,
    reviewStartedAt: review?.startedAt ?? null,
    reviewTargetAt: review?.targetAt ?? null,
    reviewOverdueAt: review?.overdueAt ?? null,
    reviewPausedAt: review?.pausedAt ?? null,
  }
  return Object.fromEntries(columnNames.map((column) => [column, flat[camelCase(column)] ?? null]))
}

const camelCase = (column: string): string =>
  column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
