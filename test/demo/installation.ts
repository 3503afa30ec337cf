import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'csv-parse/sync'
import { type Api, createApi, eventually } from '#test/support/api-client.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'

const checkout = resolve(import.meta.dirname, '../..')

export interface SampleCompany {
  readonly name: string
  readonly domain: string
  readonly city: string
  readonly zip: string
  readonly country: string
}

/** Real companies, so that matching has something to chew on. */
export const sampleCompanies = (): SampleCompany[] =>
  parse(readFileSync(join(checkout, 'config/sample-data/companies.csv')), { columns: true })

export interface Installation {
  readonly admin: Api
  readonly programmeId: string
  readonly tiers: Readonly<Record<'gold' | 'silver', string>>
  readonly families: Readonly<Record<'platform' | 'services', string>>
  readonly products: Readonly<Record<'suite' | 'rollout', string>>
  readonly partners: readonly {
    readonly id: string
    readonly name: string
    readonly api: Api
    readonly token: string
  }[]
  readonly connectionId: string
  readonly planVersionId: string
}

export interface InstallationOptions {
  /** Approve registrations at once when they meet this. */
  readonly autoApproval?: unknown
  /** Who decides registrations, and owns what becomes of them in the CRMs. */
  readonly deciderId?: string
  readonly pollSeconds?: number
}

/** Three for each programme; the first one of each is gold. */
const partnerNames = [
  ['Nordwind Systems', 'Blue Harbor Consulting', 'Alpenblick IT'],
  ['Maple Street Software', 'Castle Rock Digital', 'Lakeside Partners'],
  ['Puerto Azul Tecnologia', 'Silverline Advisory', 'Fjordland Data'],
] as const

/** Everything a vendor sets up before the first deal: programme, tiers, plan, partners with people, and the CRM. */
export const setUpInstallation = async (
  admin: Api,
  desk: CrmDesk,
  options: InstallationOptions = {},
): Promise<Installation> => addProgramme(admin, await addProducts(admin), desk, 0, options)

/** A programme for each CRM, with partners of its own; its deals go to that CRM. */
export async function setUpInstallations(
  admin: Api,
  desks: readonly CrmDesk[],
  options: InstallationOptions = {},
): Promise<Installation[]> {
  const products = await addProducts(admin)
  const installations: Installation[] = []
  for (const [index, desk] of desks.entries()) {
    installations.push(await addProgramme(admin, products, desk, index, options))
  }
  // With one connection everything goes there.
  if (installations.length === 1) return installations
  await admin.call('PUT', '/api/v1/deal-routing', {
    rules: installations.map(({ programmeId, connectionId }, index) => ({
      name: `Programme of ${desks[index]?.name}`,
      when: { field: 'programme', is: 'equals', value: programmeId },
      connectionId,
    })),
    defaultConnectionId: installations[0]?.connectionId ?? null,
  })
  return installations
}

type Products = Pick<Installation, 'families' | 'products'>

async function addProducts(admin: Api): Promise<Products> {
  const family = async (name: string, code: string) =>
    (await admin.post('/api/v1/product-families', { name, code })).id as string
  const families = {
    platform: await family('Platform', 'PLATFORM'),
    services: await family('Services', 'SERVICES'),
  }
  const product = async (familyId: string, name: string, code: string) =>
    (await admin.post('/api/v1/products', { familyId, name, code })).id as string
  const products = {
    suite: await product(families.platform, 'Commerce Suite', 'SUITE'),
    rollout: await product(families.services, 'Rollout package', 'ROLLOUT'),
  }
  return { families, products }
}

async function addProgramme(
  admin: Api,
  { families, products }: Products,
  desk: CrmDesk,
  place: number,
  options: InstallationOptions,
): Promise<Installation> {
  const programme = await admin.post('/api/v1/programmes', {
    name: place === 0 ? 'Reseller programme' : `Reseller programme (${desk.name})`,
    timeZone: 'Europe/Berlin',
    currency: 'USD',
    registrationTypes: ['resale', 'services'],
    ...(options.deciderId === undefined ? {} : { deciderId: options.deciderId }),
    ...(options.autoApproval === undefined ? {} : { autoApproval: options.autoApproval }),
  })
  const tier = async (name: string, rank: number) =>
    (await admin.post(`/api/v1/programmes/${programme.id}/tiers`, { name, rank })).id as string
  const tiers = { gold: await tier('Gold', 1), silver: await tier('Silver', 2) }
  const planVersionId = await publishPlan(admin, programme.id, tiers, families)
  const partners = []
  const names = partnerNames[place] ?? []
  for (const [index, name] of names.entries()) {
    const tierId = index === 0 ? tiers.gold : tiers.silver
    partners.push(await addPartner(admin, programme.id, tierId, name, place * names.length + index))
  }
  const connection = await admin.post('/api/v1/connections', {
    name: desk.name,
    vendor: desk.vendor,
    homeCurrency: 'USD',
    pollSeconds: options.pollSeconds ?? 5,
    credentials: desk.credentials,
    paused: true,
  })
  await setUpCrm(admin, connection.id)
  desk.tellAt(`${admin.url}/hooks/${connection.id}`)
  await admin.post(`/api/v1/connections/${connection.id}/resume`)
  await eventually(`${desk.name} has been read completely`, async () => {
    const { objects } = await admin.get(`/api/v1/connections/${connection.id}/health`)
    return objects.length > 0 && objects.every(({ complete }: { complete: boolean }) => complete)
  })
  return {
    admin,
    programmeId: programme.id,
    tiers,
    families,
    products,
    partners,
    connectionId: connection.id,
    planVersionId,
  }
}

