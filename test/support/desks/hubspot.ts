import type { HubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
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

/** HubSpot's own types of associations: the primary company and the contact of a deal, the company of a contact. */
const primaryCompany = 5
const contactOfDeal = 3
const companyOfContact = 1
const partnerLabel = 'PRM Partner'

const seenCompany = (row: Row): SeenCompany => ({
  id: String(row['id']),
  name: String(row['name']),
  customerKey: textOf(row['prm_customer_id']),
  partnerKey: textOf(row['prm_partner_id']),
})

export function hubspotDesk(simulator: HubspotSimulator): CrmDesk {
  const dealObject = 'deals'
  const companyObject = 'companies'
  const contactObject = 'contacts'
  const update = (id: string, properties: Row) => simulator.update(dealObject, id, properties)

  function seenDeal(row: Row): SeenDeal {
    const id = String(row['id'])
    const isDeleted = row['archived'] === true
    const label = simulator.associationType(dealObject, companyObject, partnerLabel)
    const company = (type: number | undefined) =>
      type === undefined || isDeleted ? null : (simulator.associated(id, type)[0] ?? null)
    return {
      id,
      key: textOf(row['prm_deal_id']),
      name: String(row['dealname']),
      amount: numberOf(row['amount']),
      closeDate: textOf(row['closedate'])?.slice(0, 10) ?? null,
      companyId: company(primaryCompany),
      partnerId: company(label),
      registrationStatus: textOf(row['prm_registration_status']),
      protectedUntil: textOf(row['prm_protection_end']),
      contactId: isDeleted ? null : (simulator.associated(id, contactOfDeal)[0] ?? null),
      ownerId: textOf(row['hubspot_owner_id']),
      products: textOf(row['prm_products']),
      outcome: row['hs_is_closed_won'] === 'true' ? 'won' : row['hs_is_closed'] === 'true' ? 'lost' : 'open',
      isDeleted,
    }
  }

  const seenContact = (row: Row): SeenContact => ({
    id: String(row['id']),
    email: textOf(row['email']),
    lastName: textOf(row['lastname']),
    companyId: simulator.associated(String(row['id']), companyOfContact)[0] ?? null,
    key: textOf(row['prm_contact_id']),
  })

  return {
    vendor: 'hubspot',
    name: 'HubSpot',
    dealWord: 'deal',
    simulator,
    dealObject,
    companyObject,
    contactObject,
    credentials: { grant: 'refresh_token', ...simulator.credentials },
    tellAt(url) {
      simulator.webhooks.target = url
      simulator.webhooks.run(1_000)
    },
    addCompany: ({ name, domain, city, country }) =>
      simulator.insert(companyObject, {
        name,
        domain,
        ...(city === undefined ? {} : { city }),
        ...(country === undefined ? {} : { country }),
      }),
    mergeCompanies: (masterId, loserId) => simulator.merge(companyObject, masterId, [loserId]),
    addContact({ email, lastName, companyId }) {
      const id = simulator.insert(contactObject, { email, lastname: lastName })
      simulator.associate(id, companyId, companyOfContact)
      return id
    },
    addUser: ({ email, lastName }) => simulator.addOwner({ email, lastName }),
    // An owner whose user was taken away is archived.
    disableUser: ({ id, email }) => void simulator.addOwner({ id, email, archived: true }),
    addDeal({ name, companyId, amount }) {
      const id = simulator.insert(dealObject, {
        dealname: name,
        pipeline: 'default',
        dealstage: 'qualifiedtobuy',
        closedate: '2027-02-01T00:00:00Z',
        amount: String(amount),
      })
      simulator.associate(id, companyId, primaryCompany)
      return id
    },
    deals: () => simulator.list(dealObject).map(seenDeal),
    dealsOf: (key) =>
      simulator
        .list(dealObject)
        .filter((row) => row['prm_deal_id'] === key)
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
    companies: () => simulator.list(companyObject).map(seenCompany),
    close: (id, outcome, amount) =>
      update(id, {
        dealstage: outcome === 'won' ? 'closedwon' : 'closedlost',
        ...(amount === undefined ? {} : { amount: String(amount) }),
      }),
    reopen: (id) => update(id, { dealstage: 'contractsent' }),
    change: (id, { amount, closeDate }) =>
      update(id, {
        ...(amount === undefined ? {} : { amount: String(amount) }),
        ...(closeDate === undefined ? {} : { closedate: `${closeDate}T00:00:00Z` }),
      }),
    winByCurl: (id) =>
      curlLine('PATCH', `${simulator.url}/__simulator/records`, {
        object: dealObject,
        id,
        fields: { dealstage: 'closedwon' },
      }),
    isWrite: (operation) => /create|update|upsert|archive|merge|associate$/.test(operation),
  }
}
