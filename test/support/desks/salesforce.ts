import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
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

const seenDeal = (row: Row): SeenDeal => ({
  id: String(row['Id']),
  key: textOf(row['PRM_Deal_Id__c']),
  name: String(row['Name']),
  amount: numberOf(row['Amount']),
  closeDate: textOf(row['CloseDate']),
  companyId: textOf(row['AccountId']),
  partnerId: textOf(row['PRM_Partner__c']),
  registrationStatus: textOf(row['PRM_Registration_Status__c']),
  protectedUntil: textOf(row['PRM_Protection_End__c']),
  contactId: textOf(row['ContactId']),
  ownerId: textOf(row['OwnerId']),
  products: textOf(row['PRM_Products__c']),
  outcome: row['IsWon'] === true ? 'won' : row['IsClosed'] === true ? 'lost' : 'open',
  isDeleted: row['IsDeleted'] === true,
})

const seenCompany = (row: Row): SeenCompany => ({
  id: String(row['Id']),
  name: String(row['Name']),
  customerKey: textOf(row['PRM_Customer_Id__c']),
  partnerKey: textOf(row['PRM_Partner_Id__c']),
})

const seenContact = (row: Row): SeenContact => ({
  id: String(row['Id']),
  email: textOf(row['Email']),
  lastName: textOf(row['LastName']),
  companyId: textOf(row['AccountId']),
  key: textOf(row['PRM_Contact_Id__c']),
})

export function salesforceDesk(simulator: SalesforceSimulator): CrmDesk {
  const dealObject = 'Opportunity'
  const companyObject = 'Account'
  const contactObject = 'Contact'
  const update = (id: string, fields: Row) => simulator.update(dealObject, id, fields)
  return {
    vendor: 'salesforce',
    name: 'Salesforce',
    dealWord: 'opportunity',
    simulator,
    dealObject,
    companyObject,
    contactObject,
    credentials: {
      grant: 'client_credentials',
      loginUrl: simulator.url,
      clientId: simulator.credentials.clientId,
      clientSecret: simulator.credentials.clientSecret,
    },
    // It is listened to.
    tellAt: () => undefined,
    addCompany: ({ name, domain, city, country }) =>
      simulator.insert(companyObject, {
        Name: name,
        Website: domain,
        ...(city === undefined ? {} : { BillingCity: city }),
        ...(country === undefined ? {} : { BillingCountry: country }),
      }),
    mergeCompanies(masterId, loserId) {
      simulator.merge(companyObject, masterId, [loserId])
      return masterId
    },
    addContact: ({ email, lastName, companyId }) =>
      simulator.insert(contactObject, { Email: email, LastName: lastName, AccountId: companyId }),
    addUser: ({ email, lastName }) =>
      simulator.insert('User', { Username: email, LastName: lastName, Email: email, IsActive: true }),
    disableUser: ({ id }) => simulator.update('User', id, { IsActive: false }),
    addDeal: ({ name, companyId, amount }) =>
      simulator.insert(dealObject, {
        Name: name,
        AccountId: companyId,
        StageName: 'Qualification',
        CloseDate: '2027-02-01',
        Amount: amount,
      }),
    deals: () => simulator.list(dealObject).map(seenDeal),
    dealsOf: (key) =>
      simulator
        .list(dealObject)
        .filter((row) => row['PRM_Deal_Id__c'] === key)
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
        StageName: outcome === 'won' ? 'Closed Won' : 'Closed Lost',
        ...(amount === undefined ? {} : { Amount: amount }),
      }),
    reopen: (id) => update(id, { StageName: 'Negotiation/Review' }),
    change: (id, { amount, closeDate }) =>
      update(id, {
        ...(amount === undefined ? {} : { Amount: amount }),
        ...(closeDate === undefined ? {} : { CloseDate: closeDate }),
      }),
    winByCurl: (id) =>
      curlLine('PATCH', `${simulator.url}/__simulator/records`, {
        object: dealObject,
        id,
        fields: { StageName: 'Closed Won' },
      }),
    isWrite: (operation) => /create|update(?!d)|upsert|delete(?!d)/.test(operation),
  }
}