/** Creates over there what the organisation lacks; what only a person can do there is not needed by a simulator. */
export async function setUpCrm(admin: Api, connectionId: string): Promise<void> {
  await admin.post(`/api/v1/connections/${connectionId}/check`)
  const path = `/api/v1/connections/${connectionId}/setup`
  const plan = await admin.get(path)
  const steps = plan.steps.filter(({ state }: { state: string }) => state === 'missing' || state === 'wrong')
  if (steps.length > 0) await admin.post(path, { steps: steps.map(({ id }: { id: string }) => id) })
}

/** Gold earns 15 % and silver 10 % on the platform, capped; services add a flat 250.00 for everybody. 30 days holdback. */
async function publishPlan(
  admin: Api,
  programmeId: string,
  tiers: Installation['tiers'],
  families: Installation['families'],
): Promise<string> {
  const plan = await admin.post('/api/v1/incentive-plans', { programmeId, name: 'Resale commission' })
  const percent = (id: string, name: string, tierId: string, ratePpm: number) => ({
    id,
    name,
    when: { all: [] },
    pays: { kind: 'percent', ratePpm },
    families: [families.platform],
    tiers: [tierId],
    cap: { amountMinor: '2500000', currency: 'USD' },
  })
  const version = await admin.post(`/api/v1/incentive-plans/${plan.id}/versions`, {
    document: {
      schema: 1,
      lines: [
        percent('platform-gold', 'Platform commission, Gold', tiers.gold, 150_000),
        percent('platform-silver', 'Platform commission, Silver', tiers.silver, 100_000),
        {
          id: 'services',
          name: 'Services bonus',
          when: { all: [] },
          pays: { kind: 'flat', amountMinor: '25000', currency: 'USD' },
          families: [families.services],
          tiers: null,
          cap: null,
        },
      ],
      holdbackDays: 30,
      rounding: 'half_even',
      splitRounding: 'largest_remainder',
    },
  })
  await admin.post(`/api/v1/incentive-plans/${plan.id}/versions/${version.id}/publish`, {
    from: '2026-01-01',
  })
  return version.id
}

async function addPartner(admin: Api, programmeId: string, tierId: string, name: string, index: number) {
  const slug = name.toLowerCase().replaceAll(/[^a-z]+/g, '-')
  const partner = await admin.post('/api/v1/partners', {
    externalRef: `P-${index + 1}`,
    name,
    domain: `${slug}.com`,
    country: 'DE',
    currency: 'USD',
  })
  await admin.call('PUT', `/api/v1/partners/${partner.id}/memberships/${programmeId}`, { tierId })
  const user = await admin.post('/api/v1/users', {
    partnerId: partner.id,
    name: `Sales at ${name}`,
    email: `sales@${slug}.com`,
    roles: ['partner_administrator', 'partner_seller', 'partner_finance'],
  })
  const { secret } = await admin.post('/api/v1/tokens', { userId: user.id, name: 'demo' })
  return { id: partner.id as string, name, token: secret as string, api: createApi(admin.url, secret) }
}

/** A registration as a partner's seller would type it. */
export function registrationOf(company: SampleCompany, installation: Installation, amountMinor = 5_000_000) {
  return {
    programmeId: installation.programmeId,
    companyName: company.name,
    domain: company.domain,
    country: countryCode(company.country),
    city: company.city,
    contactName: 'Robin Meyer',
    contactEmail: `robin.meyer@${company.domain}`,
    need: 'Replace the old shop platform before the next season starts',
    amountMinor: String(amountMinor),
    currency: 'USD',
    expectedCloseDate: '2027-03-31',
    products: [{ productId: installation.products.suite }],
    registrationType: 'resale',
  }
}

const codes: Readonly<Record<string, string>> = {
  'United States': 'US',
  Germany: 'DE',
  'United Kingdom': 'GB',
  France: 'FR',
  Sweden: 'SE',
  Canada: 'CA',
  Australia: 'AU',
  Switzerland: 'CH',
  Italy: 'IT',
  Norway: 'NO',
  Denmark: 'DK',
  Israel: 'IL',
  Japan: 'JP',
  Singapore: 'SG',
}
const countryCode = (name: string): string | null => codes[name] ?? null
