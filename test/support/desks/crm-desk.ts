/**
 * A desk in a CRM, whichever it is: what a sales rep does there and sees there, in the words of every CRM. Behind it are
 * the CRM's own records, never what our service says of them.
 */
import type { CrmSimulator } from '#test/simulators/simulator.ts'

export interface SeenDeal {
  readonly id: string
  /** Our key, where it carries one. */
  readonly key: string | null
  readonly name: string
  /** In major units. */
  readonly amount: number | null
  readonly closeDate: string | null
  readonly companyId: string | null
  /** The company record that stands for the partner. */
  readonly partnerId: string | null
  readonly registrationStatus: string | null
  readonly protectedUntil: string | null
  /** The person at the customer. */
  readonly contactId: string | null
  /** The CRM's own user who has the deal. */
  readonly ownerId: string | null
  readonly products: string | null
  readonly outcome: 'open' | 'won' | 'lost'
  readonly isDeleted: boolean
}

export interface SeenCompany {
  readonly id: string
  readonly name: string
  readonly customerKey: string | null
  readonly partnerKey: string | null
}

export interface SeenContact {
  readonly id: string
  readonly email: string | null
  readonly lastName: string | null
  readonly companyId: string | null
  /** Our key, where it carries one. */
  readonly key: string | null
}

export interface NewContact {
  readonly email: string
  readonly lastName: string
  readonly companyId: string
}

export interface CompanyFields {
  readonly name: string
  readonly domain: string
  readonly city?: string
  readonly country?: string
}

export interface CrmDesk {
  readonly vendor: 'salesforce' | 'dynamics' | 'hubspot'
  /** What people call it. */
  readonly name: string
  /** What people there call a deal. */
  readonly dealWord: string
  readonly simulator: Pick<
    CrmSimulator,
    'url' | 'organisationId' | 'integrationUserId' | 'calls' | 'close'
  > & {
    readonly faults: { clear(): void }
  }
  readonly dealObject: string
  readonly companyObject: string
  readonly contactObject: string
  /** What a connection to it signs in with. */
  readonly credentials: Readonly<Record<string, unknown>>
  /** From now on it tells of changes at this address, where it tells of them by webhooks. */
  tellAt(url: string): void
  addCompany(company: CompanyFields): string
  /** Somebody there finds that two records are one company. Answers the one that is left. */
  mergeCompanies(masterId: string, loserId: string): string
  /** A person at a company, known to the vendor's own people. */
  addContact(contact: NewContact): string
  /** A user of the CRM, who may own deals. */
  addUser(user: { readonly email: string; readonly lastName: string }): string
  /** Keeps a user from working there; the user stays. */
  disableUser(user: { readonly id: string; readonly email: string }): void
  /** A deal of the vendor's own people. */
  addDeal(deal: { readonly name: string; readonly companyId: string; readonly amount: number }): string
  /** Live ones. */
  deals(): readonly SeenDeal[]
  dealsOf(key: string): readonly SeenDeal[]
  deal(id: string): SeenDeal | null
  company(id: string): SeenCompany | null
  companies(): readonly SeenCompany[]
  contact(id: string): SeenContact | null
  close(id: string, outcome: 'won' | 'lost', amount?: number): void
  reopen(id: string): void
  change(id: string, fields: { readonly amount?: number; readonly closeDate?: string }): void
  /** The request of another process that wins the deal, as a line for a shell. */
  winByCurl(id: string): string
  /** Does a call of this operation write records? */
  isWrite(operation: string): boolean
}

export const textOf = (value: unknown): string | null =>
  value === null || value === undefined || value === '' ? null : String(value)
export const numberOf = (value: unknown): number | null => {
  const text = textOf(value)
  return text === null ? null : Number(text)
}

export const curlLine = (method: 'PATCH' | 'POST', url: string, body: unknown): string =>
  `curl -s -X ${method} -H 'content-type: application/json' '${url}' -d '${JSON.stringify(body)}'`
