/** Many partners that register the same deal at the same instant, each in a spelling of its own, and what must come of it. */
import { createClaimIndex } from '#src/conflicts/comparison.ts'
import { defaultRuleSet } from '#src/conflicts/rule-set.ts'
import { scoreClaim } from '#src/conflicts/score.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { newId } from '#src/kernel/ids.ts'
import { type Api, createApi } from '#test/support/api-client.ts'
import type { Random } from '#test/support/random.ts'

export interface Rivals {
  readonly admin: Api
  readonly programmeId: string
  readonly partners: readonly { readonly id: string; readonly name: string; readonly api: Api }[]
}

/** A programme without CRM in which nothing approves itself, and partners that each have one person. */
export async function setUpRivals(admin: Api, count: number): Promise<Rivals> {
  const programme = await admin.post('/api/v1/programmes', {
    name: 'Rivals',
    timeZone: 'UTC',
    currency: 'USD',
    registrationTypes: ['resale'],
  })
  const tier = await admin.post(`/api/v1/programmes/${programme.id}/tiers`, { name: 'Rival', rank: 1 })
  const partners: Rivals['partners'][number][] = []
  for (let number = 1; number <= count; number += 1) {
    const name = `Rival house number ${number}`
    const partner = await admin.post('/api/v1/partners', {
      externalRef: `R-${number}`,
      name,
      currency: 'USD',
    })
    await admin.call('PUT', `/api/v1/partners/${partner.id}/memberships/${programme.id}`, { tierId: tier.id })
    const user = await admin.post('/api/v1/users', {
      partnerId: partner.id,
      name: `Seller ${number}`,
      email: `seller@rival${number}.example.org`,
      roles: ['partner_seller'],
    })
    const { secret } = await admin.post('/api/v1/tokens', { userId: user.id, name: 'torture' })
    partners.push({ id: partner.id, name, api: createApi(admin.url, secret) })
  }
  return { admin, programmeId: programme.id, partners }
}

export interface Spelling {
  readonly name: string
  readonly domain?: string
}

/** Where all of them say that the company is. */
const country = 'DE'
const terms = { rules: defaultRuleSet, asOf: '2026-01-01' }

/** The score of the one as it is found by the other; 0 where no key brings them together. */
function scoreOf(a: Spelling, b: Spelling): number {
  const side = {
    dealId: newId<'deal'>(),
    partnerId: newId<'partner'>(),
    customerId: null,
    familyIds: [],
    range: { from: null, to: null },
  }
  const claim = {
    ...side,
    claimId: newId<'claim'>(),
    source: 'registration' as const,
    standing: 'pending' as const,
    connectionId: null,
    remoteId: null,
    amountMinor: null,
    currency: null,
    stage: null,
    openedOn: null,
    company: identifyCompany({ ...b, country }),
  }
  const subject = { ...side, company: identifyCompany({ ...a, country }) }
  const index = createClaimIndex()
  index.add(claim)
  const [found] = index.find(subject)
  return found ? (scoreClaim(terms, subject, found)?.score ?? 0) : 0
}

const forms = ['', ' GmbH', ' AG', ' Inc.', ' Ltd', ' S.A.', ', LLC', ' Holding', ' Group']

/** Ways to write a company that the matcher takes for the same one, each with each; the first is the company's own. */
export function spellingsOf(own: Spelling, random: Random): readonly Spelling[] {
  const typo = (name: string) => {
    const at = random.whole(2, name.length - 3)
    return random.chance(0.5)
      ? name.slice(0, at) + name.slice(at + 1)
      : name.slice(0, at) + name.charAt(at) + name.slice(at)
  }
  const names = [own.name, own.name.toUpperCase(), own.name.toLowerCase(), typo(own.name), typo(own.name)]
  const proposals = names.flatMap((name) =>
    forms.flatMap((form) => [
      { name: name + form },
      ...(own.domain === undefined ? [] : [{ name: name + form, domain: own.domain }]),
    ]),
  )
  const { reviewFrom } = defaultRuleSet.sameDeal.company
  const kept: Spelling[] = [own]
  for (const proposal of random.shuffled(proposals)) {
    const same = kept.every(
      (other) => scoreOf(proposal, other) >= reviewFrom && scoreOf(other, proposal) >= reviewFrom,
    )
    if (same) kept.push(proposal)
  }
  return kept
}

/** A company that is not alike to any that came before, so that rounds do not meet. */
export function createDistinctCompanies(next: () => Spelling): () => Spelling {
  const given: Spelling[] = []
  return () => {
    for (;;) {
      const { name, domain } = next()
      const company = domain === undefined ? { name } : { name, domain }
      if (given.some((other) => scoreOf(company, other) >= defaultRuleSet.sameDeal.company.shownFrom))
        continue
      given.push(company)
      return company
    }
  }
}

