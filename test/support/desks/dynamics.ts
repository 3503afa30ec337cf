import type { DynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import {
  type CrmDesk,
  curlLine,
  numberOf,
  type SeenCompany,
  type SeenContact,
  type SeenDeal,
  textOf,
} from './crm-desk.ts'

type Row = Readonly<Record<string, unknown>>

const outcomes = ['open', 'won', 'lost'] as const
/** Choice values of the registration status, as the default mapping has them. */
const statuses = [
  'Draft',
  'Submitted',
  'In Review',
  'Returned',
  'Approved',
  'Rejected',
  'Withdrawn',
  'Cancelled',
  'Expired',
  'Moved',
]
const firstStatus = 100_000_000

const seenDeal = (row: Row): SeenDeal => ({
  id: String(row['opportunityid']),
  key: textOf(row['prm_dealid']),
  name: String(row['name']),
  amount: numberOf(row['estimatedvalue']),
  closeDate: textOf(row['estimatedclosedate']),
  companyId: textOf(row['parentaccountid']),
  partnerId: textOf(row['prm_partner']),
  registrationStatus: statuses[(numberOf(row['prm_registrationstatus']) ?? 0) - firstStatus] ?? null,
  protectedUntil: textOf(row['prm_protectionend']),
  contactId: textOf(row['parentcontactid']),
  ownerId: textOf(row['ownerid']),
  products: textOf(row['prm_products']),
  outcome: outcomes[numberOf(row['statecode']) ?? 0] ?? 'open',
  isDeleted: false,
})

const seenCompany = (row: Row): SeenCompany => ({
  id: String(row['accountid']),
  name: String(row['name']),
  customerKey: textOf(row['prm_customerid']),
  partnerKey: textOf(row['prm_partnerid']),
})

const seenContact = (row: Row): SeenContact => ({
  id: String(row['contactid']),
  email: textOf(row['emailaddress1']),
  lastName: textOf(row['lastname']),
  companyId: textOf(row['parentcustomerid']),
  key: textOf(row['prm_contactid']),
})

export function dynamicsDesk(simulator: DynamicsSimulator): CrmDesk {
  const dealObject = 'opportunity'
  const companyObject = 'account'
  const contactObject = 'contact'
  const live = (object: string) => simulator.list(object)
  return {
    vendor: 'dynamics',
    name: 'Dynamics 365',
    dealWord: 'opportunity',
    simulator,
    dealObject,
    companyObject,
    contactObject,
    credentials: { grant: 'client_credentials', ...simulator.credentials },
    // Where to is registered with it by the set-up.
    tellAt: () => void simulator.webhooks.run(1_000),
    addCompany: ({ name, domain, city, country }) =>
      simulator.insert(companyObject, {
        name,
        websiteurl: domain,
        ...(city === undefined ? {} : { address1_city: city }),
        ...(country === undefined ? {} : { address1_country: country }),
      }),
    mergeCompanies(masterId, loserId) {
      simulator.merge(companyObject, masterId, [loserId])
      return masterId
    },
    addContact: ({ email, lastName, companyId }) =>
      simulator.insert(contactObject, {
        emailaddress1: email,
        lastname: lastName,
        parentcustomerid: companyId,
      }),
    addUser: ({ email, lastName }) =>
      simulator.insert('systemuser', { fullname: lastName, internalemailaddress: email, isdisabled: false }),
    disableUser: ({ id }) => simulator.update('systemuser', id, { isdisabled: true }),
    addDeal: ({ name, companyId, amount }) =>
      simulator.insert(dealObject, {
        name,
        parentaccountid: companyId,
        isrevenuesystemcalculated: false,
        estimatedvalue: amount,
        estimatedclosedate: '2027-02-01',
      }),
    deals: () => live(dealObject).map(seenDeal),
    dealsOf: (key) =>
      live(dealObject)
        .filter((row) => row['prm_dealid'] === key)
        .map(seenDeal),
    deal(id) {
      const row = simulator.get(dealObject, id)
      return row ? seenDeal(row) : null
    },
    company(id) {
      const row = simulator.get(companyObject, id)
      return row ? seenCompany(row) : null
    },
    contact(id) {
      const row = simulator.get(contactObject, id)
      return row ? seenContact(row) : null
    },
    companies: () => live(companyObject).map(seenCompany),
    close(id, outcome, amount) {
      if (amount !== undefined) simulator.update(dealObject, id, { estimatedvalue: amount })
      simulator.closeAs(id, outcome, amount === undefined ? {} : { actualrevenue: amount })
    },
    reopen: (id) => simulator.reopen(id),
    change: (id, { amount, closeDate }) =>
      simulator.update(dealObject, id, {
        ...(amount === undefined ? {} : { estimatedvalue: amount }),
        ...(closeDate === undefined ? {} : { estimatedclosedate: closeDate }),
      }),
    winByCurl: (id) => curlLine('POST', `${simulator.url}/__simulator/close`, { id, how: 'won' }),
    isWrite: (operation) => /create|update|upsert|batch|delete|win|lose/.test(operation),
  }
}
