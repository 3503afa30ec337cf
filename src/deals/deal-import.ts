import type { Day } from '#src/kernel/calendar.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import type { PartnerId, ProductId, ProgrammeId } from '#src/kernel/ids.ts'
import type { Partner } from '#src/partners/partner.ts'
import type { Programme } from '#src/partners/programme.ts'
import { blankDetails, checkAmounts, checkComplete, type DetailsPatch, withDetails } from './deal-details.ts'
import { type DealStatus, type Outcome, type RejectionCode, wasApproved } from './deal-status.ts'

/** One registration from elsewhere. With `registeredAt` it is history; without, it is registered now. */
export interface DealImportRow {
  /** The registration's key over there; the same key again is the same registration. */
  readonly ref: string
  readonly partnerId: PartnerId
  readonly programmeId: ProgrammeId
  readonly details: Omit<DetailsPatch, 'products' | 'companyName'> & {
    readonly companyName: string
    readonly products?:
      | readonly { readonly productId: ProductId; readonly amountMinor?: bigint | null | undefined }[]
      | undefined
  }
  readonly status: Exclude<DealStatus, 'draft' | 'returned'>
  readonly registeredAt: Date | null
  readonly registeredBy: string | null
  readonly approvedOn: Day | null
  readonly approvedBy: string | null
  readonly protectedUntil: Day | null
  readonly decisionCode: RejectionCode | null
  readonly outcome: Outcome
  readonly outcomeOn: Day | null
  /** The opportunity that it has in the CRM already. */
  readonly crmRemoteId: string | null
}

export const isLive = (row: DealImportRow): boolean => row.registeredAt === null && row.status === 'submitted'

/** What is wrong with a row; history may be incomplete, a registration of today may not. */
export function checkImportRow(
  row: DealImportRow,
  details: DetailsPatch,
  known: {
    readonly programme: Programme | undefined
    readonly partner: Partner | undefined
    readonly repeated: boolean
  },
): FieldIssue[] {
  const { programme, partner } = known
  const issue = (path: string, code: string, message: string): FieldIssue => ({ path, code, message })
  const stated = withDetails(blankDetails, { ...details, companyName: row.details.companyName })
  return [
    ...(programme ? [] : [issue('/programmeId', 'unknown_programme', 'There is no such programme')]),
    ...(partner ? [] : [issue('/partnerId', 'unknown_partner', 'There is no such partner')]),
    ...(known.repeated
      ? [issue('/ref', 'repeated_ref', 'Another row of this batch has the same reference')]
      : []),
    ...(isLive(row) && programme ? checkComplete(stated, programme.registrationTypes) : checkAmounts(stated)),
    ...checkStory(row),
  ]
}

function checkStory(row: DealImportRow): FieldIssue[] {
  const issues: FieldIssue[] = []
  const say = (path: string, code: string, message: string) => issues.push({ path, code, message })
  if (row.registeredAt === null && row.status !== 'submitted') {
    say(
      '/registeredAt',
      'required',
      `A registration that is ${row.status.replace('_', ' ')} was registered some day`,
    )
  }
  if (row.outcome === 'won' && !wasApproved(row.status)) {
    say('/outcome', 'not_approved', 'Only an approved registration was won; the CRM tells of others')
  }
  if (row.protectedUntil && row.approvedOn && row.protectedUntil < row.approvedOn) {
    say('/protectedUntil', 'before_approval', 'Protection cannot end before it began')
  }
  return issues
}