export interface RivalRound {
  readonly spellings: number
  readonly clear: number
  readonly registrationsPerSecond: number
  /** In words; none when the round equals a serial one. */
  readonly violations: readonly string[]
}

interface Registered {
  readonly partner: Rivals['partners'][number]
  readonly deal: { readonly id: string; readonly number: string; readonly conflict: string }
}

/** All partners at once; then the round is compared with the order in which the claims were numbered. */
export async function runRivalRound(
  { admin, programmeId, partners }: Rivals,
  company: Spelling,
  random: Random,
): Promise<RivalRound> {
  const spellings = spellingsOf(company, random)
  const typed = partners.map((partner) => ({ partner, spelling: random.pick(spellings) }))
  const startedAt = performance.now()
  const registered = await Promise.all(
    typed.map(async ({ partner, spelling }): Promise<Registered> => {
      const deal = await partner.api.post('/api/v1/deals', registrationBy(programmeId, spelling))
      return { partner, deal }
    }),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  return {
    spellings: new Set(typed.map(({ spelling }) => JSON.stringify(spelling))).size,
    clear: registered.filter(({ deal }) => deal.conflict === 'clear').length,
    registrationsPerSecond: Math.round(partners.length / seconds),
    violations: [...(await compareWithSerial(admin, registered)), ...(await listenToPartners(registered))],
  }
}

const registrationBy = (programmeId: string, { name, domain }: Spelling) => ({
  programmeId,
  companyName: name,
  ...(domain === undefined ? {} : { domain }),
  country,
  contactName: 'Robin Meyer',
  // An address that says nothing of the company.
  contactEmail: 'robin.meyer@gmail.com',
  need: 'Replace the old shop platform before the next season starts',
  amountMinor: '5000000',
  currency: 'USD',
  expectedCloseDate: '2027-03-31',
  products: [],
  registrationType: 'resale',
  submit: true,
})

/** In the order of claim numbers: the first is clear, each later one is suspected, and of those before it only. */
async function compareWithSerial(admin: Api, registered: readonly Registered[]): Promise<readonly string[]> {
  const checked = await Promise.all(
    registered.map(async ({ deal }) => {
      const { checks } = await admin.get(`/api/v1/deals/${deal.id}/conflict`)
      const [check] = checks
      return { deal, check, claimSeq: BigInt(check.claimSeq) }
    }),
  )
  const serial = checked.toSorted((a, b) => (a.claimSeq < b.claimSeq ? -1 : 1))
  const rivals = new Set(serial.map(({ deal }) => deal.id))
  return serial.flatMap(({ deal, check }, place) => {
    const verdict = place === 0 ? 'clear' : 'suspected'
    const earlier = new Set(serial.slice(0, place).map((one) => one.deal.id))
    // Companies that are a little alike may have been registered before, or by an import meanwhile.
    const met: string[] = check.candidates.flatMap(({ claim }: { claim: { dealId: string | null } }) =>
      claim.dealId !== null && rivals.has(claim.dealId) ? [claim.dealId] : [],
    )
    const at = `${deal.number}, number ${place + 1} of its round,`
    return [
      ...(check.verdict === verdict && deal.conflict === verdict
        ? []
        : [
            `${at} is ${deal.conflict} with a check that is ${check.verdict}; in turn it would be ${verdict}`,
          ]),
      ...(met.every((dealId) => earlier.has(dealId))
        ? []
        : [`${at} was compared with a registration that came later`]),
      ...(met.length > 0 === place > 0 ? [] : [`${at} has ${met.length} candidates`]),
    ]
  })
}

/** What each partner can read of its own registration says that there is a conflict, and nothing of the others. */
async function listenToPartners(registered: readonly Registered[]): Promise<readonly string[]> {
  const secrets = registered.map(({ partner, deal }) => [
    partner.id,
    JSON.stringify(partner.name),
    deal.id,
    deal.number,
  ])
  const heard = await Promise.all(
    registered.map(async ({ partner: { api, name }, deal }, index) => {
      const read = (path: string) => api.call('GET', path).then(({ body }) => body)
      const notice = await read(`/api/v1/deals/${deal.id}/conflict-notice`)
      const text = JSON.stringify([
        notice,
        await read(`/api/v1/deals/${deal.id}`),
        await read(`/api/v1/deals/${deal.id}/timeline`),
        await read('/api/v1/deals?limit=200'),
        await read('/api/v1/notifications'),
      ])
      const leaked = secrets.flatMap((own, other) =>
        other === index ? [] : own.filter((secret) => text.includes(secret)),
      )
      return [
        ...(notice.conflict === (deal.conflict !== 'clear') ? [] : [`${name} was told the wrong thing`]),
        ...(leaked.length === 0 ? [] : [`${name} can read of others: ${leaked.join(', ')}`]),
      ]
    }),
  )
  return heard.flat()
}
