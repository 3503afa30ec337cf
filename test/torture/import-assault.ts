import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'csv-stringify/sync'
import { registrationOf } from '#test/demo/installation.ts'
import { approve } from './approval.ts'
import type { Assault } from './assault.ts'
import { inLanes, insist, insistOnAll } from './patience.ts'
import type { World } from './world.ts'

interface Row {
  readonly ref: string
  readonly companyName: string
  readonly partner: number
  readonly product: 'suite' | 'rollout'
  readonly amountMinor: bigint
  readonly closeDate: string
  readonly story: 'live' | 'approved' | 'rejected'
  readonly cells: Readonly<Record<string, string>>
}

const patienceMs = 240_000
const lanes = 4
let files = 0

/** A vendor brings registrations over from another system: new ones and such that were decided there. */
export function importDeals(world: World, rowCount: number): Assault {
  const { site, random, simulator } = world
  simulator.faults.add({ kind: 'slow', delayMs: random.whole(20, 200) })
  files += 1
  const file = `history-${files}`
  const rows = Array.from({ length: rowCount }, (_, index) => inventRow(world, `${file}-${index + 1}`))
  const csv = stringify(
    rows.map(({ cells }) => cells),
    { header: true, columns: Object.keys(rows[0]?.cells ?? {}) },
  )
  const upload = { sentAt: null as number | null, importId: null as string | null }
  const run = async () => {
    upload.importId = await uploadFile(world, file, csv, () => {
      upload.sentAt ??= Date.now()
    })
    await waitUntilDone(world, upload.importId, rowCount)
    await enterRows(world, rows)
  }
  const moment = random.chance(0.25)
    ? duringUpload(upload, random.whole(0, 400))
    : duringRun(() => upload.importId, site.admin, random.whole(0, rowCount), random.whole(0, 300))
  return { moment, done: run() }
}

function inventRow(world: World, ref: string): Row {
  const { random, values, installation } = world
  const company = world.nextCompany()
  const partner = random.whole(0, installation.partners.length - 1)
  const product = random.chance(0.15) ? 'rollout' : 'suite'
  const amountMinor = values.amountMinor()
  const closeDate = values.date()
  const story = random.chance(0.6) ? 'live' : random.chance(0.75) ? 'approved' : 'rejected'
  const told = registrationOf(company, installation)
  const decided = daysAgo(random.whole(2, 20))
  const history = {
    registered_at: story === 'live' ? '' : daysAgo(random.whole(21, 40)),
    registered_at_source: story === 'live' ? '' : 'Old registration tool',
    approved_at: story === 'live' ? '' : decided,
    approved_by: story === 'live' ? '' : 'Kim Channel',
    rejection_code: story === 'rejected' ? 'other' : '',
  }
  const cells = {
    external_ref: ref,
    partner: `P-${partner + 1}`,
    company_name: company.name,
    company_domain: company.domain,
    company_country: told.country ?? '',
    company_city: company.city,
    contact_name: told.contactName,
    contact_email: told.contactEmail,
    need: told.need,
    amount: `${amountMinor / 100n}.${String(amountMinor % 100n).padStart(2, '0')}`,
    currency: 'USD',
    expected_close_date: closeDate,
    products: product.toUpperCase(),
    registration_type: 'resale',
    status: story === 'live' ? '' : story,
    ...history,
  }
  return { ref, companyName: company.name, partner, product, amountMinor, closeDate, story, cells }
}

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)

/** Sends the file again and again until it is accepted: the same rows again must change nothing. */
async function uploadFile(world: World, name: string, csv: string, onSent: () => void): Promise<string> {
  const { admin } = world.site
  const deadline = Date.now() + patienceMs
  for (;;) {
    try {
      onSent()
      const response = await fetch(`${admin.url}/api/v1/imports/deals?fileName=${name}.csv`, {
        method: 'POST',
        headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'text/csv' },
        body: csv,
      })
      const text = await response.text()
      if (response.status === 202) return JSON.parse(text).id
      if (response.status < 500) throw new FileRefused(`The import answered ${response.status}: ${text}`)
    } catch (error) {
      if (error instanceof FileRefused || Date.now() > deadline) throw error
    }
    await delay(200)
  }
}

class FileRefused extends Error {}

async function waitUntilDone(world: World, importId: string, rowCount: number): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const { state, rows, problem } = await insist(world.site.admin, 'GET', `/api/v1/imports/${importId}`)
    if (state === 'done') {
      const taken = rows.created + rows.updated + rows.unchanged
      if (taken !== rowCount || rows.invalid > 0)
        throw new Error(`An import of ${rowCount} rows ended with ${JSON.stringify(rows)}`)
      return
    }
    if (state === 'failed' || state === 'cancelled') throw new Error(`An import is ${state}: ${problem}`)
    if (Date.now() > deadline) throw new Error(`An import is still ${state}: ${JSON.stringify(rows)}`)
    await delay(300)
  }
}

async function enterRows(world: World, rows: readonly Row[]): Promise<void> {
  const { site, book } = world
  const deals = Map.groupBy(await insistOnAll(site.admin, '/api/v1/deals'), ({ externalRef }) => externalRef)
  const waiting: string[] = []
  for (const { ref, companyName, partner, product, amountMinor, closeDate, story } of rows) {
    const [deal, another] = deals.get(ref) ?? []
    if (!deal || another) throw new Error(`The row ${ref} became ${deals.get(ref)?.length ?? 0} deals`)
    const status = story === 'rejected' ? 'rejected' : 'approved'
    const base = { ref, companyName, partner, product, amountMinor, closeDate }
    book.add({ ...base, dealId: deal.id, status, outcome: 'open' })
    if (story === 'live' && deal.status !== 'approved') waiting.push(deal.id)
  }
  await inLanes(
    lanes,
    waiting.map((dealId) => () => approve(world, dealId)),
  )
}

async function duringUpload(upload: { readonly sentAt: number | null }, afterMs: number): Promise<string> {
  while (upload.sentAt === null) await delay(1)
  await delay(afterMs)
  return `${afterMs} ms after the upload had begun`
}

async function duringRun(
  importId: () => string | null,
  admin: World['site']['admin'],
  wantedRows: number,
  extraMs: number,
): Promise<string> {
  const deadline = Date.now() + patienceMs
  while (Date.now() < deadline) {
    const id = importId()
    if (id !== null) {
      const { state, rows } = await insist(admin, 'GET', `/api/v1/imports/${id}`)
      const applied = rows.created + rows.updated + rows.unchanged + rows.invalid
      if (applied >= wantedRows || state === 'done') {
        await delay(extraMs)
        return `${extraMs} ms after ${applied} rows were in`
      }
    }
    await delay(20)
  }
  throw new Error('The import never came that far')
}
