import type { FieldIssue } from '#src/kernel/errors.ts'
import type { ProductId } from '#src/kernel/ids.ts'
import type { DealStatus } from './deal-status.ts'

/** One product of a registration; the family is copied, since that is what conflicts and plans look at. */
export interface DealProduct {
  readonly productId: ProductId
  readonly familyId: string
  /** Part of the deal's amount; either every product has one, or none. */
  readonly amountMinor: bigint | null
}

/** What the registrant states: the company as typed, the contact, the need, the money. */
export interface DealDetails {
  readonly companyName: string
  readonly domain: string | null
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null
  readonly city: string | null
  readonly contactName: string | null
  readonly contactEmail: string | null
  readonly contactPhone: string | null
  readonly need: string | null
  readonly amountMinor: bigint | null
  readonly currency: string | null
  readonly expectedCloseDate: string | null
  readonly products: readonly DealProduct[]
  readonly registrationType: string | null
  readonly notes: string | null
}

export const blankDetails: DealDetails = {
  companyName: '',
  domain: null,
  country: null,
  city: null,
  contactName: null,
  contactEmail: null,
  contactPhone: null,
  need: null,
  amountMinor: null,
  currency: null,
  expectedCloseDate: null,
  products: [],
  registrationType: null,
  notes: null,
}

export const detailFields = [
  'companyName',
  'domain',
  'country',
  'city',
  'contactName',
  'contactEmail',
  'contactPhone',
  'need',
  'amountMinor',
  'currency',
  'expectedCloseDate',
  'products',
  'registrationType',
  'notes',
] as const satisfies readonly (keyof DealDetails)[]
export type DetailField = (typeof detailFields)[number]

const contact: readonly DetailField[] = ['contactName', 'contactEmail', 'contactPhone']
const none: readonly DetailField[] = []

/** What may be edited in which status. A submitted registration is frozen, so that what is reviewed stays put. */
export const editableFields: Readonly<Record<DealStatus, readonly DetailField[]>> = {
  draft: detailFields,
  submitted: none,
  in_review: none,
  returned: [
    ...contact,
    'domain',
    'city',
    'need',
    'amountMinor',
    'currency',
    'expectedCloseDate',
    'products',
    'notes',
  ],
  approved: [...contact, 'expectedCloseDate', 'notes'],
  rejected: none,
  withdrawn: none,
  cancelled: none,
  expired: none,
}

/** What a partner asks for, and the vendor decides, once a registration is approved. */
export const changeRequestFields = [
  'amountMinor',
  'currency',
  'products',
  'companyName',
  'domain',
  'country',
  'city',
] as const satisfies readonly DetailField[]

/** What a newer import of the same registration may bring up to date. */
export const importableFields = [
  'contactName',
  'contactEmail',
  'contactPhone',
  'need',
  'expectedCloseDate',
  'notes',
] as const satisfies readonly DetailField[]

/** A conflict check looks at these: a change makes its verdict void. */
const checkedFields: readonly DetailField[] = [
  'companyName',
  'domain',
  'country',
  'city',
  'products',
  'registrationType',
]

export type DetailsPatch = { readonly [Field in DetailField]?: DealDetails[Field] | undefined }

/** The same with what the patch states. */
export const withDetails = <Details extends DealDetails>(details: Details, patch: DetailsPatch): Details => ({
  ...details,
  ...Object.fromEntries(changedFields(details, patch).map((field) => [field, patch[field]])),
})

/** Names of the fields that the patch would really change. */
export const changedFields = (deal: DealDetails, patch: DetailsPatch): DetailField[] =>
  detailFields.filter((field) => patch[field] !== undefined && !sameDetail(deal[field], patch[field]))

/** Fields of the patch that this status does not permit to change; sending an unchanged value is fine. */
export function frozenFields(deal: DealDetails & { status: DealStatus }, patch: DetailsPatch): DetailField[] {
  const editable = editableFields[deal.status]
  return changedFields(deal, patch).filter((field) => !editable.includes(field))
}

export const voidsCheck = (fields: readonly DetailField[]): boolean =>
  fields.some((field) => checkedFields.includes(field))

/** Distinct families; none means all products. */
export const familiesOf = (products: readonly DealProduct[]): string[] => [
  ...new Set(products.map(({ familyId }) => familyId)),
]

function sameDetail(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b
  return a.length === b.length && a.every((item, i) => sameProduct(item as DealProduct, b[i] as DealProduct))
}

const sameProduct = (a: DealProduct, b: DealProduct): boolean =>
  a.productId === b.productId && a.familyId === b.familyId && a.amountMinor === b.amountMinor

const needMinLength = 20

/** What is missing before a registration may be submitted; paths are those of the wire. */
export function checkComplete(deal: DealDetails, registrationTypes: readonly string[]): FieldIssue[] {
  const required: readonly (readonly [DetailField, string])[] = [
    ['companyName', 'the end customer'],
    ['country', "the end customer's country"],
    ['contactName', 'a contact at the end customer'],
    ['contactEmail', "the contact's e-mail address"],
    ['amountMinor', 'the expected amount'],
    ['currency', 'the currency of the amount'],
    ['expectedCloseDate', 'the expected close date'],
    ['registrationType', 'the registration type'],
  ]
  const issues: FieldIssue[] = required
    .filter(([field]) => deal[field] === null || deal[field] === '')
    .map(([field, what]) => ({
      path: `/${field}`,
      code: 'required',
      message: `Name ${what} before submitting`,
    }))
  if ((deal.need ?? '').trim().length < needMinLength) {
    issues.push({
      path: '/need',
      code: 'too_short',
      message: `Describe the customer's need in at least ${needMinLength} characters`,
    })
  }
  if (deal.registrationType !== null && !registrationTypes.includes(deal.registrationType)) {
    issues.push({
      path: '/registrationType',
      code: 'unknown_registration_type',
      message: `The programme knows: ${registrationTypes.join(', ')}`,
    })
  }
  return [...issues, ...checkBreakdown(deal)]
}

/** An amount says in which currency; a draft need not say more. */
export const checkCurrency = (deal: Pick<DealDetails, 'amountMinor' | 'currency'>): FieldIssue[] =>
  deal.amountMinor !== null && deal.currency === null
    ? [{ path: '/currency', code: 'required', message: 'Name the currency of the amount' }]
    : []

export const checkAmounts = (
  deal: Pick<DealDetails, 'amountMinor' | 'currency' | 'products'>,
): FieldIssue[] => [...checkCurrency(deal), ...checkBreakdown(deal)]

/** Amounts of products are a complete break-down of the deal's amount, or absent. */
function checkBreakdown(deal: Pick<DealDetails, 'amountMinor' | 'products'>): FieldIssue[] {
  const stated = deal.products.filter(({ amountMinor }) => amountMinor !== null)
  if (stated.length === 0) return []
  const sum = stated.reduce((total, { amountMinor }) => total + (amountMinor ?? 0n), 0n)
  if (stated.length === deal.products.length && sum === deal.amountMinor) return []
  return [
    {
      path: '/products',
      code: 'amounts_do_not_add_up',
      message: "Give every product an amount so that they add up to the deal's amount, or give none",
    },
  ]
}

/** The stated break-down; zeros where the products do not say how the amount divides between them. */
export const linesOf = (
  deal: Pick<DealDetails, 'products'>,
): readonly { readonly familyId: string; readonly amountMinor: bigint }[] =>
  deal.products.map(({ familyId, amountMinor }) => ({ familyId, amountMinor: amountMinor ?? 0n }))
