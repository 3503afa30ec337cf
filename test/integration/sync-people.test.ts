import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ConnectedCrm, useCrmInstallation } from '#test/support/crm-installation.ts'

const { connect, inStep, api, capabilities, run, world, submit, approve } = useCrmInstallation()
let site: ConnectedCrm
let mona = ''

beforeAll(async () => {
  site = await connect('Salesforce')
  mona = site.crm.insert('User', {
    Username: 'mona@vendor.example',
    LastName: 'Manager',
    FirstName: 'Mona',
    Email: 'mona.manager@vendor.example',
    IsActive: true,
  })
}, 120_000)

const opportunityOf = (dealId: string) =>
  site.crm.list('Opportunity').find((row) => row['PRM_Deal_Id__c'] === dealId)
const contactsNamed = (email: string) => site.crm.list('Contact').filter((row) => row['Email'] === email)

/** Unlike enough that none is taken for another. */
const names = [
  'Aurora Textil',
  'Brenner Logistik',
  'Cygnus Optik',
  'Dorado Pumpen',
  'Elbtal Kaffee',
  'Fjordbau',
  'Goldammer Verlag',
  'Havelwind Energie',
  'Isarglas',
  'Jadebusen Reederei',
  'Kranich Medizin',
]
let companies = 0
function company() {
  companies += 1
  const domain = `people${companies}x.com`
  return {
    companyName: names[companies] ?? `Nameless ${companies}`,
    domain,
    contactName: 'Cora Contact',
    contactEmail: `Cora@${domain}`,
  }
}
async function approved(over: Record<string, unknown> = {}) {
  const { id } = await submit({ ...company(), ...over })
  const deal = await approve(id)
  await inStep()
  return deal
}

describe('the contact of a registration', () => {
  test('goes over with its deal, at the account of its customer', async () => {
    const deal = await approved()
    const opportunity = opportunityOf(deal.id)
    const [contact, ...others] = contactsNamed(deal.contactEmail.toLowerCase())
    expect(others).toEqual([])
    expect(contact).toMatchObject({
      AccountId: opportunity?.['AccountId'],
      FirstName: 'Cora',
      LastName: 'Contact',
      PRM_Contact_Id__c: deal.vendor.contactId,
    })
    expect(opportunity).toMatchObject({ ContactId: contact?.['Id'] })
  }, 60_000)

  test('is one for all registrations of its customer, and shown to the vendor alone', async () => {
    const known = company()
    const first = await submit(known)
    const second = await submit({
      ...known,
      contactName: 'C. Contact',
      contactEmail: known.contactEmail.toUpperCase(),
      partnerId: world.rivalId,
    })
    expect(second.vendor.contactId).toBe(first.vendor.contactId)
    const { items } = await api().get(`/api/v1/customers/${first.vendor.customerId}/contacts`)
    expect(items).toMatchObject([{ email: known.contactEmail.toLowerCase(), firstName: 'Cora' }])
    const partner = {
      kind: 'partner' as const,
      id: 'seller',
      name: 'Sam',
      roles: ['partner_seller' as const],
      partnerId: world.partnerId as never,
    }
    const seen = await capabilities().engine.database.transact(partner, (tx) =>
      capabilities().customers.contactsOf(tx, first.vendor.customerId),
    )
    expect(seen).toEqual([])
  })

  test('who is there already at that account is linked, and left as he is', async () => {
    const known = company()
    const account = site.crm.insert('Account', {
      Name: known.companyName,
      Website: known.domain,
      BillingCountry: 'DE',
    })
    const there = site.crm.insert('Contact', {
      AccountId: account,
      LastName: 'Kontakt',
      Email: known.contactEmail.toLowerCase(),
    })
    await inStep()
    const deal = await approved(known)
    expect(contactsNamed(known.contactEmail.toLowerCase())).toHaveLength(1)
    expect(site.crm.get('Contact', there)).toMatchObject({
      LastName: 'Kontakt',
      PRM_Contact_Id__c: deal.vendor.contactId,
    })
    expect(opportunityOf(deal.id)).toMatchObject({ ContactId: there })
  }, 60_000)

  test('whose address stands at another account waits for a person, and the deal follows the decision', async () => {
    const known = company()
    const elsewhere = site.crm.insert('Account', { Name: 'Somewhere else entirely', BillingCountry: 'FR' })
    const there = site.crm.insert('Contact', {
      AccountId: elsewhere,
      LastName: 'Contact',
      Email: known.contactEmail.toLowerCase(),
    })
    await inStep()
    const deal = await approved(known)
    expect(opportunityOf(deal.id)).toBeUndefined()
    const { items } = await api().get('/api/v1/review-items?state=open&kind=doubtful_match&entity=contact')
    expect(items).toMatchObject([
      { recordId: deal.vendor.contactId, title: 'Cora Contact', details: { candidates: [there] } },
    ])
    await api().post(`/api/v1/review-items/${items[0].id}/resolve`, {
      resolution: { link: there },
      reason: 'she works for both',
    })
    await inStep()
    expect(opportunityOf(deal.id)).toMatchObject({ ContactId: there })
    expect(contactsNamed(known.contactEmail.toLowerCase())).toHaveLength(1)
  }, 60_000)

  test('changes with the address that the partner corrects', async () => {
    const known = company()
    const deal = await approved(known)
    const edited = await api().call('PATCH', `/api/v1/deals/${deal.id}`, {
      contactEmail: `new@${known.domain}`,
    })
    expect(edited.body.vendor.contactId).not.toBe(deal.vendor.contactId)
    const { items } = await api().get(`/api/v1/customers/${deal.vendor.customerId}/contacts`)
    expect(items).toHaveLength(2)
  }, 60_000)
})

describe('the owner of an opportunity', () => {
  const defaulted = async () =>
    (await api().get('/api/v1/sync-attempts?outcome=defaulted&limit=50')).items as {
      recordId: string
      fields: string[]
      code: string
    }[]

  test('is the user with the e-mail address of who decides', async () => {
    const deal = await approved()
    expect(opportunityOf(deal.id)).toMatchObject({ OwnerId: mona })
    expect((await defaulted()).map(({ recordId }) => recordId)).not.toContain(deal.id)
  }, 60_000)

  test('is asked for once in a while, not for every deal', async () => {
    await approved()
    site.crm.calls.reset()
    await approved()
    const asked = site.crm.calls.log.filter(
      ({ object, operation }) => object === 'User' && operation === 'query',
    )
    expect(asked).toEqual([])
  }, 60_000)

  test('who works there no more leaves the deal to the default, which the log tells', async () => {
    site.crm.update('User', mona, { IsActive: false })
    // What is known of people grows old.
    await run((tx) => sql`update remote_user set checked_at = checked_at - interval '1 day'`.execute(tx))
    const deal = await approved()
    expect(opportunityOf(deal.id)).toBeDefined()
    expect(opportunityOf(deal.id)?.['OwnerId']).not.toBe(mona)
    expect(await defaulted()).toContainEqual(
      expect.objectContaining({ recordId: deal.id, fields: ['responsible'], code: 'unknown_user' }),
    )
  }, 60_000)
})
